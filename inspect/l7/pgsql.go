package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// PostgreSQL's frontend/backend protocol 3 (its documentation, chapter "Message Formats"). A client may first ask for
// encryption; the server accepts or refuses with one byte. Then the client sends its startup message. The server's messages up
// to the first ReadyForQuery or error are the response to it, including the authentication between.
//
// Conn.Mode is what the client sent last.

// Values of Conn.Mode.
const (
	pgsqlNothing uint8 = iota
	pgsqlAsksTLS
	pgsqlAsksGSS
	pgsqlStarts
)

// Values of the second word of a client's first messages.
const (
	pgsqlVersion3   = 3 << 16
	pgsqlMaxVersion = pgsqlVersion3 + 2
	pgsqlSSLRequest = 1234<<16 | 5679
	pgsqlGSSRequest = 1234<<16 | 5680
)

const (
	pgsqlRequestSize = 8
	minPgsqlStartup  = 4 + 4 + 1
	maxPgsqlStartup  = 10000 // the server's own bound
	pgsqlHeader      = 1 + 4 // of a message of the server: type, and length without the type
)

func parsePgsql(h *Hint, c *Conn, in Input) Verdict {
	side := in.Side & 1
	switch c.Mode[1^side] {
	case pgsqlAsksTLS, pgsqlAsksGSS:
		return parsePgsqlConsent(h, c, in)
	case pgsqlStarts:
		return parsePgsqlAnswer(h, in)
	default:
		return parsePgsqlRequest(h, c, in)
	}
}

func parsePgsqlRequest(h *Hint, c *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	size, code := int(r.U32()), r.U32()
	switch {
	case !r.OK():
		return pgsqlFirstBytes(in)
	case size == pgsqlRequestSize && code == pgsqlSSLRequest:
		askPgsql(h, c, in.Side, pgsqlAsksTLS, "SSL Request")
		return Done
	case size == pgsqlRequestSize && code == pgsqlGSSRequest:
		askPgsql(h, c, in.Side, pgsqlAsksGSS, "GSSENC Request")
		return Done
	case code < pgsqlVersion3, code > pgsqlMaxVersion, size < minPgsqlStartup, size > maxPgsqlStartup:
		return Reject
	}
	body := r.Upto(size - 8)
	if body.Len() < size-8 && !in.Final {
		return More
	}
	return parsePgsqlStartup(h, c, in, code, body)
}

// pgsqlFirstBytes returns the verdict on less than two words of a request: all lengths begin with two zeros.
func pgsqlFirstBytes(in Input) Verdict {
	for _, b := range in.Data[:min(2, len(in.Data))] {
		if b != 0 {
			return Reject
		}
	}
	return moreUnless(in.Final)
}

func askPgsql(h *Hint, c *Conn, side, mode uint8, message string) {
	c.Mode[side&1] = mode
	h.Role, h.Next = Request, pgsqlRequestSize
	h.Object(keyRequest)
	h.Const(keyMessage, message)
	h.End()
}

// parsePgsqlConsent reads the byte that answers a request for encryption. Servers that are too old for such requests send an
// error.
func parsePgsqlConsent(h *Hint, c *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	switch r.U8() {
	case 'S', 'G':
		h.Role, h.Next, h.Switch = Response, 1, true
		if c.Mode[1^in.Side&1] == pgsqlAsksTLS {
			h.Object(keyResponse)
			h.True(keySSLAccepted)
			h.End()
		}
	case 'N':
		h.Role, h.Next = Response, 1
	case 'E':
		return parsePgsqlAnswer(h, in)
	default:
		if !r.OK() {
			return moreUnless(in.Final)
		}
		return Reject
	}
	return Done
}

// parsePgsqlStartup reads the parameters of a startup message. The user must be among them.
func parsePgsqlStartup(h *Hint, c *Conn, in Input, version uint32, body wire.Cursor) Verdict {
	var user []byte
	for pairs := body; !pairs.Empty() && user == nil; {
		if key, value := pairs.CString(), pairs.CString(); string(key) == "user" {
			user = value
		}
	}
	if user == nil {
		return Reject
	}
	c.Mode[in.Side&1] = pgsqlStarts
	h.Role, h.Next = Request, Stop
	h.Object(keyRequest)
	if version == pgsqlVersion3 {
		h.Const(keyProtocolVersion, "3.0")
	} else {
		h.Const(keyProtocolVersion, "3.2")
	}
	h.Object(keyStartupParameters)
	h.Str(keyUser, user)
	mark := h.openList(keyOptionalParameters)
	printPgsqlParameters(h, body)
	h.closeList(mark)
	h.End()
	h.End()
	return Done
}

// pgsqlParameters are the client's parameters that Suricata prints; its names for them are the protocol's.
var pgsqlParameters = [...]Key{
	keyDatabase, keyApplicationName, keyClientEncoding, keyLowerDateStyle, keyExtraFloatDigits, keyOptions, keyReplication,
}

func printPgsqlParameters(h *Hint, pairs wire.Cursor) {
	for !pairs.Empty() {
		key, value := pairs.CString(), pairs.CString()
		for _, name := range pgsqlParameters {
			if string(key) == name.String() && pairs.OK() {
				h.Object(element)
				h.Str(name, value)
				h.End()
			}
		}
	}
}

// Keys of the fields.
var (
	keyApplicationName           = KeyOf("application_name")
	keyAuthenticationMD5Password = KeyOf("authentication_md5_password")
	keyClientEncoding            = KeyOf("client_encoding")
	keyDateStyle                 = KeyOf("date_style")
	keyLowerDateStyle            = KeyOf("datestyle")
	keyExtraFloatDigits          = KeyOf("extra_float_digits")
	keyIntegerDatetimes          = KeyOf("integer_datetimes")
	keyIntervalStyle             = KeyOf("interval_style")
	keyIsSuperuser               = KeyOf("is_superuser")
	keyLine                      = KeyOf("line")
	keyOptionalParameters        = KeyOf("optional_parameters")
	keyParameterStatus           = KeyOf("parameter_status")
	keyReplication               = KeyOf("replication")
	keyRoutine                   = KeyOf("routine")
	keyServerEncoding            = KeyOf("server_encoding")
	keySessionAuthorization      = KeyOf("session_authorization")
	keySeverityLocalizable       = KeyOf("severity_localizable")
	keySeverityNonLocalizable    = KeyOf("severity_non_localizable")
	keySSLAccepted               = KeyOf("ssl_accepted")
	keyStandardConformingStrings = KeyOf("standard_conforming_strings")
	keyStartupParameters         = KeyOf("startup_parameters")
	keyTimeZone                  = KeyOf("time_zone")
)
