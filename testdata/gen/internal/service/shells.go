package service

// shells need Debian's openssh-server, openssh-client, vsftpd, curl, openssl and microsocks.
var shells = []exchange{
	{file: "ssh.txtar", about: "OpenSSH's client and server.", setup: sshd, server: runSSHD, client: ssh + "true", limit: 8},
	{file: "ftp.txtar", about: "A listing of vsftpd's empty folder.", setup: vsftpd, server: "exec vsftpd conf",
		client: "curl -s ftp://127.0.0.1:$PROXY/"},
	{file: "ftp-tls.txtar", about: "vsftpd with TLS, up to the reply behind which TLS begins.", setup: vsftpd,
		server: "exec vsftpd conf -ossl_enable=YES -oallow_anon_ssl=YES", limit: 2,
		client: "curl -sk --ssl-reqd ftp://127.0.0.1:$PROXY/"},
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
}

const sshd = `mkdir -p /run/sshd; ssh-keygen -q -t ed25519 -N '' -f host; ssh-keygen -q -t ed25519 -N '' -f id`

const runSSHD = `exec /usr/sbin/sshd -D -f /dev/null -h $PWD/host -p $SERVER -o ListenAddress=127.0.0.1 -o PidFile=none ` +
	`-o AuthorizedKeysFile=$PWD/id.pub -o StrictModes=no`

const ssh = `ssh -F /dev/null -p $PROXY -i id -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null 127.0.0.1 `

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
