//go:build ignore

package main

// The exchanges over UDP, and OpenVPN's. They need Debian's chrony, coturn, openvpn, openssl, snmp, snmpd, tftpd-hpa,
// tftp-hpa, curl, iproute2, wireguard-tools and aria2, and wireguard-go (go install golang.zx2c4.com/wireguard@latest). They
// make network interfaces: run them in a network namespace. DHCP and mDNS, which
// are not unicast, are recorded by dhcp.sh and mdns.sh.

const chronyServer = `exec chronyd -d -x -u root 'port 7002' 'local stratum 1' 'allow 127.0.0.1' 'cmdport 0' ` +
	`'bindaddress 127.0.0.1' 'bindcmdaddress /' "pidfile $PWD/server.pid"`

const turnServer = `exec turnserver -n -L 127.0.0.1 -E 127.0.0.1 -p $SERVER --no-tls --no-dtls --no-cli -a -u anne:secret ` +
	`-r example.com --allow-loopback-peers --log-file stdout --pidfile $PWD/pid --userdb $PWD/db`

const snmpAgent = `cat > conf <<END
rocommunity public 127.0.0.1
rouser anne auth
createUser anne SHA "authentic" AES "encrypted"
sysLocation rack 7
END
mkdir state`

const runSNMPAgent = `SNMP_PERSISTENT_DIR=$PWD/state exec snmpd -f -Lo -C -c conf -p $PWD/pid udp:127.0.0.1:$SERVER`

const openVPN = `
for name in server client; do
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$name -keyout $name.key -out $name.crt 2>/dev/null
done
openvpn --genkey secret static.key
openvpn --genkey tls-crypt-v2-server v2.key
openvpn --tls-crypt-v2 v2.key --genkey tls-crypt-v2-client client-v2.key`

const openVPNServer = `exec openvpn --dev null --ifconfig-noexec --verb 1 --tls-server --dh none --ca client.crt --cert server.crt ` +
	`--key server.key --local 127.0.0.1 --port $SERVER `

const openVPNClient = `timeout 3 openvpn --dev null --ifconfig-noexec --verb 1 --tls-client --ca server.crt --cert client.crt ` +
	`--key client.key --nobind --remote 127.0.0.1 $PROXY `

// runWireGuard makes two tunnels of wireguard-go, which is in user space, in one place.
const runWireGuard = `wg genkey > a; wg genkey > b
wireguard -f wg-b & wireguard -f wg-a & sleep 0.5
wg set wg-b listen-port $SERVER private-key b peer $(wg pubkey < a) allowed-ips 192.0.2.1/32
wait`

