package stream

import (
	"unsafe"

	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// conn is the parsing state of one TCP connection, or of a UDP flow whose first message spans datagrams. It exists while there is
// something left to read: until both directions are done, or nothing was recognized.
type conn struct {
	flow       uint32 // the number of its flow's record
	prev, next uint32 // in its list, least recently active first
	both       bool   // the list that it is in: both directions of its flow were seen
	proto      l7.Proto
	parser     l7.Conn
	direction  [2]direction
	pending    []*request // of a Paired protocol: sent, not yet answered; oldest first

	side      flow.Side // of a UDP flow: the sender of the first piece of its message
	state     *l7.State // of a UDP flow
	stateSize int       // the part of Table.held that is of it
}

// connSize is the memory of a connection without its buffers and requests, with what both directions remember.
const connSize = int(unsafe.Sizeof(conn{})) + 2*int(unsafe.Sizeof(past{})) + 16*int(unsafe.Sizeof(uint64(0)))

// direction is what one side of a connection sends.
type direction struct {
	mode       mode
	candidates uint64 // protocols that have not rejected these bytes, while the connection's is not known: a bit each
	buf        buffer
	gapSince   int64  // when bytes were first held behind a gap
	acked      bool   // the peer has the bytes of the gap
	truncated  bool   // the copy that ends at truncAt was truncated: what follows is lost
	truncAt    uint32 // sequence number
	repeats    repeats
	odd        odd
	stamp      uint32 // the latest timestamp; valid with stamped
	stamped    bool
	far        far
	past       *past // nil before a message that it remembers
}

// mode is what a direction does with a segment.
type mode uint8

const (
	reading mode = iota // gather bytes from a known place on
	seeking             // the place was lost: look for a segment that begins like a message
	stopped             // nothing more is to be read
)

// streamProtos has the bit of every protocol that runs over TCP.
var streamProtos = func() (set uint64) {
	for i := l7.None + 1; i < l7.Protos; i++ {
		if l7.Table[i].Stream != nil {
			set |= 1 << i
		}
	}
	return set
}()

// Begins reports whether a segment begins like a message of any protocol.
func Begins(b []byte) bool {
	for i := l7.None + 1; i < l7.Protos; i++ {
		if f := l7.Table[i].Begins; f != nil && f(b) {
			return true
		}
	}
	return false
}

// begins reports whether a segment begins like a message of the connection's protocol.
func (c *conn) begins(b []byte) bool {
	if c.proto == l7.None {
		return Begins(b)
	}
	f := l7.Table[c.proto].Begins
	return f != nil && f(b)
}

// restart makes a direction read from a new place.
func (c *conn) restart(s flow.Side) {
	d := &c.direction[s]
	d.mode, d.candidates, d.gapSince, d.acked, d.truncated, d.repeats = reading, streamProtos, 0, false, false, repeats{}
	c.parser.Mode[s], c.parser.Left[s] = 0, 0
}

// takeOther is takeOther of a direction's buffer. What cannot be read of one copy may be of the other.
func (d *direction) takeOther(pool *bufferPool) bool {
	if !d.buf.takeOther(pool) {
		return false
	}
	d.candidates = streamProtos
	return true
}
