package inspect

import (
	"slices"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/frag"
)

// dealer reads the source of a crew and deals its packets out: all of a flow, and both copies of a packet that is mirrored at both
// ends, to the same worker. It does what depends on the order of all packets: it counts datagrams, puts fragments together and says
// how late it is. It is one goroutine's.
type dealer struct {
	cfg     Config
	source  Source
	keeps   bool // datagrams stay valid: see Keeper
	workers int

	batch decap.Batch
	seen  [decap.BatchSize]decap.Glance // of those that are OK
	pkts  [decap.BatchSize]decap.Packet // of those for which a glance was not enough
	whys  [decap.BatchSize]decap.Reason
	frags *frag.Table
	stats event.Counters

	packet    uint64 // number of the packet, from 1
	at        moment
	clock     int64     // the latest time seen, Unix nanoseconds
	windowEnd int64     // of the aggregation window of the clock; 0 before the first
	first     event.MirrorSession // the mirror session that was seen first
	several   bool      // there was another one
	to        *epoch
}

// Keeper is a Source whose datagrams can be kept: a mapped file.
type Keeper interface {
	// Keep makes datagrams stay valid until Release, instead of until the next Read, and reports whether it can. A source that
	// can does not wait in Read.
	Keep() bool
	Release()
}

func newDealer(cfg Config, source Source, workers int) *dealer {
	d := &dealer{cfg: cfg, source: source, workers: workers, clock: noTime}
	if k, ok := source.(Keeper); ok {
		d.keeps = k.Keep()
	}
	d.frags = frag.New(cfg.Memory.Fragments, d.incomplete)
	return d
}

// release gives up what the source kept. It may be called once more.
func (d *dealer) release() {
	if d.keeps {
		d.keeps = false
		d.source.(Keeper).Release()
	}
}

// fill deals the packets of an epoch: until it is full, the source ends, or more would have to be waited for. An error is the
// source's.
func (d *dealer) fill(e *epoch) (err error) {
	d.to = e
	for err == nil && !e.full() && !e.urgent {
		err = d.source.Read(&d.batch)
		if d.batch.N > 0 {
			d.parse()
			d.deal()
		}
		e.urgent = !d.keeps && d.batch.N < decap.BatchSize
	}
	if err != nil {
		d.packet++
		d.at = when(d.packet, withPacket)
		d.frags.Flush()
	}
	return err
}

// parse is Worker.parse.
func (d *dealer) parse() {
	for i := range d.batch.N {
		g := &d.batch.D[i]
		d.whys[i] = decap.OK
		if !d.cfg.Decoder.Glance(&d.seen[i], g) {
			if d.whys[i] = d.cfg.Decoder.Parse(&d.pkts[i], g); d.whys[i] == decap.OK {
				d.seen[i] = d.pkts[i].Glance()
			}
		}
		d.stats.Reasons[d.whys[i]]++
		d.stats.Bytes += uint64(g.WireLen)
		if d.whys[i] == decap.OK {
			d.meet(&d.seen[i])
		}
	}
	d.stats.Datagrams += uint64(d.batch.N)
}

// meet notes whether there is more than one mirror session.
func (d *dealer) meet(p *decap.Glance) {
	if !p.Mirrored || d.several {
		return
	}
	t := event.MirrorSession{Outer: p.Outer.Addr(), VNI: p.VNI}
	if !d.first.Outer.IsValid() {
		d.first = t
	}
	d.several = t != d.first
}

// deal deals a batch out, in the order of arrival, and says what time it is after it.
func (d *dealer) deal() {
	for i := range d.batch.N {
		g := &d.batch.D[i]
		d.packet++
		d.tick(g.Nanos)
		d.at = when(d.packet, withPacket)
		switch d.whys[i] {
		case decap.OK:
			d.seen[i].Unwrap(g)
			h := d.give(d.seen[i].Hash())
			h.datagram = *g
			h.datagram.Data = d.kept(g.Data)
		case decap.Fragment:
			d.fragment(&d.pkts[i], g.Nanos)
		default: // counted by parse
		}
	}
	d.at = when(d.packet, giveUp)
	d.frags.Expire(d.clock)
	d.to.marks = append(d.to.marks, mark{when(d.packet, afterBatch), d.clock})
}

// tick is Worker.tick for all workers.
func (d *dealer) tick(nanos int64) {
	if nanos <= d.clock {
		return
	}
	d.clock = nanos
	if d.cfg.Interval != 0 && nanos >= d.windowEnd {
		d.windowEnd = (nanos/int64(d.cfg.Interval) + 1) * int64(d.cfg.Interval)
		d.to.marks = append(d.to.marks, mark{when(d.packet, beforePacket), nanos})
	}
}

// kept returns a datagram's bytes where they stay until the epoch's end.
func (d *dealer) kept(data []byte) []byte {
	d.to.size += len(data)
	if d.keeps {
		return data
	}
	start := len(d.to.bytes)
	d.to.bytes = append(d.to.bytes, data...) // what was handed out stays where it was, should there be no room
	return d.to.bytes[start:len(d.to.bytes):len(d.to.bytes)]
}

// give adds something to the hand of the worker of a hash, and returns it, to be filled in.
func (d *dealer) give(hash uint32) *dealt {
	hand := &d.to.hands[decap.SteerTo(hash, d.workers)]
	*hand = append(*hand, dealt{at: d.at, clock: d.clock, several: d.several})
	d.to.packets++
	return &(*hand)[len(*hand)-1]
}

// fragment is Worker.fragment.
func (d *dealer) fragment(p *decap.Packet, nanos int64) {
	notice(&d.stats, p)
	d.stats.FragmentsHeld++
	whole := d.frags.Add(p, nanos)
	if whole == nil {
		return
	}
	d.stats.Reassembled++
	pkt, v := whole.Packet, volume{uint32(whole.Packets), whole.Bytes, whole.First, whole.Last}
	if d.cfg.Decoder.Resume(&pkt, slices.Clone(whole.Payload)) != decap.OK {
		d.pieces(whole.Packet, v)
		return
	}
	seen := pkt.Glance()
	d.meet(&seen)
	d.give(seen.Hash()).whole = &assembled{pkt, v, false}
}

// incomplete is Worker.incomplete.
func (d *dealer) incomplete(l *frag.Incomplete) {
	if l.Reason == frag.Evicted {
		d.stats.FragmentsEvicted += uint64(l.Packets)
	} else {
		d.stats.FragmentsIncomplete += uint64(l.Packets)
	}
	d.pieces(l.Packet, volume{uint32(l.Packets), l.Bytes, l.First, l.Last})
}

// pieces is Worker.pieces.
func (d *dealer) pieces(p decap.Packet, v volume) {
	seen := p.Glance()
	d.meet(&seen)
	d.give(decap.SteerFlow(p.Src, p.Dst, 0, 0)).whole = &assembled{p, v, true}
}
