// Package stream shows parsers the bytes of TCP connections and UDP flows, message by message: in order, whatever the order of the
// segments, from the first byte or from where a message begins again after a gap. A parser sees at most l7.Window bytes of one
// direction; the bytes between messages are skipped.
//
// A Table keeps the parsing state of all connections of a worker within a bound of memory, and ends that of the least recently
// active ones when it is used up. It reports messages and transactions to a Handler. It counts no packets and names no flows.
package stream

import (
	"math"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// Handler takes what a Table reads. It must not call the table.
type Handler interface {
	// MessageRead is called for each message, before the transaction that it belongs to is complete. m is valid during the call.
	MessageRead(r *flow.Record, m *Message)
	// TransactionDone is called for each message that is an event by itself, and for each request with its response, or without
	// one if none came. nanos is the time of the last message that it has. fields are valid during the call.
	TransactionDone(r *flow.Record, nanos int64, fields Fields)
	// StreamSwitched is called when a connection continues in another protocol.
	StreamSwitched(r *flow.Record)
	// StreamDone is called when both directions of a connection have nothing left to read.
	StreamDone(r *flow.Record, proto l7.Proto)
}

// Message is an application message that a parser read.
type Message struct {
	Proto     l7.Proto
	Side      flow.Side // of the sender
	Nanos     int64     // the time of its last packet
	Hint      *l7.Hint
	Requested bool   // a request of the connection waits for its response
	Seq       uint32 // of the first byte; 0 for datagrams
	Data      []byte // the bytes that the parser had; of several datagrams the last one
	Partial   bool   // the parser made the best of a message of which the rest will not come
}

// Fields are an event's fields: those of a request, of a response, or of both.
type Fields struct {
	request  *request // nil if there is none
	response []l7.Field
}

// CopyTo copies the fields into a batch.
func (f Fields) CopyTo(b *event.Batch) event.Span {
	if f.request == nil {
		return b.CopyFields(f.response)
	}
	span := b.Join(&f.request.batch, f.request.fields)
	span.Len += b.CopyFields(f.response).Len
	return span
}

// Segment is a TCP segment of a flow.
type Segment struct {
	Side   flow.Side
	Nanos  int64
	Packet *decap.Packet // nil for a time at which a side is looked at without a segment
	Next   uint32        // the sequence number that was expected next from this side

	Doubtful bool // see flow.Verdict
	WrongSum bool // see Table.Refused
}

// ack returns the sequence number up to which the sender has received the other side's bytes.
func (s *Segment) ack() (seq uint32, ok bool) {
	if s.Packet == nil {
		return 0, false
	}
	return s.Packet.Ack, s.Packet.TCPFlags&decap.ACK != 0
}

// maxTries is how many datagrams, or segments, of a flow are shown to the parsers before it counts as not recognized.
const maxTries = 64

// doneTries stands for a flow that has nothing left to read.
const doneTries = math.MaxUint8
