package inspect

import (
	"sync"

	"github.com/mirrorsink/mirrorsink/decap"
)

// An epoch is a stretch of a source's packets on its way through a crew: from the dealer to the workers, and with their diaries to
// the chronicle. It belongs to one of them at a time, but for the workers, each of whom has a hand and a diary of its own.
type epoch struct {
	hands   [][]dealt // by worker: its packets, in order
	marks   []mark    // in order
	diaries []diary   // by worker
	bytes   []byte    // of datagrams that the source does not keep
	packets int       // in all hands
	size    int       // of their datagrams, in bytes
	urgent  bool      // the source may let its reader wait: what was told is wanted now
	ending  bool      // the source has ended: each worker ends some flows
	last    bool      // nothing follows
	told    sync.WaitGroup
}

// How long an epoch is. A longer one costs less for each packet to hand on, and more memory.
const (
	epochPackets = 512
	epochBytes   = 4 << 20
)

// dealt is what a worker gets of a packet.
type dealt struct {
	datagram decap.Datagram
	whole    *assembled // of what was put together from fragments; there is no datagram then
	at       moment
	clock    int64 // the latest time of all packets so far, Unix nanoseconds
	several  bool  // see diary
}

// assembled is a packet put together from fragments, or pieces that cannot be.
type assembled struct {
	pkt    decap.Packet
	v      volume
	pieces bool
}

// mark is a time for all workers: a window begins, or a batch ends.
type mark struct {
	at    moment
	nanos int64 // the latest time seen
}

func newEpoch(workers int) *epoch {
	return &epoch{hands: make([][]dealt, workers), diaries: make([]diary, workers)}
}

// full says that the next batch belongs into another epoch.
func (e *epoch) full() bool {
	return e.packets >= epochPackets || e.size >= epochBytes || len(e.marks) >= epochPackets
}

// clear makes the epoch empty and keeps its memory.
func (e *epoch) clear() {
	for i := range e.hands {
		e.hands[i] = e.hands[i][:0]
		e.diaries[i].clear()
	}
	e.marks, e.bytes, e.packets, e.size, e.urgent, e.ending, e.last = e.marks[:0], e.bytes[:0], 0, 0, false, false, false
}
