package service

import (
	"github.com/mirrorsink/mirrorsink/testdata/gen/internal/fake"
)

// brokers need Debian's mosquitto, mosquitto-clients, rabbitmq-server and kcat, and PyPI's pika.
var brokers = []exchange{
	{file: "mqtt.txtar", about: "Version 3.1.1, with a will.", setup: mosquitto, server: "exec mosquitto -c conf",
		client: `mosquitto_pub -h 127.0.0.1 -p $PROXY -i sensor-17 -u sensor -P secret --will-topic state --will-payload gone -t t -m 1`},
	{file: "mqtt-5.txtar", about: "Version 5, with a wrong password.", setup: mosquitto, server: "exec mosquitto -c conf",
		client: `mosquitto_pub -V 5 -h 127.0.0.1 -p $PROXY -i sensor-17 -u sensor -P wrong -x 60 -t t -m 1`},
	{file: "kafka.txtar", about: "librdkafka, and a server that just says its versions.", serve: fake.Kafka, limit: 1,
		client: `timeout 2 kcat -b 127.0.0.1:$PROXY -X client.id=billing -L`},
	{file: "amqp.txtar", about: "Pika and RabbitMQ.", server: runRabbitMQ, limit: 6,
		client: `python3 -c "import pika
pika.BlockingConnection(pika.ConnectionParameters('127.0.0.1', $PROXY)).close()"`},
	{file: "amqp-refused.txtar", about: "Pika and RabbitMQ: a virtual host that is not there.", server: runRabbitMQ, limit: 6,
		client: `python3 -c "import pika
pika.BlockingConnection(pika.ConnectionParameters('127.0.0.1', $PROXY, 'billing'))" 2>&1 | tail -1`},
}

const mosquitto = `printf 'listener 7002 127.0.0.1\nallow_anonymous false\npassword_file %s/users\nuser root\n' $PWD > conf
touch users && chmod 600 users && mosquitto_passwd -b users sensor secret`

// RabbitMQ starts a port mapper, which must be stopped separately.
const runRabbitMQ = `export HOME=$PWD RABBITMQ_BASE=$PWD RABBITMQ_NODENAME=recorder@localhost RABBITMQ_MNESIA_BASE=$PWD/db ` +
	`RABBITMQ_LOG_BASE=$PWD/log RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=$SERVER RABBITMQ_DIST_PORT=7003 ` +
	`ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=7004 RABBITMQ_ENABLED_PLUGINS_FILE=$PWD/plugins
trap : TERM; /usr/lib/rabbitmq/bin/rabbitmq-server; epmd -kill`
