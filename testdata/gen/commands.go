//go:build ignore

package main

// Debian's packages for these: curl postgresql mariadb-server mosquitto mosquitto-clients rabbitmq-server slapd ldap-utils
// krb5-kdc krb5-user samba smbclient xrdp freerdp2-x11 kcat. PyPI's: pymongo, pika, pymodbus, libtorrent.

// postgres starts a server with a certificate and two users: anne has a password, carl needs none.
const postgres = `
chown postgres . && su postgres -c "PATH=$PATH:$(echo /usr/lib/postgresql/*/bin)
initdb -D db -A trust >/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=db.example.com -keyout db/server.key -out db/server.crt 2>/dev/null
echo 'host all anne 127.0.0.1/32 scram-sha-256' > db/pg_hba.conf
echo 'host all all 127.0.0.1/32 trust' >> db/pg_hba.conf
pg_ctl -D db -o '-k /tmp -h 127.0.0.1 -p $SERVER' -l log -w start >/dev/null
psql -q -h 127.0.0.1 -p $SERVER postgres -c \"create user anne password 'secret'\" -c 'create user carl' -c 'create database orders'
pg_ctl -D db -m fast stop >/dev/null"`

const runPostgres = `exec setpriv --reuid postgres --regid postgres --clear-groups $(echo /usr/lib/postgresql/*/bin/postgres) ` +
	`-D db -k /tmp -h 127.0.0.1 -p $SERVER -c ssl=`

const mariadb = `
chmod 777 . && mariadb-install-db --user=mysql --datadir=$PWD/db --auth-root-authentication-method=normal >/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=db.example.com -keyout key.pem -out cert.pem 2>/dev/null
chmod 644 key.pem
cat > init.sql <<END
create database orders;
create user anne@localhost identified by 'secret';
grant all on orders.* to anne@localhost;
END`

const runMariaDB = `exec mariadbd --no-defaults --user=mysql --datadir=$PWD/db --socket=$PWD/s --bind-address=127.0.0.1 ` +
	`--port=$SERVER --init-file=$PWD/init.sql `

const mosquitto = `printf 'listener 7002 127.0.0.1\nallow_anonymous false\npassword_file %s/users\nuser root\n' $PWD > conf
touch users && chmod 600 users && mosquitto_passwd -b users sensor secret`

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

const samba = `mkdir share && chmod 777 share && cat > conf <<END
[global]
server role = standalone server
map to guest = bad user
server min protocol = NT1
private dir = $PWD/private
state directory = $PWD/state
cache directory = $PWD/cache
lock directory = $PWD/lock
pid directory = $PWD
ncalrpc dir = $PWD/ncalrpc
log file = $PWD/log
disable spoolss = yes
[orders]
path = $PWD/share
guest ok = yes
END
mkdir private state cache lock ncalrpc`

const runSamba = `exec smbd -F --no-process-group -s $PWD/conf -p $SERVER`

// RabbitMQ starts a port mapper, which must be stopped separately.
const runRabbitMQ = `export HOME=$PWD RABBITMQ_BASE=$PWD RABBITMQ_NODENAME=recorder@localhost RABBITMQ_MNESIA_BASE=$PWD/db ` +
	`RABBITMQ_LOG_BASE=$PWD/log RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=$SERVER RABBITMQ_DIST_PORT=7003 ` +
	`ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=7004 RABBITMQ_ENABLED_PLUGINS_FILE=$PWD/plugins
trap : TERM; /usr/lib/rabbitmq/bin/rabbitmq-server; epmd -kill`

