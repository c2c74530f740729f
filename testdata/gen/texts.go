//go:build ignore

package main

// Debian's packages for these: openssh-server openssh-client exim4-daemon-light swaks vsftpd dovecot-imapd dovecot-pop3d curl
// openssl redis-server redis-tools memcached libmemcached-tools microsocks prosody sip-tester bsdutils netcat-openbsd.

const certificate = `
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=mail.example.com -keyout key.pem -out cert.pem 2>/dev/null
chmod 644 key.pem`

const sshd = `mkdir -p /run/sshd; ssh-keygen -q -t ed25519 -N '' -f host; ssh-keygen -q -t ed25519 -N '' -f id`

const runSSHD = `exec /usr/sbin/sshd -D -f /dev/null -h $PWD/host -p $SERVER -o ListenAddress=127.0.0.1 -o PidFile=none ` +
	`-o AuthorizedKeysFile=$PWD/id.pub -o StrictModes=no`

const ssh = `ssh -F /dev/null -p $PROXY -i id -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null 127.0.0.1 `

// exim takes any mail and drops it.
const exim = certificate + `
chmod 777 .
cat > conf <<END
primary_hostname = mail.example.com
spool_directory = $PWD/spool
log_file_path = $PWD/log.%s
tls_certificate = $PWD/cert.pem
tls_privatekey = $PWD/key.pem
tls_advertise_hosts = *
acl_smtp_rcpt = accept
queue_only
keep_environment =
END
chown root conf && chmod 644 conf && mkdir spool && chmod 777 spool`

const runExim = `exec exim4 -C $PWD/conf -bdf -oX 127.0.0.1.$SERVER -oP ''`

const swaks = `swaks --server 127.0.0.1:$PROXY --ehlo laptop.example.org --from anne@example.org ` +
	`--to bob@example.com,carl@example.com`

const vsftpd = certificate + `
mkdir empty && cat > conf <<END
listen=YES
listen_address=127.0.0.1
listen_port=$SERVER
anonymous_enable=YES
anon_root=$PWD/empty
secure_chroot_dir=$PWD/empty
background=NO
seccomp_sandbox=NO
rsa_cert_file=$PWD/cert.pem
rsa_private_key_file=$PWD/key.pem
END
chmod 755 empty`

const dovecot = certificate + `
cat > conf <<END
base_dir = $PWD/run
state_dir = $PWD/run
log_path = $PWD/log
protocols = $PROTOCOL
listen = 127.0.0.1
ssl = yes
ssl_cert = <$PWD/cert.pem
ssl_key = <$PWD/key.pem
disable_plaintext_auth = no
mail_location = maildir:$PWD/mail
first_valid_uid = 1
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=mail gid=mail home=$PWD/mail
}
service imap-login {
  inet_listener imap {
    port = $SERVER
  }
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  inet_listener pop3 {
    port = $SERVER
  }
  inet_listener pop3s {
    port = 0
  }
}
END
mkdir mail run && chown mail mail`

const runDovecot = `exec dovecot -F -c $PWD/conf`

const redis = "exec redis-server --bind 127.0.0.1 --port $SERVER --save ''"

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

