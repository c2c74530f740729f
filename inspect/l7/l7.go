// Package l7 recognizes application protocols by the first bytes of a connection, and reads from them the facts that people look
// for: names, versions, requests. It has one table of parsers, and one file per protocol.
//
// To add a protocol, write <proto>.go with a function of type Parse, add one line to Table, and put one exchange with the
// expected fields into testdata/l7/<proto>.txtar. Nothing else changes: exporters print all fields, and the tests of prefixes,
// fuzzing and allocation range over the table.
//
// Parsers are pure: the same Input and Conn give the same verdict and the same hint. They recognize a protocol by its content,
// never by its port. They read through wire.Cursor, never by index.
package l7

// Input is the bytes of one direction from where a message should start: the start of a TCP stream, the end of the message
// before, or one UDP payload. It aliases buffers of the caller and is valid during the call.
type Input struct {
	Data []byte
	// Side is 0 or 1 for the two ends of the flow. The parser finds out from the content which of them is the client, and sets
	// Hint.Role accordingly.
	Side uint8
	// Final reports that Data will not grow: it is a datagram, the flow ended, the window is full, or the copies of the following
	// bytes were lost or cut. A parser then reads as much as it can.
	Final bool
	// Opener reports by side whether it opened the connection, if the connection's start was seen. It is for protocols in which
	// both sides send the same. Evidence in the content comes first.
	Opener [2]bool
	// Ports are those of the flow's ends, for the few formats that content alone does not tell apart: DNS of unusual classes, and
	// NetBIOS.
	Ports [2]uint16
	// Late reports of a datagram that the flow's earlier ones were read, or given up: it must be the start of a message by itself,
	// since it may as well be what follows an earlier one.
	Late bool
	// State is the state of a message that spans datagrams: a handshake of QUIC or DTLS. It is nil over TCP. A parser that returns
	// More for a datagram has copied what it needs into State, and gets the same State with the flow's next datagram, of either
	// side. At the end of the flow it gets the State once more, without Data, and reads as much as it can. It does the same for
	// each datagram if State is nil.
	State *State
}

// Window is the maximum length of Input.Data. A TLS ClientHello may have 16 KiB; a larger message is parsed with Input.Final.
const Window = 16 << 10

// Parse is the type of parsers, for TCP streams and for datagrams alike. c belongs to the connection and is kept from message to
// message; a parser has no other memory. h is empty when Parse is called.
type Parse func(h *Hint, c *Conn, in Input) Verdict

// Conn is the state of one connection in one parser. Its zero value is that of a new connection. Each parser gives the fields
// its own meaning. It has no pointers, so that a copy of it is a saved state.
type Conn struct {
	Mode [2]uint8  // per side: what was seen, or which kind of message comes next
	Left [2]uint32 // per side: a count for Mode
	Bits uint64    // a short queue of flags, such as one bit for each request without response
	Len  uint8     // entries in Bits
}

// Role is the role of a message. It also shows which side is the client of a connection that was picked up in the middle.
type Role uint8

// Roles of a message.
const (
	Framing  Role = iota // no event: a part of the framing, such as a chunk of an HTTP body
	Request              // sent by the client; its event waits for the response if the protocol is Transactional
	Response             // sent by the server
	Interim              // no event, but it may name the flow: a response before the final one (HTTP 1xx), or without a request
)

// Where the next message starts, besides an offset.
const (
	Stop    = -1 // nothing more is read in this direction
	Unknown = -2 // the place is not known: find a segment that begins like a message
)

// Hint is what a parser read from one message. The caller owns it and resets it before each call. Slices in it alias the Input
// or the Hint's own scratch memory and are valid until then.
type Hint struct {
	Role Role
	// Next is the start of the direction's next message, in bytes from the start of Data; or Stop or Unknown. It may be beyond the
	// end of Data: the bytes between are skipped and not kept.
	Next int
	// Switch reports that both directions of the connection continue in another protocol after this message: after STARTTLS,
	// CONNECT or a SOCKS reply.
	Switch bool
	// Pending reports that Input.State holds more messages that are incomplete, so that its owner must keep it.
	Pending bool
	// Credentials reports that the message has credentials that everyone on the way can read: a password, or one in a reversible encoding.
	Credentials bool
	// Random is the random of a client's hello over UDP. By it a hello that is sent again is told apart from another connection's.
	Random []byte
	// IDs are those of the connection of a complete hello over QUIC, as QUICDestination returns them: of the packets that its client
	// sends, and of those that its server sends.
	IDs [2][]byte
	// Name is the best name for the flow's server (TLS SNI, HTTP host), without port, as sent; empty if there is none.
	Name       []byte
	NameSource NameSource
	// ECH is the class of the client's encrypted hello. If that is real then Name is not the name of the server.
	ECH ECHClass
	// JA4 is the fingerprint of a client's hello; empty for other messages and for hellos that are not complete.
	JA4 []byte
	// Fields are the event's object, in the order in which they are printed.
	Fields []Field
	// Answers are the addresses for a name in a DNS response.
	Answers []Answer
	// Aliases are the names that the name in a DNS response's question led to.
	Aliases []Alias

	scratch []byte
	sorted  []uint16 // for fingerprints that sort before they hash
}

