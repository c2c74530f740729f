package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// LDAP (RFC 4511) over TCP, and connectionless over UDP, with which Windows finds its domain controllers. Each request makes
// one event together with its response. Only a connection's first requests are read, since these identify client and purpose.
// The connection continues with TLS after StartTLS.
//
// Conn.Mode is the state of the client, Left the message ID that Mode refers to, and Len the number of requests.

// Values of Conn.Mode.
const (
	ldapNothing uint8 = iota
	ldapSpeaks
	ldapStartsTLS // asked for it
	ldapLast      // sent the last request that is read
)

// Protocol operations: APPLICATION tags with their form; RFC 4511 section 4.2 and on.
const (
	ldapBind           = 0x60
	ldapBound          = 0x61
	ldapUnbind         = 0x42
	ldapSearch         = 0x63
	ldapEntry          = 0x64
	ldapFound          = 0x65
	ldapModify         = 0x66
	ldapModified       = 0x67
	ldapAdd            = 0x68
	ldapAdded          = 0x69
	ldapDelete         = 0x4a
	ldapDeleted        = 0x6b
	ldapRename         = 0x6c
	ldapRenamed        = 0x6d
	ldapCompare        = 0x6e
	ldapCompared       = 0x6f
	ldapAbandon        = 0x50
	ldapReference      = 0x73
	ldapExtended       = 0x77
	ldapExtendedAnswer = 0x78
	ldapIntermediate   = 0x79
)

// ldapOperations are Suricata's names of the requests and of the responses that end one.
var ldapOperations = map[uint8]Key{
	ldapBind: keyBindRequest, ldapSearch: keySearchRequest, ldapModify: keyModifyRequest, ldapAdd: keyAddRequest,
	ldapDelete: keyDelRequest, ldapRename: keyModDNRequest, ldapCompare: keyCompareRequest,
	ldapExtended: keyExtendedRequest,
	ldapBound:    keyBindResponse, ldapFound: keySearchResultDone, ldapModified: keyModifyResponse,
	ldapAdded: keyAddResponse, ldapDeleted: keyDelResponse, ldapRenamed: keyModDNResponse,
	ldapCompared: keyCompareResponse, ldapExtendedAnswer: keyExtendedResponse,
}

const (
	maxLDAPMessage  = 1 << 24
	minLDAPMessage  = 3 + 2 // a message ID and an empty operation
	maxLDAPRequests = 8     // per connection that are read: clients search the root, bind, search
)

// ldapMessage is the available part of one message.
type ldapMessage struct {
	id    int64
	op    uint8
	body  wire.Cursor // the operation's content
	whole bool        // the message is complete
	end   int         // the offset behind the message
}

// ldapHeaders is the maximum size of the message's header, its ID and the operation's header together. If they cannot be read
// from this number of bytes, the message is invalid.
const ldapHeaders = 6 + 6 + 6

// read reads a message. It is Reject if there is none, and More as long as its operation is missing.
func (m *ldapMessage) read(data []byte) Verdict {
	r := wire.New(data)
	if first := r; first.U8() != derSequence && first.OK() {
		return Reject
	}
	_, size := derHeader(&r)
	m.end = len(data) - r.Len() + size
	if r.OK() && (size < minLDAPMessage || size > maxLDAPMessage) {
		return Reject
	}
	m.whole = r.Len() >= size
	content := r.Upto(size)
	m.id = derInt(&content)
	op, length := derHeader(&content)
	switch {
	case !content.OK() && len(data) < ldapHeaders:
		return More
	case !content.OK() || !r.OK() || m.id < 0 || length > size:
		return Reject
	}
	m.op, m.body = op, content.Upto(length)
	return Done
}

// parseLDAP reads a datagram.
func parseLDAP(h *Hint, _ *Conn, in Input) Verdict {
	var m ldapMessage
	if m.read(in.Data) != Done {
		return Reject
	}
	h.Next = len(in.Data)
	switch m.op {
	case ldapSearch:
		return m.request(h)
	case ldapEntry: // the result comes in the same datagram
		rest := wire.New(in.Data)
		rest.Skip(m.end)
		if m.read(rest.Rest()) != Done || m.op != ldapFound {
			return Reject
		}
		return m.response(h)
	case ldapFound:
		return m.response(h)
	}
	return Reject
}

