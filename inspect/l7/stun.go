package l7

import (
	"bytes"
	"net/netip"
	"slices"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// STUN (RFC 8489), its use by TURN (RFC 8656) and ICE (RFC 8445), and its first edition (RFC 3489), which has no magic cookie:
//
//	 0                   1                   2                   3
//	|0 0|      message type         |        message length         |
//	|                         magic cookie                          |
//	|                     transaction ID (96 bits)                  |
//
// Media flows begin with STUN and continue with DTLS or RTP between the same addresses and ports. So each message over UDP sets
// Switch, and the other parsers are tried as well.
const (
	stunHeader = 20
	stunCookie = 0x2112a442

	// Messages fit into one packet; those over TCP contain at most a datagram of a peer.
	stunMaxLength = 4 << 10
)

// Classes: bits 8 and 4 of the message type; RFC 8489 section 5.
const (
	stunRequest uint8 = iota
	stunIndication
	stunSuccess
	stunError
)

var stunClasses = [...]string{"request", "indication", "success", "error"}

// stunMethod returns a method's name, from the registry of RFC 8489 section 18.2; empty if there is none.
func stunMethod(m uint16) string {
	switch m {
	case 1:
		return "binding"
	case 2:
		return "shared_secret"
	case 3:
		return "allocate"
	case 4:
		return "refresh"
	case 6:
		return "send"
	case 7:
		return "data"
	case 8:
		return "create_permission"
	case 9:
		return "channel_bind"
	case 10:
		return "connect"
	case 11:
		return "connection_bind"
	case 12:
		return "connection_attempt"
	}
	return ""
}

// Attributes; RFC 8489 section 18.3.
const (
	stunMappedAddress      = 0x0001
	stunUsername           = 0x0006
	stunErrorCode          = 0x0009
	stunXorPeerAddress     = 0x0012
	stunRealm              = 0x0014
	stunXorRelayedAddress  = 0x0016
	stunXorMappedAddress   = 0x0020
	stunSoftware           = 0x8022
	stunLastOfFirstEdition = 0x000b
)

// stunMessage is a message's header.
type stunMessage struct {
	class  uint8
	method uint16
	length int
	id     []byte // cookie and transaction ID, with which addresses are XORed
	modern bool   // it has the cookie
}

// readSTUN reads a header. It is false if the available bytes cannot be one.
func readSTUN(r *wire.Cursor) (m stunMessage, ok bool) {
	n := r.Len()
	typ, length := r.U16(), int(r.U16())
	m.class = uint8(typ>>7&2 | typ>>4&1)
	m.method = typ&0xf | typ>>1&0x70 | typ>>2&0xf80
	m.length = length
	m.id = r.Bytes(stunHeader - 4)
	cookie := wire.New(m.id)
	m.modern = cookie.U32() == stunCookie
	return m, !(n >= 2 && (typ >= 1<<14 || stunMethod(m.method) == "") || n >= 4 && (length%4 != 0 || length > stunMaxLength))
}

func parseSTUN(h *Hint, _ *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	m, ok := readSTUN(&r)
	if !ok || !r.OK() || m.length != r.Len() || !m.modern && !m.firstEdition(r) {
		return Reject
	}
	m.print(h, r)
	h.Next, h.Switch = len(in.Data), true
	return Done
}

// parseSTUNStream reads a message over TCP, where messages follow each other without further framing (RFC 8489 section 6.2.2).
func parseSTUNStream(h *Hint, _ *Conn, in Input) Verdict {
	r := wire.New(in.Data)
	m, ok := readSTUN(&r)
	switch {
	case !ok, r.OK() && !m.modern:
		return Reject
	case !r.OK(), r.Len() < m.length && !in.Final:
		return moreUnless(in.Final)
	}
	m.print(h, r.Upto(m.length))
	h.Next = stunHeader + m.length
	return Done
}

// firstEdition reports whether a message without the cookie is one of RFC 3489: attributes of that RFC fill it exactly.
func (m *stunMessage) firstEdition(r wire.Cursor) bool {
	if m.method > 2 || m.class == stunIndication || r.Empty() {
		return false
	}
	for !r.Empty() {
		typ, size := r.U16(), int(r.U16())
		if typ == 0 || typ > stunLastOfFirstEdition || size%4 != 0 {
			return false
		}
		r.Skip(size)
	}
	return r.OK()
}

// print adds the message's fields. Indications keep a flow alive, or contain other protocols. They make no event.
func (m *stunMessage) print(h *Hint, attributes wire.Cursor) {
	switch m.class {
	case stunRequest:
		h.Role = Request
	case stunSuccess, stunError:
		h.Role = Response
	case stunIndication:
		h.Role = Framing
	}
	h.Const(keyMethod, stunMethod(m.method))
	h.Const(keyClass, stunClasses[m.class])
	h.hexStr(keyTransactionID, m.id[4:])
	seen := 0
	for !attributes.Empty() {
		typ, size := attributes.U16(), int(attributes.U16())
		value := attributes.Bytes(size)
		attributes.Skip(min(-size&3, attributes.Len()))
		i := slices.Index(stunPrinted[:], typ)
		if !attributes.OK() || i < 0 || seen>>i&1 != 0 { // the first of a type counts: RFC 8489 section 14
			continue
		}
		seen |= 1 << i
		m.attribute(h, typ, value)
	}
}

// stunPrinted are the attributes that are printed.
var stunPrinted = [...]uint16{stunMappedAddress, stunUsername, stunErrorCode, stunXorPeerAddress, stunRealm,
	stunXorRelayedAddress, stunXorMappedAddress, stunSoftware}

func (m *stunMessage) attribute(h *Hint, typ uint16, value []byte) {
	switch typ {
	case stunUsername:
		h.Str(keyUsername, value)
	case stunRealm:
		h.Str(keyRealm, value)
	case stunSoftware:
		h.Str(keySoftware, value)
	case stunErrorCode:
		printSTUNError(h, value)
	case stunMappedAddress:
		printSTUNAddr(h, keyMappedAddress, value, nil)
	case stunXorMappedAddress:
		printSTUNAddr(h, keyXorMappedAddress, value, m.id)
	case stunXorRelayedAddress:
		printSTUNAddr(h, keyRelayedAddress, value, m.id)
	case stunXorPeerAddress:
		printSTUNAddr(h, keyPeerAddress, value, m.id)
	}
}

// printSTUNError adds an error's number and reason; RFC 8489 section 14.8.
func printSTUNError(h *Hint, value []byte) {
	r := wire.New(value)
	r.Skip(2)
	class, number := r.U8()&7, r.U8()
	if !r.OK() || number > 99 {
		return
	}
	h.Object(keyError)
	h.Int(keyCode, int64(class)*100+int64(number))
	h.Str(keyReason, bytes.TrimRight(r.Rest(), "\x00"))
	h.End()
}

// printSTUNAddr adds an address and port (RFC 8489 sections 14.1 and 14.2). They are XORed with mask unless it is nil.
func printSTUNAddr(h *Hint, key Key, value, mask []byte) {
	r := wire.New(value)
	r.Skip(2) // a zero, and the family, which follows from the length
	port := r.U16()
	var b [16]byte
	n := copy(b[:], r.Rest())
	if mask != nil {
		port ^= stunCookie >> 16
		for i := range b[:n] {
			b[i] ^= mask[i]
		}
	}
	addr, ok := netip.AddrFromSlice(b[:n])
	if !ok {
		return
	}
	start := len(h.scratch)
	h.scratch = netip.AddrPortFrom(addr, port).AppendTo(h.scratch)
	h.Str(key, h.since(start))
}

// Keys of the fields.
var (
	keyClass            = KeyOf("class")
	keyMappedAddress    = KeyOf("mapped_address")
	keyPeerAddress      = KeyOf("peer_address")
	keyRelayedAddress   = KeyOf("relayed_address")
	keySoftware         = KeyOf("software")
	keyXorMappedAddress = KeyOf("xor_mapped_address")
)