var exchanges = []exchange{
	{file: "ntp.txtar", about: "Chrony as the server and the client, which tells nothing of itself.", udp: true, limit: 2,
		server: chronyServer,
		client: `timeout 5 chronyd -Q -u root -t 3 'server 127.0.0.1 port 7001 iburst maxsamples 1' ` +
			`'cmdport 0' 'bindcmdaddress /' "pidfile $PWD/client.pid"`},
	{file: "stun.txtar", about: "Coturn and its client.", udp: true, server: turnServer,
		client: `timeout 5 turnutils_stunclient -p $PROXY 127.0.0.1`},
	{file: "stun-turn.txtar", about: "Coturn and its client, which asks for a relay.", udp: true, limit: 4, server: turnServer,
		client: `timeout 5 turnutils_uclient -y -n 1 -c -u anne -w secret -p $PROXY 127.0.0.1`},
	{file: "stun-tcp.txtar", about: "Coturn and its client over TCP.", limit: 4, server: turnServer,
		client: `timeout 5 turnutils_uclient -t -y -n 1 -c -u anne -w secret -p $PROXY 127.0.0.1`},
	{file: "snmp.txtar", about: "Net-SNMP's agent and tools.", udp: true, setup: snmpAgent, server: runSNMPAgent,
		client: `snmpget -v1 -c public 127.0.0.1:$PROXY 1.3.6.1.2.1.1.6.0
snmpbulkget -v2c -c public -Cr3 127.0.0.1:$PROXY 1.3.6.1.2.1.1
snmpset -r0 -t1 -v2c -c public 127.0.0.1:$PROXY 1.3.6.1.2.1.1.6.0 s elsewhere
snmptrap -v1 -c public 127.0.0.1:$PROXY 1.3.6.1.4.1.8072 192.0.2.1 2 0 1 1.3.6.1.2.1.2.2.1.1.3 i 3
snmptrap -v2c -c public 127.0.0.1:$PROXY 1 1.3.6.1.6.3.1.1.5.4`},
	{file: "snmp-v3.txtar", about: "Net-SNMP's agent and tools with a user: without, and then with encryption.", udp: true,
		setup: snmpAgent, server: runSNMPAgent,
		client: `snmpget -v3 -u anne -l authNoPriv -a SHA -A authentic 127.0.0.1:$PROXY 1.3.6.1.2.1.1.6.0
snmpget -v3 -u anne -l authPriv -a SHA -A authentic -x AES -X encrypted 127.0.0.1:$PROXY 1.3.6.1.2.1.1.6.0`},
	{file: "tftp.txtar", about: "Tftp-hpa's client; the server answers from another port.", udp: true, limit: 1,
		server: `exec in.tftpd -L -a 127.0.0.1:$SERVER -s $PWD`,
		client: `timeout 1 tftp -m binary 127.0.0.1 $PROXY -c get boot/pxelinux.0`},
	{file: "tftp-options.txtar", about: "Curl's client, which asks for options; the server answers from another port.", udp: true,
		limit: 1, server: `exec in.tftpd -L -a 127.0.0.1:$SERVER -s $PWD`,
		client: `curl -s --max-time 1 -o /dev/null tftp://127.0.0.1:$PROXY/boot/pxelinux.0`},
	{file: "wireguard.txtar", about: "Two of wireguard-go.", udp: true, limit: 2, server: runWireGuard,
		client: `wg set wg-a private-key a peer $(wg pubkey < b) endpoint 127.0.0.1:$PROXY allowed-ips 192.0.2.2/32 persistent-keepalive 1
ip link set wg-a up; ip link set wg-b up; sleep 2`},
	{file: "openvpn.txtar", about: "OpenVPN without protection of its control channel.", udp: true, limit: 1, setup: openVPN,
		server: openVPNServer, client: openVPNClient},
	{file: "openvpn-auth.txtar", about: "OpenVPN with tls-auth.", udp: true, limit: 1, setup: openVPN,
		server: openVPNServer + `--auth SHA256 --tls-auth static.key 0`, client: openVPNClient + `--auth SHA256 --tls-auth static.key 1`},
	{file: "openvpn-crypt.txtar", about: "OpenVPN with tls-crypt.", udp: true, limit: 1, setup: openVPN,
		server: openVPNServer + `--tls-crypt static.key`, client: openVPNClient + `--tls-crypt static.key`},
	{file: "openvpn-crypt2.txtar", about: "OpenVPN with tls-crypt-v2.", udp: true, limit: 1, setup: openVPN,
		server: openVPNServer + `--tls-crypt-v2 v2.key`, client: openVPNClient + `--tls-crypt-v2 client-v2.key`},
	{file: "openvpn-tcp.txtar", about: "OpenVPN over TCP, with tls-auth.", limit: 2, setup: openVPN,
		server: openVPNServer + `--proto tcp-server --tls-auth static.key 0`,
		client: openVPNClient + `--proto tcp-client --tls-auth static.key 1`},
	{file: "bittorrent-dht.txtar", about: "Two of aria2; the client looks for who has a file.", udp: true, limit: 8,
		server: `exec aria2c -q --dht-listen-port=$SERVER --listen-port=7003 --dht-file-path=$PWD/b --dir=$PWD --enable-dht ` +
			`--bt-enable-lpd=false 'magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567'`,
		client: `timeout 12 aria2c -q --dht-listen-port=7004 --listen-port=7005 --dht-file-path=$PWD/a --dir=$PWD --enable-dht ` +
			`--bt-enable-lpd=false --dht-entry-point=127.0.0.1:$PROXY 'magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567'`},
}
