package service

// calls need Debian's sip-tester, prosody, openssl, curl, bsdutils and netcat-openbsd.
var calls = []exchange{
	{file: "xmpp.txtar", about: "Prosody, up to the element behind which TLS begins.", setup: prosody,
		server: "exec prosody -F --config $PWD/conf.lua", limit: 4,
		client: "openssl s_client -connect 127.0.0.1:$PROXY -starttls xmpp -xmpphost chat.example.com </dev/null"},
	{file: "sip.txtar", about: "sipp as client and server: a call and the first answer to it.", udp: true, limit: 1,
		server: "exec sipp -sn uas -i 127.0.0.1 -p $SERVER -nostdin",
		client: "timeout 8 sipp -sn uac -m 1 -i 127.0.0.1 -nostdin 127.0.0.1:$PROXY"},
	{file: "sip-tcp.txtar", about: "sipp as client and server, over TCP.",
		server: "exec sipp -sn uas -t t1 -i 127.0.0.1 -p $SERVER -nostdin",
		client: "sipp -sn uac -t t1 -m 1 -i 127.0.0.1 -nostdin 127.0.0.1:$PROXY"},
	{file: "rtsp.txtar", about: "curl, and a server that is a few lines of shell.",
		server: `while printf 'RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: camera/1.0\r\nPublic: DESCRIBE, SETUP, PLAY\r\n\r\n' |
  nc -N -l 127.0.0.1 $SERVER; do :; done`,
		client: "curl -s --max-time 2 rtsp://127.0.0.1:$PROXY/stream"},
	{file: "syslog-rfc5424.txtar", about: "logger; nobody reads it.", udp: true, server: "exec nc -u -l 127.0.0.1 $SERVER",
		client: "logger --server 127.0.0.1 --port $PROXY --udp --rfc5424 -p auth.warning -t sshd hello"},
	{file: "syslog-rfc3164.txtar", about: "logger; nobody reads it.", udp: true, server: "exec nc -u -l 127.0.0.1 $SERVER",
		client: "logger --server 127.0.0.1 --port $PROXY --udp --rfc3164 -p local0.info -t backup hello"},
	{file: "syslog-tcp.txtar", about: "logger, with a length before each message.", server: "exec nc -k -l 127.0.0.1 $SERVER",
		client: "logger --server 127.0.0.1 --port $PROXY --tcp --rfc5424 --octet-count -p cron.err -t anacron hello"},
}

const prosody = certificate + `
mkdir data && chown prosody . data key.pem cert.pem
cat > conf.lua <<END
modules_disabled = { "s2s", "http", "posix" }
modules_enabled = { "tls", "saslauth" }
run_as_root = true
interfaces = { "127.0.0.1" }
c2s_ports = { $SERVER }
s2s_ports = { }
data_path = "$PWD/data"
log = { info = "$PWD/log" }
ssl = { key = "$PWD/key.pem", certificate = "$PWD/cert.pem" }
VirtualHost "chat.example.com"
END`