var exchanges = []exchange{
	{file: "http2.txtar", about: "curl, and a server with Go's net/http.", serve: serveHTTP2,
		client: `curl -s --http2-prior-knowledge --connect-to ::127.0.0.1:$PROXY -H 'X-Forwarded-For: 192.0.2.7' ` +
			`-e http://www.example.com/ http://api.example.com:8080/v1/orders?open=1`},
	{file: "http2-post.txtar", about: "curl with a body, and a server with Go's net/http.", serve: serveHTTP2,
		client: `curl -s --http2-prior-knowledge --connect-to ::127.0.0.1:$PROXY --json '{}' http://api.example.com/v1/orders`},
	{file: "pgsql.txtar", about: "A user with a password.", setup: postgres, server: runPostgres + "off",
		client: `PGPASSWORD=secret psql "host=127.0.0.1 port=$PROXY user=anne dbname=orders sslmode=disable" -c 'select 1'`},
	{file: "pgsql-trust.txtar", about: "A client that would like TLS, and a user without password.", setup: postgres,
		server: runPostgres + "off",
		client: `psql "host=127.0.0.1 port=$PROXY user=carl dbname=orders sslmode=prefer gssencmode=disable" -c 'select 1'`},
	{file: "pgsql-refused.txtar", about: "A user who is not known.", setup: postgres, server: runPostgres + "off",
		client: `psql "host=127.0.0.1 port=$PROXY user=nobody dbname=orders sslmode=disable" -c 'select 1'`},
	{file: "pgsql-tls.txtar", about: "A server with TLS. Only what comes before it is here.", setup: postgres,
		server: runPostgres + "on", limit: 1,
		client: `psql "host=127.0.0.1 port=$PROXY user=carl dbname=orders sslmode=require" -c 'select 1'`},
	{file: "mysql.txtar", about: "MariaDB's client and server.", setup: mariadb, server: runMariaDB, limit: 3,
		client: `mariadb --no-defaults -h 127.0.0.1 -P $PROXY --skip-ssl -u anne -psecret orders -e 'select 1'`},
	{file: "mysql-tls.txtar", about: "MariaDB's client and server. Only what comes before the server's first answer is here.",
		setup: mariadb, server: runMariaDB + "--ssl-cert=$PWD/cert.pem --ssl-key=$PWD/key.pem", limit: 1,
		client: `mariadb --no-defaults -h 127.0.0.1 -P $PROXY --ssl -u anne -psecret orders -e 'select 1'`},
	{file: "mqtt.txtar", about: "Version 3.1.1, with a will.", setup: mosquitto, server: "exec mosquitto -c conf",
		client: `mosquitto_pub -h 127.0.0.1 -p $PROXY -i sensor-17 -u sensor -P secret --will-topic state --will-payload gone -t t -m 1`},
	{file: "mqtt-5.txtar", about: "Version 5, with a wrong password.", setup: mosquitto, server: "exec mosquitto -c conf",
		client: `mosquitto_pub -V 5 -h 127.0.0.1 -p $PROXY -i sensor-17 -u sensor -P wrong -x 60 -t t -m 1`},
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
	{file: "smb.txtar", about: "SMB 3.1.1 and a share for guests.", setup: samba, server: runSamba,
		client: `smbclient -s $PWD/conf -p $PROXY -U anne%secret //127.0.0.1/orders -c ls`},
	{file: "smb-1.txtar", about: "SMB 1 and a share for guests.", setup: samba, server: runSamba,
		client: `smbclient -s $PWD/conf -m NT1 --option='client min protocol=NT1' -p $PROXY -U anne%secret //127.0.0.1/orders -c ls`},
	{file: "mongodb.txtar", about: "PyMongo, and a server that just says hello.", serve: serveMongoDB,
		client: `python3 -c "import pymongo
c = pymongo.MongoClient('127.0.0.1', $PROXY, appname='billing', replicaSet='rs0', serverSelectionTimeoutMS=500)
c.orders.items.find_one()"`},
	{file: "mongodb-msg.txtar", about: "PyMongo with the stable API, whose hello is OP_MSG, and a server that just says hello.",
		serve: serveMongoDB,
		client: `python3 -c "import pymongo, pymongo.server_api
c = pymongo.MongoClient('127.0.0.1', $PROXY, server_api=pymongo.server_api.ServerApi('1'), serverSelectionTimeoutMS=500)
c.orders.items.find_one()"`},
	{file: "kafka.txtar", about: "librdkafka, and a server that just says its versions.", serve: serveKafka, limit: 1,
		client: `timeout 2 kcat -b 127.0.0.1:$PROXY -X client.id=billing -L`},
	{file: "amqp.txtar", about: "Pika and RabbitMQ.", server: runRabbitMQ, limit: 6,
		client: `python3 -c "import pika
pika.BlockingConnection(pika.ConnectionParameters('127.0.0.1', $PROXY)).close()"`},
	{file: "amqp-refused.txtar", about: "Pika and RabbitMQ: a virtual host that is not there.", server: runRabbitMQ, limit: 6,
		client: `python3 -c "import pika
pika.BlockingConnection(pika.ConnectionParameters('127.0.0.1', $PROXY, 'billing'))" 2>&1 | tail -1`},
	{file: "rdp.txtar", about: "FreeRDP and xrdp, with TLS. Only what comes before it is here.", limit: 1,
		setup: `openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=rdp.example.com -keyout key.pem -out cert.pem 2>/dev/null
sed "s|^port=.*|port=tcp://127.0.0.1:$SERVER|; s|^certificate=.*|certificate=$PWD/cert.pem|; s|^key_file=.*|key_file=$PWD/key.pem|; ` +
			`s|^LogFile=.*|LogFile=$PWD/log|; s|^runtime_user=.*||; s|^runtime_group=.*||" /etc/xrdp/xrdp.ini > xrdp.ini`,
		server: `exec xrdp --nodaemon -c $PWD/xrdp.ini`,
		client: `timeout 12 xvfb-run -a xfreerdp /v:127.0.0.1:$PROXY /u:anne /p:secret /cert:ignore /sec:tls`},
	{file: "modbus.txtar", about: "PyModbus.", limit: 2,
		server: `exec python3 -c "from pymodbus.server import StartTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
StartTcpServer(context=SimDevice(1, [SimData(0, values=17, count=200, datatype=DataType.REGISTERS)]), address=('127.0.0.1', $SERVER))"`,
		client: `python3 -c "from pymodbus.client import ModbusTcpClient
c = ModbusTcpClient('127.0.0.1', port=$PROXY)
c.connect()
print(c.read_holding_registers(100, count=4, device_id=1))
c.close()"`},
	{file: "modbus-exception.txtar", about: "PyModbus, and registers that are not there.", limit: 2,
		server: `exec python3 -c "from pymodbus.server import StartTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
StartTcpServer(context=SimDevice(1, [SimData(0, values=17, count=200, datatype=DataType.REGISTERS)]), address=('127.0.0.1', $SERVER))"`,
		client: `python3 -c "from pymodbus.client import ModbusTcpClient
c = ModbusTcpClient('127.0.0.1', port=$PROXY)
c.connect()
c.read_input_registers(9000, count=2, device_id=1)
c.close()"`},
	{file: "bittorrent.txtar", about: "Two sessions of libtorrent, one of which has the file.", limit: 3,
		setup: `mkdir seed && head -c 100000 /dev/urandom > seed/file && python3 -c "import libtorrent as lt
fs = lt.file_storage()
lt.add_files(fs, 'seed/file')
t = lt.create_torrent(fs)
lt.set_piece_hashes(t, 'seed')
open('t', 'wb').write(lt.bencode(t.generate()))"`,
		server: `exec python3 -c "$(cat <<END
import libtorrent as lt, time
s = lt.session({'listen_interfaces': '127.0.0.1:$SERVER', 'enable_dht': False, 'enable_lsd': False, 'in_enc_policy': 2})
s.add_torrent({'ti': lt.torrent_info('t'), 'save_path': 'seed'})
time.sleep(20)
END
)"`,
		client: `timeout 10 python3 -c "$(cat <<END
import libtorrent as lt, time
s = lt.session({'listen_interfaces': '127.0.0.1:7003', 'enable_dht': False, 'enable_lsd': False, 'out_enc_policy': 2,
    'enable_outgoing_utp': False})
h = s.add_torrent({'ti': lt.torrent_info('t'), 'save_path': 'got'})
time.sleep(1)
h.connect_peer(('127.0.0.1', $PROXY))
time.sleep(3)
END
)"`},
}
