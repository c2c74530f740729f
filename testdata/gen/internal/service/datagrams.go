package service

// datagrams need Debian's chrony, coturn, snmp, snmpd, tftpd-hpa, tftp-hpa, curl and aria2.
var datagrams = []exchange{
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
	{file: "bittorrent-dht.txtar", about: "Two of aria2; the client looks for who has a file.", udp: true, limit: 8,
		server: `exec aria2c -q --dht-listen-port=$SERVER --listen-port=7003 --dht-file-path=$PWD/b --dir=$PWD --enable-dht ` +
			`--bt-enable-lpd=false 'magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567'`,
		client: `timeout 12 aria2c -q --dht-listen-port=7004 --listen-port=7005 --dht-file-path=$PWD/a --dir=$PWD --enable-dht ` +
			`--bt-enable-lpd=false --dht-entry-point=127.0.0.1:$PROXY 'magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567'`},
}

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
