package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// Types of the server's messages before it is ready for queries.
const (
	pgsqlAuthentication   = 'R'
	pgsqlBackendKey       = 'K'
	pgsqlError            = 'E'
	pgsqlNegotiateVersion = 'v'
	pgsqlNotice           = 'N'
	pgsqlParameterStatus  = 'S'
	pgsqlReady            = 'Z'
)

// maxPgsqlMessage bounds the size of these messages.
const maxPgsqlMessage = 1 << 15

// pgsqlAnswer is a server's response to a startup message. Its cursors and slices alias the input.
type pgsqlAnswer struct {
	method     uint32 // of the first authentication request
	methods    int    // authentication messages
	salt       []byte
	failure    wire.Cursor // the body of an error
	parameters wire.Cursor // from the first parameter on
	whole      bool        // an error or ReadyForQuery ends it
}

// parsePgsqlAnswer reads messages up to the first ReadyForQuery or error.
func parsePgsqlAnswer(h *Hint, in Input) Verdict {
	var a pgsqlAnswer
	r := wire.New(in.Data)
	for !r.Empty() && !a.whole {
		from := r
		typ, size := r.U8(), int(r.U32())-4
		switch {
		case !pgsqlAnswers(typ), r.OK() && (size < 0 || size > maxPgsqlMessage):
			return Reject
		case !r.OK() || r.Len() < size:
			r.Fail()
		default:
			a.add(typ, r.Sub(size), from)
		}
	}
	if !a.whole && !in.Final {
		return More
	}
	if a.methods == 0 && !a.whole {
		return Reject
	}
	h.Role, h.Next = Response, Stop
	a.print(h)
	return Done
}

func pgsqlAnswers(typ uint8) bool {
	switch typ {
	case pgsqlAuthentication, pgsqlBackendKey, pgsqlError, pgsqlNegotiateVersion, pgsqlNotice, pgsqlParameterStatus, pgsqlReady:
		return true
	}
	return false
}

// add adds a message, which begins at from.
func (a *pgsqlAnswer) add(typ uint8, body, from wire.Cursor) {
	switch typ {
	case pgsqlAuthentication:
		if a.methods++; a.methods == 1 {
			a.method = body.U32()
			a.salt = body.Rest()
		}
	case pgsqlParameterStatus:
		if a.parameters.Empty() {
			a.parameters = from
		}
	case pgsqlError:
		a.failure, a.whole = body, true
	case pgsqlReady:
		a.whole = true
	}
}

// pgsqlMethods are Suricata's names for the authentication requests without further fields.
var pgsqlMethods = [...]string{
	0: "authentication_ok", 2: "authentication_kerb5", 3: "authentication_cleartext_password", 7: "authentication_gss",
	9: "authentication_sspi", 10: "authentication_sasl",
}

// Authentication requests.
const (
	pgsqlPassword = 3
	pgsqlMD5      = 5
)

func (a *pgsqlAnswer) print(h *Hint) {
	h.Credentials = a.methods > 0 && a.method == pgsqlPassword
	h.Object(keyResponse)
	switch {
	case a.methods == 0:
	case a.method == pgsqlMD5:
		h.Str(keyAuthenticationMD5Password, a.salt)
	case a.failure.Empty() && a.method < uint32(len(pgsqlMethods)) && pgsqlMethods[a.method] != "":
		h.Const(keyMessage, pgsqlMethods[a.method])
	}
	a.printParameters(h)
	a.printFailure(h)
	h.End()
}

// pgsqlReports are the parameters that Suricata prints, and its names for them.
var pgsqlReports = map[string]Key{
	"application_name": keyApplicationName, "client_encoding": keyClientEncoding, "DateStyle": keyDateStyle,
	"integer_datetimes": keyIntegerDatetimes, "IntervalStyle": keyIntervalStyle, "is_superuser": keyIsSuperuser,
	"server_encoding": keyServerEncoding, "server_version": keyServerVersion,
	"session_authorization": keySessionAuthorization, "standard_conforming_strings": keyStandardConformingStrings,
	"TimeZone": keyTimeZone,
}

func (a *pgsqlAnswer) printParameters(h *Hint) {
	mark := h.openList(keyParameterStatus)
	for r := a.parameters; !r.Empty(); {
		typ, body := r.U8(), r.Sub(int(r.U32())-4)
		if typ != pgsqlParameterStatus {
			continue
		}
		key, value := body.CString(), body.CString()
		if name := pgsqlReports[string(key)]; name != element && body.OK() {
			h.Object(element)
			h.Str(name, value)
			h.End()
		}
	}
	h.closeList(mark)
}

// pgsqlErrorFields are the fields of an error that are printed, by their type.
var pgsqlErrorFields = map[uint8]Key{
	'S': keySeverityLocalizable, 'V': keySeverityNonLocalizable, 'C': keyCode, 'M': keyMessage, 'F': keyFile, 'L': keyLine,
	'R': keyRoutine,
}

func (a *pgsqlAnswer) printFailure(h *Hint) {
	var seen uint64
	for r := a.failure; !r.Empty(); {
		typ := r.U8()
		text := r.CString()
		bit := uint64(1) << (typ & 63)
		if key := pgsqlErrorFields[typ]; key != element && r.OK() && seen&bit == 0 {
			seen |= bit
			h.Str(key, text)
		}
	}
}
