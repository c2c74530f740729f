package l7

import "bytes"

// Redis (RESP, redis.io/docs/reference/protocol-spec). The client's first command and its reply make one event.
//
// A command is an array of bulk strings, of which the first is the command's name. It may be a line of text too, if a person or
// an attacker typed it. PING is a command of other protocols too, so the reply to it decides.
//
// Conn.Mode is what was seen of each side. The other fields of Conn are not used.

// Values of Conn.Mode.
const (
	redisNothing uint8 = iota
	redisAsked
	redisTold // a reply that no other protocol has
)

// redisCommands are the commands at the start of connections. An array with another name is accepted if the name has a dot, as
// the commands of modules have.
var redisCommands = words{"HELLO", "AUTH", "CLIENT", "COMMAND", "SELECT", "PING", "INFO", "CONFIG", "GET", "SET", "MGET",
	"MSET", "SETEX", "SETNX", "PSETEX", "GETSET", "GETDEL", "GETEX", "APPEND", "STRLEN", "DEL", "UNLINK", "EXISTS", "TYPE",
	"EXPIRE", "PEXPIRE", "TTL", "PTTL", "KEYS", "SCAN", "DBSIZE", "FLUSHALL", "FLUSHDB", "INCR", "INCRBY", "DECR", "DECRBY",
	"HGET", "HSET", "HMGET", "HMSET", "HGETALL", "HDEL", "HINCRBY", "HSCAN", "LPUSH", "RPUSH", "LPOP", "RPOP", "BLPOP",
	"BRPOP", "LLEN", "LRANGE", "SADD", "SREM", "SMEMBERS", "SISMEMBER", "ZADD", "ZRANGE", "ZREM", "ZRANGEBYSCORE", "XADD",
	"XREAD", "XREADGROUP", "XGROUP", "XACK", "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "PUBLISH", "MULTI", "EXEC", "WATCH",
	"EVAL", "EVALSHA", "SCRIPT", "FUNCTION", "FCALL", "CLUSTER", "READONLY", "ASKING", "ROLE", "REPLCONF", "PSYNC", "SYNC",
	"SLAVEOF", "REPLICAOF", "MONITOR", "SENTINEL", "DEBUG", "MEMORY", "LATENCY", "SLOWLOG", "MODULE", "ACL", "SAVE",
	"BGSAVE", "BGREWRITEAOF", "LASTSAVE", "SHUTDOWN", "ECHO", "TIME", "WAIT", "QUIT", "RESET", "OBJECT", "DUMP", "RESTORE",
	"MIGRATE", "RENAME", "SORT", "GEOADD", "PFADD", "SETBIT", "GETBIT", "SETRANGE", "GETRANGE"}

// redisInline are the commands that are accepted in a line of text.
var redisInline = words{"INFO", "CONFIG", "CLIENT", "COMMAND", "SELECT", "DBSIZE", "FLUSHALL", "FLUSHDB", "KEYS", "SLAVEOF",
	"REPLICAOF", "PSYNC", "SYNC", "REPLCONF", "MONITOR"}

const (
	redisMaxItems   = 1 << 20 // of a command; the limit of Redis itself
	redisMaxCommand = 32      // bytes of a command's name
	redisMaxLine    = 255     // bytes of a line
)

func parseRedis(h *Hint, c *Conn, in Input) Verdict {
	asked := c.Mode[1^in.Side&1] == redisAsked
	switch {
	case len(in.Data) == 0:
		return moreUnless(in.Final)
	case asked:
		return parseRedisReply(h, in)
	case fits(in.Data, "*"):
		return parseRedisCommand(h, c, in)
	case fits(in.Data, "+"), fits(in.Data, "-"):
		return parseRedisGreeting(h, c, in)
	}
	return parseRedisLine(h, c, in)
}

