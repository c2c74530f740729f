// Package inspect turns packets into events. Its Worker takes datagrams from one source, decodes them, keeps the flows that
// they belong to, lets parsers read the first bytes of what the hosts say, and tells a sink what it saw. It opens no
// files, sockets or clocks.
//
// A worker shares nothing: it owns its flows, and all packets of a flow come to the same worker. Only its counters may be
// read from elsewhere, and packets put together from fragments may be handed to the worker that owns their flow.
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

// Sink takes what a worker says. It must not block longer than the receive path can bear. It holds the batch, which nobody
// changes any more, until it calls Release. Several workers call it at the same time.
type Sink interface {
	Events(b *event.Batch)
}

// Config is what a worker needs to know. The zero value works, but for the source and the sink: see New.
type Config struct {
	Decoder decap.Decoder
	Memory  Memory
	// Now gives the time on a quiet wire, in Unix nanoseconds, for a live source. It is nil for a capture, where no time
	// passes but that of its packets.
	Now func() int64
	// Shared is what the workers know together; nil is for a worker alone, which then has its own, as large as Memory.Names.
	Shared *Shared
	// Owners is the inventory; nil is for none.
	Owners mirror.Owners
	// Exempt are networks to which connections need no lookup, besides the site's own.
	Exempt []netip.Prefix
	// Interval is the aggregation window of Interval events, in whole seconds and at most 65,535; 0 is for none.
	Interval time.Duration
	// Lost returns how many copies were lost before a worker counted them, for what a closed window says; nil is for none.
	// Several goroutines call it.
	Lost func() uint64
	// Forward says which frames are forwarded, and to whom; nil is for none. A Crew does not forward.
	Forward *forward.Config
	// Peer is the place among the workers that share the traffic; the zero value is a worker alone.
	Peer Peer
}

// Memory bounds a worker's tables, in bytes.
type Memory struct {
	Flows     int // flow records and their index
	Names     int // the flows' names
	Streams   int // parsing state and buffers of flows whose bytes are being read
	Fragments int // fragments waiting for the rest
	Pairs     int // copies of packets waiting for their other ones
}

// Share divides the bytes that a user granted to one worker: half to the flow table, which holds most of what cannot be
// found again, a quarter to streams, an eighth to names, and a thirty-second each to fragments and pairs. The last
// sixteenth is left for the events that the worker is gathering and for packets on their way between workers.
func Share(bytes int) Memory {
	return Memory{Flows: bytes / 2, Streams: bytes / 4, Names: bytes / 8, Fragments: bytes / 32, Pairs: bytes / 32}
}
