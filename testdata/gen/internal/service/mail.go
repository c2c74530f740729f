package service

// mail needs Debian's exim4-daemon-light, swaks, dovecot-imapd, dovecot-pop3d, curl and openssl.
var mail = []exchange{
	{file: "smtp.txtar", about: "Exim, and a mail to two people.", setup: exim, server: runExim, client: swaks},
	{file: "smtp-starttls.txtar", about: "Exim, up to STARTTLS.", setup: exim, server: runExim, limit: 3,
		client: "curl -sk --ssl-reqd --mail-from anne@example.org smtp://127.0.0.1:$PROXY/laptop.example.org"},
	{file: "pop3.txtar", about: "Dovecot, and a look at the mailbox.", setup: "PROTOCOL=pop3" + dovecot, server: runDovecot,
		client: "curl -s pop3://anne:secret@127.0.0.1:$PROXY/"},
	{file: "pop3-stls.txtar", about: "Dovecot, up to the reply behind which TLS begins.", setup: "PROTOCOL=pop3" + dovecot,
		server: runDovecot, limit: 3, client: "curl -sk --ssl-reqd pop3://anne:secret@127.0.0.1:$PROXY/"},
	{file: "imap.txtar", about: "Dovecot, and a look at the mailbox.", setup: "PROTOCOL=imap" + dovecot, server: runDovecot,
		client: "curl -s imap://anne:secret@127.0.0.1:$PROXY/"},
	{file: "imap-starttls.txtar", about: "Dovecot, up to the reply behind which TLS begins.", setup: "PROTOCOL=imap" + dovecot,
		server: runDovecot, limit: 3, client: "curl -sk --ssl-reqd imap://anne:secret@127.0.0.1:$PROXY/"},
}

// certificate makes a self-signed certificate and its key.
const certificate = `
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=mail.example.com -keyout key.pem -out cert.pem 2>/dev/null
chmod 644 key.pem`

// exim accepts any mail and drops it.
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