var exchanges = []exchange{
	{file: "ssh.txtar", about: "OpenSSH's client and server.", setup: sshd, server: runSSHD, client: ssh + "true", limit: 8},
	{file: "smtp.txtar", about: "Exim, and a mail to two people.", setup: exim, server: runExim, client: swaks},
	{file: "smtp-starttls.txtar", about: "Exim, up to STARTTLS.", setup: exim, server: runExim, limit: 3,
		client: "curl -sk --ssl-reqd --mail-from anne@example.org smtp://127.0.0.1:$PROXY/laptop.example.org"},
	{file: "ftp.txtar", about: "A listing of vsftpd's empty folder.", setup: vsftpd, server: "exec vsftpd conf",
		client: "curl -s ftp://127.0.0.1:$PROXY/"},
	{file: "ftp-tls.txtar", about: "vsftpd with TLS, up to the reply behind which TLS begins.", setup: vsftpd,
		server: "exec vsftpd conf -ossl_enable=YES -oallow_anon_ssl=YES", limit: 2,
		client: "curl -sk --ssl-reqd ftp://127.0.0.1:$PROXY/"},
	{file: "pop3.txtar", about: "Dovecot, and a look at the mailbox.", setup: "PROTOCOL=pop3" + dovecot, server: runDovecot,
		client: "curl -s pop3://anne:secret@127.0.0.1:$PROXY/"},
	{file: "pop3-stls.txtar", about: "Dovecot, up to the reply behind which TLS begins.", setup: "PROTOCOL=pop3" + dovecot,
		server: runDovecot, limit: 3, client: "curl -sk --ssl-reqd pop3://anne:secret@127.0.0.1:$PROXY/"},
	{file: "imap.txtar", about: "Dovecot, and a look at the mailbox.", setup: "PROTOCOL=imap" + dovecot, server: runDovecot,
		client: "curl -s imap://anne:secret@127.0.0.1:$PROXY/"},
	{file: "imap-starttls.txtar", about: "Dovecot, up to the reply behind which TLS begins.", setup: "PROTOCOL=imap" + dovecot,
		server: runDovecot, limit: 3, client: "curl -sk --ssl-reqd imap://anne:secret@127.0.0.1:$PROXY/"},
	{file: "xmpp.txtar", about: "Prosody, up to the element behind which TLS begins.", setup: prosody,
		server: "exec prosody -F --config $PWD/conf.lua", limit: 4,
		client: "openssl s_client -connect 127.0.0.1:$PROXY -starttls xmpp -xmpphost chat.example.com </dev/null"},
	{file: "socks-5.txtar", about: "microsocks, with a user, and a name as the target. Its web server is not there.",
		server: "exec microsocks -i 127.0.0.1 -p $SERVER -u anne -P secret", limit: 3,
		client: "curl -s --max-time 1 --socks5-hostname anne:secret@127.0.0.1:$PROXY http://localhost:7010/"},
	{file: "socks-5-granted.txtar", about: "microsocks, whose own port is the target: what follows the reply is another protocol.",
		server: "exec microsocks -i 127.0.0.1 -p $SERVER", limit: 2,
		client: "curl -s --max-time 1 --socks5 127.0.0.1:$PROXY http://127.0.0.1:$SERVER/"},
	{file: "socks-4a.txtar", about: "OpenSSH's own SOCKS server, up to its reply.",
		setup: sshd + "; cp host.pub known",
		server: `/usr/sbin/sshd -D -f /dev/null -h $PWD/host -p 7019 -o ListenAddress=127.0.0.1 -o PidFile=none ` +
			`-o AuthorizedKeysFile=$PWD/id.pub -o StrictModes=no & sleep 1; exec ssh -F /dev/null -N -D 127.0.0.1:$SERVER ` +
			`-p 7019 -i id -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null 127.0.0.1`,
		limit: 1, client: "curl -s --max-time 1 --socks4a 127.0.0.1:$PROXY http://localhost:7019/"},
	{file: "redis.txtar", about: "redis-cli.", limit: 1, server: redis,
		client: "redis-cli -p $PROXY SET cart:17 3"},
	{file: "redis-inline.txtar", about: "What an attacker types.", server: redis + " --requirepass secret",
		client: `(printf 'CONFIG SET dir /root/.ssh\r\n'; sleep 0.3) | nc -q 1 127.0.0.1 $PROXY`},
	{file: "redis-ping.txtar", about: "A health check, which the reply alone tells.", server: redis,
		client: `(printf 'PING\r\n'; sleep 0.3; printf 'PING\r\n'; sleep 0.3) | nc -q 1 127.0.0.1 $PROXY`},
	{file: "memcached.txtar", about: "memccat of libmemcached.", server: "exec memcached -u nobody -l 127.0.0.1 -p $SERVER",
		client: "memccat --servers=127.0.0.1:$PROXY session:17"},
	{file: "memcached-binary.txtar", about: "memccat of libmemcached.", server: "exec memcached -u nobody -l 127.0.0.1 -p $SERVER",
		client: "memccat --binary --servers=127.0.0.1:$PROXY session:17"},
	{file: "memcached-udp.txtar", about: "What is sent to servers to make them flood a third party.", udp: true,
		server: "exec memcached -u nobody -l 127.0.0.1 -p $SERVER -U $SERVER", limit: 2,
		client: `printf '\000\001\000\000\000\001\000\000stats\r\n' | nc -u -w 1 127.0.0.1 $PROXY`},
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
