package parallel

import (
	"math"
	"sync"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect"
)

// chunk is a sequence of a source's packets on its way through a replay: from the splitter to the workers, and with their journals to the
// merger. It belongs to one of them at a time, but for the workers, each of which has a part and a journal of its own.
type chunk struct {
	parts    [][]packet    // by worker: its packets, in order
	ticks    []tick        // in order
	journals []journalData // by worker
	bytes    []byte        // of datagrams that the source does not keep
	packets  int           // in all parts
	size     int           // of their datagrams, in bytes
	urgent   bool          // the source may let its reader wait: events are delivered at once
	ending   bool          // the source has ended: each worker ends some flows
	last     bool          // nothing follows
	working  sync.WaitGroup
}

// The size of a chunk. A larger one costs less for each packet to hand on, and more memory.
const (
	chunkPackets = 512
	chunkBytes   = 4 << 20
)

// position is a place in the sequence of all packets: the number of a packet, and a phase before, at or after it in two bits.
type position uint64

// Phases of a packet.
const (
	beforePacket position = iota // an aggregation window or a second begins
	atPacket
	afterBatch

	atEnd position = math.MaxUint64 // when all flows end
)

// positionOf returns the position of a phase of a packet.
func positionOf(packet uint64, phase position) position { return position(packet)<<2 + phase }

// phase returns the phase of a position.
func (p position) phase() position { return p & 3 }

// packet is what a worker gets of a packet.
type packet struct {
	datagram    decap.Datagram
	reassembled *reassembled // from fragments; there is no datagram then
	at          position
	clock       int64 // the latest time of all packets so far, Unix nanoseconds
	copies      bool  // it may have another copy: more than one mirror session was seen
}

// reassembled is a packet as far as its fragments came.
type reassembled struct {
	item   inspect.Item
	volume inspect.Volume
}

// tick is a time for all workers: an aggregation window or a second begins, or a batch ends.
type tick struct {
	at    position
	nanos int64 // the latest time of all packets so far
}

func newChunk(workers int) *chunk {
	return &chunk{parts: make([][]packet, workers), journals: make([]journalData, workers)}
}

// full reports whether the next batch belongs to another chunk.
func (c *chunk) full() bool {
	return c.packets >= chunkPackets || c.size >= chunkBytes || len(c.ticks) >= chunkPackets
}

// clear empties the chunk and keeps its memory.
func (c *chunk) clear() {
	for i := range c.parts {
		c.parts[i] = c.parts[i][:0]
		c.journals[i].clear()
	}
	c.ticks, c.bytes, c.packets, c.size, c.urgent, c.ending, c.last = c.ticks[:0], c.bytes[:0], 0, 0, false, false, false
}
