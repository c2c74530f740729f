package service

// caches need Debian's redis-server, redis-tools, memcached, libmemcached-tools and netcat-openbsd.
var caches = []exchange{
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
}

const redis = "exec redis-server --bind 127.0.0.1 --port $SERVER --save ''"
