package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// MySQL's and MariaDB's client/server protocol, from version 4.1 on. The server sends first. Its greeting is an event, and so
// is the login together with its outcome. Between the two the client may ask for TLS.
//
// Conn.Mode is what was seen of each side.

// Values of Conn.Mode.
const (
	mysqlNothing uint8 = iota
	mysqlGreeted       // of the server
	mysqlLogsIn        // of the client
)

const (
	mysqlHeader     = 4  // of a packet: length and sequence number
	mysqlProtocol   = 10 // the version of the greeting
	minMysqlPacket  = 32 // the request for TLS; a greeting and a login are longer
	maxMysqlPacket  = 4 << 10
	maxMysqlVersion = 128
)

// Capability flags that matter here.
const (
	mysqlWithDB      = 1 << 3
	mysqlProtocol41  = 1 << 9
	mysqlTLS         = 1 << 11
	mysqlSecure      = 1 << 15
	mysqlPluginAuth  = 1 << 19
	mysqlAttributes  = 1 << 20
	mysqlLongAuthLen = 1 << 21
)

// First bytes of a server's reply to a login.
const (
	mysqlOK     = 0x00
	mysqlMore   = 0x01 // the method continues
	mysqlSwitch = 0xfe // to another method
	mysqlError  = 0xff
)

func parseMysql(h *Hint, c *Conn, in Input) Verdict {
	side := in.Side & 1
	switch c.Mode[1^side] {
	case mysqlGreeted:
		return parseMysqlClient(h, c, in)
	case mysqlLogsIn:
		return parseMysqlResult(h, in)
	default:
		return parseMysqlGreeting(h, c, in)
	}
}

// mysqlPacket reads the available part of a packet. It is false if that cannot be one up to the end of a login.
func mysqlPacket(r *wire.Cursor, minSize int) (seq uint8, body wire.Cursor, whole, ok bool) {
	n := r.Len()
	size, seq := int(r.U24LE()), r.U8()
	if n >= mysqlHeader && (size < minSize || size > maxMysqlPacket) {
		return 0, body, false, false
	}
	whole = n >= mysqlHeader && r.Len() >= size
	return seq, r.Upto(size), whole, true
}

func parseMysqlGreeting(h *Hint, c *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	seq, body, whole, ok := mysqlPacket(&r, minMysqlPacket)
	protocol := body.U8()
	switch {
	case !ok, len(in.Data) >= mysqlHeader && seq != 0, body.OK() && protocol != mysqlProtocol,
		!isMysqlVersion(body.Rest()):
		return Reject
	case !whole:
		return moreUnless(in.Final)
	}
	var g mysqlGreeting
	if !g.read(&body) {
		return Reject
	}
	c.Mode[in.Side&1] = mysqlGreeted
	h.Role, h.Next = Response, len(in.Data)-r.Len()
	g.print(h)
	return Done
}

// isMysqlVersion reports whether b begins with a version, or can be the start of one: a digit, text, NUL.
func isMysqlVersion(b []byte) bool {
	for i, x := range b[:min(len(b), maxMysqlVersion)] {
		if i > 0 && x == 0 {
			return true
		}
		if x < ' ' || x > '~' || i == 0 && (x < '0' || x > '9') {
			return false
		}
	}
	return len(b) < maxMysqlVersion
}

// mysqlGreeting is HandshakeV10.
type mysqlGreeting struct {
	version, plugin []byte
	connection      uint32
	caps            uint32
}

// read is false if reserved bytes are not zero, or the greeting ends too early.
func (g *mysqlGreeting) read(body *wire.Cursor) bool {
	g.version, g.connection = body.CString(), body.U32LE()
	body.Skip(8) // start of the challenge
	zero := body.U8()
	g.caps = uint32(body.U16LE())
	body.Skip(1 + 2) // character set, status
	g.caps |= uint32(body.U16LE()) << 16
	challenge := int(body.U8()) // bytes of it in total
	reserved := body.Bytes(6)
	body.Skip(4) // MariaDB's capabilities; zero elsewhere
	if !body.OK() || zero != 0 || string(reserved) != "\x00\x00\x00\x00\x00\x00" {
		return false
	}
	body.Upto(max(13, challenge-8))
	if g.caps&mysqlPluginAuth != 0 {
		g.plugin = body.CString()
	}
	return true
}

func (g *mysqlGreeting) print(h *Hint) {
	h.Str(keyServerVersion, g.version)
	h.Int(keyConnectionID, int64(g.connection))
	if len(g.plugin) > 0 {
		h.Str(keyServerAuthPlugin, g.plugin)
	}
	if g.caps&mysqlTLS != 0 {
		h.True(keyTLSOffered)
	}
}