// parseRedisCommand reads an array up to the end of its first item.
func parseRedisCommand(h *Hint, c *Conn, in Input) Verdict {
	l := textLines{in.Data}
	items, v := redisSize(&l, '*', redisMaxItems)
	if v != Done {
		return finalVerdict(v, in.Final)
	}
	size, v := redisSize(&l, '$', redisMaxCommand)
	if v != Done {
		return finalVerdict(v, in.Final)
	}
	name, v := l.text()
	switch {
	case v == Reject, v == More && len(l.rest) > size+1:
		return Reject
	case v == More:
		return moreUnless(in.Final)
	}
	known, _ := redisCommands.first(name)
	if len(name) != size || known == "" && bytes.IndexByte(name, '.') < 0 {
		return Reject
	}
	printRedisCommand(h, c, in, name)
	h.Int(keyArguments, int64(items-1))
	return Done
}

// redisSize reads a line with a count from 1 to most.
func redisSize(l *textLines, mark byte, most int64) (int, Verdict) {
	if len(l.rest) > 0 && l.rest[0] != mark || len(l.rest) > 1 && digitValue(l.rest[1]) > 9 {
		return 0, Reject
	}
	line, v := l.text()
	if v != Done {
		return 0, v
	}
	if len(line) < 2 {
		return 0, Reject
	}
	n, ok := parseNumber(line[1:], 10)
	if !ok || n < 1 || n > most {
		return 0, Reject
	}
	return int(n), Done
}

// parseRedisLine reads a command in a line of text. In NATS, which has INFO too, an object follows it.
func parseRedisLine(h *Hint, c *Conn, in Input) Verdict {
	known, ping := redisInline, fits(in.Data, "PING\r\n")
	if c.Mode[1^in.Side&1] == redisTold {
		known, ping = redisCommands, false
	}
	l := textLines{in.Data}
	line, v := l.text()
	switch {
	case ping, v == More && known.may(l.rest) && len(l.rest) < redisMaxLine:
		return moreUnless(in.Final)
	case v != Done:
		return Reject
	}
	name, rest := known.first(line)
	if name == "" || fits(rest, "{") && len(rest) > 0 {
		return Reject
	}
	printRedisCommand(h, c, in, line[:len(name)])
	return Done
}

func printRedisCommand(h *Hint, c *Conn, in Input, name []byte) {
	c.Mode[in.Side&1] = redisAsked
	h.Role, h.Next, h.Credentials = Request, Stop, equalFold("auth", name)
	h.Str(keyCommand, name)
}

// parseRedisGreeting reads a reply to a request that was not recognized, if no other protocol has this reply.
func parseRedisGreeting(h *Hint, c *Conn, in Input) Verdict {
	for _, telling := range []string{"+PONG\r\n", "-NOAUTH ", "-DENIED Redis", "-MISCONF ", "-MOVED ", "-WRONGPASS "} {
		if !fits(in.Data, telling) {
			continue
		}
		if len(in.Data) < len(telling) {
			return moreUnless(in.Final)
		}
		v := parseRedisReply(h, in)
		if v == Done {
			c.Mode[in.Side&1] = redisTold
		}
		return v
	}
	return Reject
}

var redisKinds = map[byte]string{'+': "status", '-': "error", ':': "integer", '$': "string", '*': "array", '_': "null",
	'#': "boolean", ',': "double", '(': "number", '!': "error", '=': "string", '%': "map", '~': "set", '>': "push"}

// parseRedisReply reads the first line of a reply. It prints the text of a status or an error.
func parseRedisReply(h *Hint, in Input) Verdict {
	l := textLines{in.Data}
	kind, ok := redisKinds[in.Data[0]]
	if !ok {
		return Reject
	}
	line, v := l.text()
	if v != Done {
		return finalVerdict(v, in.Final)
	}
	h.Role, h.Next = Response, Stop
	h.Const(keyReply, kind)
	if kind == "status" || in.Data[0] == '-' {
		printText(h, keyMessage, line[1:])
	}
	return Done
}

// Keys of the fields.
var (
	keyArguments = KeyOf("arguments")
)
