package service

import (
	"github.com/mirrorsink/mirrorsink/testdata/gen/internal/fake"
)

// databases need Debian's postgresql and mariadb-server, and PyPI's pymongo.
var databases = []exchange{
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
	{file: "mongodb.txtar", about: "PyMongo, and a server that just says hello.", serve: fake.MongoDB,
		client: `python3 -c "import pymongo
c = pymongo.MongoClient('127.0.0.1', $PROXY, appname='billing', replicaSet='rs0', serverSelectionTimeoutMS=500)
c.orders.items.find_one()"`},
	{file: "mongodb-msg.txtar", about: "PyMongo with the stable API, whose hello is OP_MSG, and a server that just says hello.",
		serve: fake.MongoDB,
		client: `python3 -c "import pymongo, pymongo.server_api
c = pymongo.MongoClient('127.0.0.1', $PROXY, server_api=pymongo.server_api.ServerApi('1'), serverSelectionTimeoutMS=500)
c.orders.items.find_one()"`},
}

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