// parseMysqlClient reads the request for TLS, or the login, which begins with the same fields.
func parseMysqlClient(h *Hint, c *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	seq, body, whole, ok := mysqlPacket(&r, minMysqlPacket)
	short := body.Len() == minMysqlPacket
	caps := body.U32LE()
	body.Skip(4 + 1 + 23) // longest packet, character set, reserved
	switch {
	case !ok, len(in.Data) >= mysqlHeader && seq != 1 && seq != 2, body.OK() && caps&mysqlProtocol41 == 0:
		return Reject
	case !whole || !body.OK():
		return moreUnless(in.Final)
	case short && caps&mysqlTLS != 0:
		h.Role, h.Next, h.Switch = Interim, len(in.Data)-r.Len(), true
		return Done
	}
	c.Mode[in.Side&1] = mysqlLogsIn
	h.Role, h.Next = Request, Stop
	printMysqlLogin(h, caps, body)
	return Done
}

// printMysqlLogin prints the readable rest of a HandshakeResponse41.
func printMysqlLogin(h *Hint, caps uint32, body wire.Cursor) {
	h.Str(keyUser, body.CString())
	switch {
	case caps&mysqlLongAuthLen != 0:
		body.Skip(mysqlLength(&body))
	case caps&mysqlSecure != 0:
		body.Skip(int(body.U8()))
	default:
		body.CString()
	}
	if caps&mysqlWithDB != 0 {
		if database := body.CString(); len(database) > 0 {
			h.Str(keyDatabase, database)
		}
	}
	if caps&mysqlPluginAuth != 0 {
		if plugin := body.CString(); len(plugin) > 0 {
			h.Credentials = string(plugin) == "mysql_clear_password"
			h.Str(keyAuthPlugin, plugin)
		}
	}
	if caps&mysqlAttributes != 0 {
		printMysqlAttributes(h, body.Upto(mysqlLength(&body)))
	}
}

// mysqlLength reads a length-encoded integer. Only the short forms are accepted.
func mysqlLength(r *wire.Cursor) int {
	switch n := r.U8(); n {
	case 0xfc:
		return int(r.U16LE())
	case 0xfd:
		return int(r.U24LE())
	case 0xfb, 0xfe, 0xff:
		r.Fail()
		return 0
	default:
		return int(n)
	}
}

// mysqlAttribute are the connection attributes that are printed, and their keys.
var mysqlAttribute = [...]struct {
	name string
	key  Key
}{
	{"_client_name", keyClientName}, {"_client_version", keyClientVersion}, {"program_name", keyProgramName},
}

func printMysqlAttributes(h *Hint, pairs wire.Cursor) {
	var seen [len(mysqlAttribute)]bool
	for !pairs.Empty() {
		key := pairs.Bytes(mysqlLength(&pairs))
		value := pairs.Bytes(mysqlLength(&pairs))
		for i, a := range mysqlAttribute {
			if pairs.OK() && string(key) == a.name && !seen[i] {
				seen[i] = true
				h.Str(a.key, value)
			}
		}
	}
}

// parseMysqlResult reads a packet of the server, up to the one with the outcome of the login.
func parseMysqlResult(h *Hint, in Input) Verdict {
	r := wire.New(in.Data)
	_, body, whole, ok := mysqlPacket(&r, 1)
	kind := body.U8()
	switch {
	case !ok:
		return Reject
	case !whole:
		return moreUnless(in.Final)
	}
	h.Role, h.Next = Response, Stop
	switch kind {
	case mysqlOK:
		h.True(keyLoggedIn)
	case mysqlError:
		printMysqlError(h, body)
	case mysqlMore, mysqlSwitch:
		h.Role, h.Next = Framing, len(in.Data)-r.Len()
	default:
		return Reject
	}
	return Done
}

func printMysqlError(h *Hint, body wire.Cursor) {
	h.Int(keyErrorCode, int64(body.U16LE()))
	if state := body; state.U8() == '#' {
		body.Skip(1)
		h.Str(keySQLState, body.Bytes(5))
	}
	h.Str(keyErrorMessage, body.Rest())
}

// Keys of the fields.
var (
	keyAuthPlugin       = KeyOf("auth_plugin")
	keyClientName       = KeyOf("client_name")
	keyConnectionID     = KeyOf("connection_id")
	keyErrorMessage     = KeyOf("error_message")
	keyLoggedIn         = KeyOf("logged_in")
	keyProgramName      = KeyOf("program_name")
	keyServerAuthPlugin = KeyOf("server_auth_plugin")
	keySQLState         = KeyOf("sqlstate")
	keyTLSOffered       = KeyOf("tls_offered")
)
