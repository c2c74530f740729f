// Package inspect turns packets into events. Its Worker takes datagrams from one source, decodes them, accounts them to flows, lets
// parsers read the first bytes of each message, and emits events to a sink. It opens no files, sockets or clocks.
//
// A worker shares nothing: it owns its flows, and all packets of a flow come to the same worker. Only its counters may be read from
// elsewhere, and a reassembled packet may be passed on to the worker that owns its flow.
//
// A datagram goes down one way: Worker.Run decodes it, Tracker.Packet accounts it to its flow, stream.Table shows its payload to the
// parsers, and Tracker.TransactionDone adds an event, which an Ordered completes with the flow's name and emits.
package inspect

import (
	"net/netip"
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/forward"
	"github.com/mirrorsink/mirrorsink/inspect/mirror"
)

// Source is where a worker's datagrams come from. Read fills the batch, whose datagrams are valid until the next Read. It
// returns an empty batch after a short while without traffic, so that the worker can age its flows; io.EOF at the end of a
// capture, possibly with a last batch; os.ErrClosed after it was closed. Only the worker calls it.
type Source interface {
	Read(b *decap.Batch) error
}

// Sink takes the events of workers. It must not block longer than the receive path can bear. It holds the batch, which is not changed
// any more, until it calls Release. Several workers call it at the same time.
type Sink interface {
	Events(b *event.Batch)
}

// Config configures a worker. The zero value works.
type Config struct {
	Decoder decap.Decoder
	Memory  Memory
	// Now returns the time in Unix nanoseconds, for a live source without traffic. It is nil for a capture, whose only time is that of
	// its packets.
	Now func() int64
	// Shared is what the workers have in common; nil is for a worker alone, which then has its own, as large as Memory.Names.
	Shared *Shared
	// Owners is the inventory; nil is for none.
	Owners mirror.Owners
	// Exempt are networks to which connections need no lookup, besides the site's own.
	Exempt []netip.Prefix
	// Interval is the aggregation window of Interval events, in whole seconds and at most 65,535; 0 is for none.
	Interval time.Duration
	// Lost returns how many copies were lost before a worker counted them, for the events of closed windows; nil is for none. It must be
	// safe for concurrent use.
	Lost func() uint64
	// Judged reports that sinks judge flows by a policy: all events of flows have all of their names, not only the best one.
	Judged bool
	// Activity asks for Activity events.
	Activity bool
	// Forward selects the frames to forward; nil is for none.
	Forward *forward.Config
	// Peer is the worker's place among those that share the traffic; the zero value is a worker alone.
	Peer Peer
}

// details returns the events that have all names of their flows.
func (c *Config) details() (kinds event.KindSet) {
	if c.Judged {
		kinds = event.KindsOf(event.AppLayer, event.Flow, event.Interval, event.Activity)
	}
	if c.Interval != 0 {
		kinds |= event.KindsOf(event.Interval)
	}
	return kinds
}

// Memory bounds a worker's tables, in bytes.
type Memory struct {
	Flows     int // flow records and their index
	Names     int // the flows' names
	Streams   int // parsing state and buffers of flows whose bytes are being read; an eighth is for segments that wait for others
	Fragments int // fragments waiting for the rest
	Pairs     int // copies of packets waiting for their other ones
	Held      int // events waiting for what DNS says about their flows
}

// Share divides the memory of one worker: half to the flow table, a quarter to streams, an eighth to names, and a thirty-second each to
// fragments, pairs and held events. The last thirty-second is left for the batch of events and for packets on their way between workers.
func Share(bytes int) Memory {
	return Memory{Flows: bytes / 2, Streams: bytes / 4, Names: bytes / 8, Fragments: bytes / 32, Pairs: bytes / 32, Held: bytes / 32}
}
