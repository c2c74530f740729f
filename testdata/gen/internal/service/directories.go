package service

// directories need Debian's slapd, ldap-utils, krb5-kdc and krb5-user.
var directories = []exchange{
	{file: "ldap.txtar", about: "A simple bind and a search.", setup: slapd, server: runSlapd,
		client: `ldapsearch -x -H ldap://127.0.0.1:$PROXY -D cn=admin,dc=example,dc=com -w secret -b dc=example,dc=com -s base o`},
	{file: "ldap-refused.txtar", about: "A wrong password.", setup: slapd, server: runSlapd,
		client: `ldapsearch -x -H ldap://127.0.0.1:$PROXY -D cn=admin,dc=example,dc=com -w wrong -b dc=example,dc=com`},
	{file: "ldap-tls.txtar", about: "StartTLS. Only what comes before TLS is here.", setup: slapd, server: runSlapd, limit: 1,
		client: `LDAPTLS_REQCERT=never ldapsearch -ZZ -x -H ldap://127.0.0.1:$PROXY -b dc=example,dc=com -s base`},
	{file: "krb5.txtar", about: "A ticket for a user, and with it one for a service.", setup: krb5, server: runKDC, udp: true,
		client: "export KRB5_CONFIG=$PWD/udp.conf; " + kinit},
	{file: "krb5-tcp.txtar", about: "A user who is not known, over TCP.", setup: krb5, server: runKDC,
		client: `export KRB5_CONFIG=$PWD/tcp.conf KRB5CCNAME=$PWD/cache; echo secret | kinit nobody`},
}

const slapd = `mkdir db && cat > conf <<END
include /etc/ldap/schema/core.schema
moduleload /usr/lib/ldap/back_mdb
TLSCertificateFile $PWD/cert.pem
TLSCertificateKeyFile $PWD/key.pem
database mdb
directory $PWD/db
suffix dc=example,dc=com
rootdn cn=admin,dc=example,dc=com
rootpw secret
END
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=ldap.example.com -keyout key.pem -out cert.pem 2>/dev/null
printf 'dn: dc=example,dc=com\nobjectClass: organization\nobjectClass: dcObject\no: Example\ndc: example\n' | slapadd -f conf`

const runSlapd = `exec slapd -d 0 -f conf -h ldap://127.0.0.1:$SERVER`

// krb5 makes a realm with one user, and two configurations for the user: over UDP, and over TCP.
const krb5 = `
for kind in udp tcp; do cat > $kind.conf <<END
[libdefaults]
default_realm = EXAMPLE.COM
dns_lookup_kdc = false
udp_preference_limit = $([ $kind = tcp ] && echo 1 || echo 1400)
[realms]
EXAMPLE.COM = {
  kdc = 127.0.0.1:$PROXY
}
END
done
cat > kdc.conf <<END
[kdcdefaults]
kdc_listen = 127.0.0.1:$SERVER
kdc_tcp_listen = 127.0.0.1:$SERVER
[realms]
EXAMPLE.COM = {
  database_name = $PWD/principal
  key_stash_file = $PWD/stash
}
END
export KRB5_CONFIG=$PWD/udp.conf KRB5_KDC_PROFILE=$PWD/kdc.conf
kdb5_util create -s -P master >/dev/null
kadmin.local addprinc -pw secret +requires_preauth anne >/dev/null
kadmin.local addprinc -randkey HTTP/www.example.com >/dev/null`

const runKDC = `KRB5_CONFIG=$PWD/udp.conf KRB5_KDC_PROFILE=$PWD/kdc.conf exec krb5kdc -n`

const kinit = `export KRB5CCNAME=$PWD/cache; echo secret | kinit anne >/dev/null; kvno HTTP/www.example.com`