// NameSource is the source of a flow's name.
type NameSource uint8

// Name sources. A later one is better evidence for the name that the client asked for.
const (
	NoName NameSource = iota
	ByCert
	ByDNS
	HTTPHost
	SNI
	QUICSNI
	numNameSources
)

var nameSources = [numNameSources]string{
	NoName: "none", ByCert: "cert", ByDNS: "dns", HTTPHost: "http_host", SNI: "sni", QUICSNI: "quic_sni",
}

// String returns the spelling of hint.name_source.
func (s NameSource) String() string { return nameSources[s] }

// Kind is the type of a field.
type Kind uint8

// Kinds of field. Object and Array open a value that the matching End closes.
const (
	String Kind = iota
	Int
	Bool
	Object
	Array
	End
)

// Field is one token of an event's object.
type Field struct {
	Key   Key    // zero in an Array and for End
	Text  []byte // a String's bytes as they were on the wire: the exporter escapes them
	Num   int64  // an Int's value, a Bool's 0 or 1
	Kind  Kind
	Extra bool // Suricata's schema does not have it: it is printed under hint
}

// Reset empties the hint and keeps its memory.
func (h *Hint) Reset() {
	clear(h.Fields)
	clear(h.Answers)
	clear(h.Aliases)
	*h = Hint{Fields: h.Fields[:0], Answers: h.Answers[:0], Aliases: h.Aliases[:0], scratch: h.scratch[:0], sorted: h.sorted[:0]}
}

// Str adds a text field, which aliases text.
func (h *Hint) Str(key Key, text []byte) {
	h.Fields = append(h.Fields, Field{Key: key, Text: text, Kind: String})
}

// Const adds a text field with a word of the program. It is copied into the hint's scratch.
func (h *Hint) Const(key Key, text string) {
	start := len(h.scratch)
	h.scratch = append(h.scratch, text...)
	h.Str(key, h.since(start))
}

// Int adds a number.
func (h *Hint) Int(key Key, n int64) {
	h.Fields = append(h.Fields, Field{Key: key, Num: n, Kind: Int})
}

// True adds a flag that is set. Flags that are not set are left out, as Suricata does.
func (h *Hint) True(key Key) {
	h.Fields = append(h.Fields, Field{Key: key, Num: 1, Kind: Bool})
}

// Object opens an object. It has the fields that are added up to the matching End.
func (h *Hint) Object(key Key) { h.Fields = append(h.Fields, Field{Key: key, Kind: Object}) }

// Array opens an array. It has the fields that are added up to the matching End, with empty keys.
func (h *Hint) Array(key Key) { h.Fields = append(h.Fields, Field{Key: key, Kind: Array}) }

// End closes the innermost open object or array.
func (h *Hint) End() { h.Fields = append(h.Fields, Field{Kind: End}) }

// openList opens an array that closeList removes again if it is empty, as Suricata does.
func (h *Hint) openList(key Key) (mark int) {
	mark = len(h.Fields)
	h.Array(key)
	return mark
}

func (h *Hint) closeList(mark int) {
	if len(h.Fields) == mark+1 {
		h.Fields = h.Fields[:mark]
		return
	}
	h.End()
}

// Extra marks the last field, object or array as one that Suricata's schema does not have. To mark an object, call it right after
// Object.
func (h *Hint) Extra() { h.Fields[len(h.Fields)-1].Extra = true }

// Scratch returns n bytes of the hint's own memory, for text that is not on the wire as it is printed. They are valid until
// Reset.
func (h *Hint) Scratch(n int) []byte {
	if cap(h.scratch)-len(h.scratch) < n {
		h.scratch = make([]byte, 0, max(2*cap(h.scratch), n, 4096)) // earlier slices keep the old memory
	}
	s := h.scratch[len(h.scratch) : len(h.scratch)+n : len(h.scratch)+n]
	h.scratch = h.scratch[:len(h.scratch)+n]
	return s
}

// since returns the bytes that were appended to the hint's scratch since it had the length start, for text whose length is not
// known beforehand.
func (h *Hint) since(start int) []byte { return h.scratch[start:len(h.scratch):len(h.scratch)] }