func parseLDAPStream(h *Hint, c *Conn, in Input) Verdict {
	side := in.Side & 1
	if c.Mode[0]|c.Mode[1] != ldapNothing && len(in.Data) > 0 && in.Data[0] != derSequence {
		h.Next = Stop // SASL encrypts what follows (RFC 4513 section 5.2.1.5)
		return Done
	}
	var m ldapMessage
	v := m.read(in.Data)
	switch {
	case v == More:
		return moreUnless(in.Final)
	case v == Reject:
		return Reject
	case c.Mode[1^side] != ldapNothing:
		return m.answer(h, c, in)
	case c.Mode[side] == ldapNothing && m.op != ldapBind && m.op != ldapSearch && m.op != ldapExtended:
		return Reject
	}
	return m.ask(h, c, in)
}

// ask reads a message of the client.
func (m *ldapMessage) ask(h *Hint, c *Conn, in Input) Verdict {
	side := in.Side & 1
	h.Next = m.end
	switch m.op {
	case ldapUnbind:
		h.Next = Stop
		return Done
	case ldapAbandon:
		return Done
	}
	if !m.whole && !in.Final {
		return More
	}
	if m.request(h) == Reject {
		return Reject
	}
	c.Mode[side], c.Left[side] = ldapSpeaks, uint32(m.id)
	c.Len++
	switch {
	case m.startsTLS():
		c.Mode[side] = ldapStartsTLS
	case c.Len >= maxLDAPRequests:
		c.Mode[side], h.Next = ldapLast, Stop
	}
	return Done
}

// answer reads a message of the server.
func (m *ldapMessage) answer(h *Hint, c *Conn, in Input) Verdict {
	asked := 1 ^ in.Side&1
	h.Next = m.end
	switch m.op {
	case ldapEntry, ldapReference, ldapIntermediate:
		return Done
	}
	if !m.whole && !in.Final {
		return More
	}
	if m.response(h) == Reject {
		return Reject
	}
	if uint32(m.id) == c.Left[asked] {
		result := m.body
		code := derWhole(&result, derEnumerated)
		h.Switch = c.Mode[asked] == ldapStartsTLS && code.U8() == 0 && code.OK()
		if c.Mode[asked] == ldapLast {
			h.Next = Stop
		}
	}
	return Done
}

// Keys of the fields.
var (
	keyAddRequest       = KeyOf("add_request")
	keyAddResponse      = KeyOf("add_response")
	keyAttributes       = KeyOf("attributes")
	keyBaseObject       = KeyOf("base_object")
	keyBindRequest      = KeyOf("bind_request")
	keyBindResponse     = KeyOf("bind_response")
	keyCompareRequest   = KeyOf("compare_request")
	keyCompareResponse  = KeyOf("compare_response")
	keyDelRequest       = KeyOf("del_request")
	keyDelResponse      = KeyOf("del_response")
	keyDerefAlias       = KeyOf("deref_alias")
	keyExtendedRequest  = KeyOf("extended_request")
	keyExtendedResponse = KeyOf("extended_response")
	keyMatchedDN        = KeyOf("matched_dn")
	keyMessageID        = KeyOf("message_id")
	keyModDNRequest     = KeyOf("mod_dn_request")
	keyModDNResponse    = KeyOf("mod_dn_response")
	keyModifyRequest    = KeyOf("modify_request")
	keyModifyResponse   = KeyOf("modify_response")
	keyResponses        = KeyOf("responses")
	keyResultCode       = KeyOf("result_code")
	keySASL             = KeyOf("sasl")
	keyScope            = KeyOf("scope")
	keySearchRequest    = KeyOf("search_request")
	keySearchResultDone = KeyOf("search_result_done")
	keySizeLimit        = KeyOf("size_limit")
	keyTimeLimit        = KeyOf("time_limit")
	keyTypesOnly        = KeyOf("types_only")
)
