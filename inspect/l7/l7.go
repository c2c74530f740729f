// Package l7 reads hints from the first bytes of what two hosts say to each other: which protocol it is, and the name,
// the versions, the question that a person would want to know. It holds one table of parsers, one file a protocol.
//
// To add a protocol: write <proto>.go with a function of type Parse, add one line to Table, and put one exchange with its
// expected fields into testdata/l7/<proto>.txtar. Nothing else changes: exporters print the fields as they come, and the
// tests for prefixes, fuzzing and allocation range over the table.
//
// Parsers are pure: the same Input and Conn give the same verdict and the same hint. They recognise a protocol by
// content, never by port, and read through wire.Cursor, never by index.
package l7

// Input is one direction's bytes from where a message should start: the front of a TCP stream, what follows an earlier
// message, or one UDP payload. It aliases buffers of the caller, valid during the call.
type Input struct {
	Data []byte
	// Side is 0 or 1 for the two ends of the flow. Which of them is the client is for the parser to find out from the
	// content, and to say in Hint.Role.
	Side uint8
	// Final says that Data will never grow: it is a datagram, or the flow ended, the window is full, or the copies of what
	// follows were lost or cut. A parser then makes the best of what is there.
	Final bool
	// Opener says which side opened the connection, where its beginning was seen, for protocols in which both sides say the
	// same. Whatever the content tells goes before it.
	Opener [2]bool
	// State is what a message that spans datagrams has left so far: QUIC's and DTLS's handshakes. It is nil over TCP. A
	// parser that answers More to a datagram has put what it needs of it there, and is given the same State with the next
	// datagram of the flow, of either side. When the flow is over it is given the State once more, without Data, and makes
	// the best of it; so it does of each datagram if State is nil.
	State *State
}

// Window is the most bytes of one direction that a parser is given at once. A TLS ClientHello may span 16 KiB; a message
// that is larger is parsed with Input.Final.
const Window = 16 << 10

// Parse is a protocol's parser, for TCP streams and for datagrams alike. c belongs to the connection and survives from
// message to message: what a parser must remember is there and only there. h is empty when Parse is called.
type Parse func(h *Hint, c *Conn, in Input) Verdict

// Conn is what one parser remembers of one connection. Its zero value is a connection of which nothing was seen. Each
// parser gives the fields its own meaning. It is a value without pointers: copying it saves one's place.
type Conn struct {
	Mode [2]uint8  // per side: what comes next, for a protocol with several kinds of message
	Left [2]uint32 // per side: a count for Mode
	Bits uint64    // a short queue of flags, such as one bit for each request without response
	Len  uint8     // entries in Bits
}

// Role says who sends such a message, which also tells who is the client of a connection picked up in the middle.
type Role uint8

// Roles of a message.
const (
	Framing  Role = iota // only moves on in the stream, such as a chunk of an HTTP body: no event
	Request              // sent by the client; its event waits for the response if the protocol is Paired
	Response             // sent by the server
	Interim              // names the flow, but is no event: the response is still to come (HTTP 1xx), or nothing was asked
)

// Where the next message starts, besides an offset.
const (
	Stop    = -1 // nothing more is to be read in this direction
	Unknown = -2 // it is not known: look for a segment that begins like a message
)

// Hint is what a parser found in one message. The caller owns it and resets it before each call; slices in it alias the
// Input or the Hint's own scratch space and are valid until then.
type Hint struct {
	Role Role
	// Next is where the next message of this direction starts, in bytes from the start of Data. It may lie beyond its
	// end: the bytes between are skipped without being kept. Or it is Stop or Unknown.
	Next int
	// Switch says that behind this message the connection goes on in another protocol, in both directions: after STARTTLS,
	// CONNECT or a SOCKS reply.
	Switch bool
	// Name is the best name for what the flow is about (TLS SNI, HTTP host), without port, as sent; empty if none.
	Name       []byte
	NameSource NameSource
	// ECH says whether the client sent an encrypted hello. If it is real then Name is not the server's.
	ECH ECHClass
	// JA4 is the fingerprint of a client's hello; empty if the message is none, or is not whole.
	JA4 []byte
	// Fields are the event's object in the order in which they are printed.
	Fields []Field
	// Answers are the addresses that a DNS response gives for a name.
	Answers []Answer

	scratch []byte
	sorted  []uint16 // for fingerprints that sort what they hash
}

// NameSource says where a flow's name comes from.
type NameSource uint8

// Name sources; a later one is the better evidence of what the client asked for.
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
	Key   Key    // zero within an Array and for End
	Text  []byte // a String's bytes as they were on the wire: the exporter escapes them
	Num   int64  // an Int's value, a Bool's 0 or 1
	Kind  Kind
	Extra bool // Suricata's schema has no place for it: it is printed under hint
}

// Reset empties the hint for the next message and keeps its memory.
func (h *Hint) Reset() {
	clear(h.Fields)
	clear(h.Answers)
	*h = Hint{Fields: h.Fields[:0], Answers: h.Answers[:0], scratch: h.scratch[:0], sorted: h.sorted[:0]}
}

// Str adds a text field, which aliases text.
func (h *Hint) Str(key Key, text []byte) {
	h.Fields = append(h.Fields, Field{Key: key, Text: text, Kind: String})
}

// Const adds a text field that is the program's own word. It is copied into the hint's scratch.
func (h *Hint) Const(key Key, text string) {
	start := len(h.scratch)
	h.scratch = append(h.scratch, text...)
	h.Str(key, h.since(start))
}

// Int adds a number.
func (h *Hint) Int(key Key, n int64) {
	h.Fields = append(h.Fields, Field{Key: key, Num: n, Kind: Int})
}

// True adds a flag that is set; a flag that is not is left out, as Suricata does.
func (h *Hint) True(key Key) {
	h.Fields = append(h.Fields, Field{Key: key, Num: 1, Kind: Bool})
}

// Object opens an object: what is added up to the matching End is in it.
func (h *Hint) Object(key Key) { h.Fields = append(h.Fields, Field{Key: key, Kind: Object}) }

// Array opens an array: what is added up to the matching End is in it, with empty keys.
func (h *Hint) Array(key Key) { h.Fields = append(h.Fields, Field{Key: key, Kind: Array}) }

// End closes the innermost open object or array.
func (h *Hint) End() { h.Fields = append(h.Fields, Field{Kind: End}) }

// openList opens an array that closeList takes back if nothing came into it: an empty array is left out, as Suricata does.
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

// Extra marks the field, object or array that was added last (a whole object: call it right after Object) as one that
// Suricata's schema has no place for.
func (h *Hint) Extra() { h.Fields[len(h.Fields)-1].Extra = true }

// Scratch returns n bytes of the hint's own memory, for text that does not stand on the wire as it is printed. They are
// valid until Reset.
func (h *Hint) Scratch(n int) []byte {
	if cap(h.scratch)-len(h.scratch) < n {
		h.scratch = make([]byte, 0, max(2*cap(h.scratch), n, 4096)) // what was handed out keeps its old memory
	}
	s := h.scratch[len(h.scratch) : len(h.scratch)+n : len(h.scratch)+n]
	h.scratch = h.scratch[:len(h.scratch)+n]
	return s
}

// since returns what was appended to the hint's scratch since it had the length start: the other way to use it, for text
// whose length is not known beforehand.
func (h *Hint) since(start int) []byte { return h.scratch[start:len(h.scratch):len(h.scratch)] }
