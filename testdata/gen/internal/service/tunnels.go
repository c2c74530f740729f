package service

// tunnels need Debian's openvpn, openssl, iproute2 and wireguard-tools, and wireguard-go (go install golang.zx2c4.com/wireguard@latest).
// They make network interfaces: run them in a network namespace.
var tunnels = []exchange{
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
}

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
