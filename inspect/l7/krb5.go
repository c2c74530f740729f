package l7

import "github.com/mirrorsink/mirrorsink/decap/wire"

// Kerberos 5 (RFC 4120), over TCP with the length before each message (section 7.2.2), and over UDP. Each message is an event
// of its own: a client's request for a ticket of a service, and the KDC's reply.

// Message types: APPLICATION tags, and the value of msg-type; section 5.10.
const (
	krb5Application = 0x60

	krb5ASRequest     = 10
	krb5ASReply       = 11
	krb5TicketRequest = 12
	krb5TicketReply   = 13
	krb5Error         = 30
)

// Fields that are read, by the message that has them; section 5.4 and 5.9.
const (
	krb5RequestVersion = 1
	krb5RequestBody    = 4
	krb5BodyClient     = 1
	krb5BodyRealm      = 2
	krb5BodyService    = 3

	krb5ReplyVersion = 0
	krb5ReplyRealm   = 3
	krb5ReplyClient  = 4
	krb5ReplyTicket  = 5
	krb5ReplySecret  = 6
	krb5TicketName   = 2
	krb5TicketSecret = 3

	krb5ErrorCode    = 6
	krb5ErrorClient  = 8
	krb5ErrorRealm   = 9
	krb5ErrorService = 10
)

const (
	krb5Version      = 5
	krb5Ticket       = 0x61 // [APPLICATION 1]
	minKrb5Message   = 32
	maxKrb5Message   = 64 << 10 // tickets with large authorization data are a few times 10 KiB
	krb5LengthPrefix = 4
)

func parseKrb5Stream(h *Hint, _ *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	size := int(r.U32())
	switch {
	case len(in.Data) > 0 && in.Data[0] != 0, r.OK() && (size < minKrb5Message || size > maxKrb5Message):
		return Reject
	case !r.OK():
		return moreUnless(in.Final)
	}
	message := r.Upto(size)
	if first := message; first.OK() && first.U8()&0xe0 != krb5Application && first.OK() {
		return Reject
	}
	if message.Len() < size {
		return moreUnless(in.Final)
	}
	h.Next = krb5LengthPrefix + size
	return readKrb5(h, message)
}

func parseKrb5(h *Hint, _ *Conn, in Input) Verdict {
	h.Next = len(in.Data)
	return readKrb5(h, wire.New(in.Data))
}

// krb5Message has the printed parts of a message. Its cursors are at PrincipalNames and integers.
type krb5Message struct {
	typ, code, secret, ticketSecret int64
	realm                           []byte
	client, service                 wire.Cursor
}

// readKrb5 reads a complete message.
func readKrb5(h *Hint, r wire.Cursor) Verdict {
	tag, content, whole := derNext(&r)
	fields := derWhole(&content, derSequence)
	if !whole || !content.OK() || !content.Empty() || tag&0xe0 != krb5Application {
		return Reject
	}
	m := krb5Message{typ: int64(tag & 0x1f), secret: -1, ticketSecret: -1}
	ok := false
	switch m.typ {
	case krb5ASRequest, krb5TicketRequest:
		ok = m.request(fields)
		h.Role = Request
	case krb5ASReply, krb5TicketReply:
		ok = m.reply(fields)
		h.Role = Response
	case krb5Error:
		ok = m.failure(fields)
		h.Role = Response
	}
	if !ok {
		return Reject
	}
	m.print(h)
	return Done
}

// krb5Get returns the content of a field of a SEQUENCE; empty if the field is missing.
func krb5Get(fields wire.Cursor, n uint8) wire.Cursor {
	for !fields.Empty() {
		tag, content, whole := derNext(&fields)
		if whole && tag == derExplicit|n {
			return content
		}
	}
	return wire.Cursor{}
}

func krb5Int(fields wire.Cursor, n uint8) int64 {
	content := krb5Get(fields, n)
	v := derInt(&content)
	if !content.OK() {
		return -1
	}
	return v
}

// introduced reports whether the fields of version and type, which follow each other, have the right values.
func (m *krb5Message) introduced(fields wire.Cursor, version uint8) bool {
	return krb5Int(fields, version) == krb5Version && krb5Int(fields, version+1) == m.typ
}

func (m *krb5Message) request(fields wire.Cursor) bool {
	outer := krb5Get(fields, krb5RequestBody)
	body := derWhole(&outer, derSequence)
	m.realm = krb5Text(krb5Get(body, krb5BodyRealm))
	m.client, m.service = krb5Get(body, krb5BodyClient), krb5Get(body, krb5BodyService)
	return m.introduced(fields, krb5RequestVersion) && m.realm != nil
}

func (m *krb5Message) reply(fields wire.Cursor) bool {
	outer := krb5Get(fields, krb5ReplyTicket)
	application := derWhole(&outer, krb5Ticket)
	ticket := derWhole(&application, derSequence)
	m.realm = krb5Text(krb5Get(fields, krb5ReplyRealm))
	m.client, m.service = krb5Get(fields, krb5ReplyClient), krb5Get(ticket, krb5TicketName)
	m.secret = krb5Encryption(krb5Get(fields, krb5ReplySecret))
	m.ticketSecret = krb5Encryption(krb5Get(ticket, krb5TicketSecret))
	return m.introduced(fields, krb5ReplyVersion) && m.realm != nil && !ticket.Empty()
}

func (m *krb5Message) failure(fields wire.Cursor) bool {
	m.realm = krb5Text(krb5Get(fields, krb5ErrorRealm))
	m.client, m.service = krb5Get(fields, krb5ErrorClient), krb5Get(fields, krb5ErrorService)
	m.code = krb5Int(fields, krb5ErrorCode)
	return m.introduced(fields, krb5ReplyVersion) && m.realm != nil && m.code >= 0
}

// krb5Encryption returns the encryption type of an EncryptedData; -1 if there is none.
func krb5Encryption(data wire.Cursor) int64 { return krb5Int(derWhole(&data, derSequence), 0) }

// krb5Text returns the text of a GeneralString; nil if it is none.
func krb5Text(r wire.Cursor) []byte {
	text := derWhole(&r, derGeneralString)
	return text.Rest()
}

// Keys of the fields.
var (
	keyCname                = KeyOf("cname")
	keyEncryption           = KeyOf("encryption")
	keyMsgType              = KeyOf("msg_type")
	keySname                = KeyOf("sname")
	keyTicketEncryption     = KeyOf("ticket_encryption")
	keyTicketWeakEncryption = KeyOf("ticket_weak_encryption")
	keyWeakEncryption       = KeyOf("weak_encryption")
)
