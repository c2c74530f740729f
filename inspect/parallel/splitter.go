package parallel

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// splitter reads the source of a replay and divides its packets among the workers: all packets of a flow, and both copies of a packet that
// is mirrored at both ends, go to the same worker. It does what depends on the order of all packets: it counts datagrams, reassembles
// fragments and keeps the clock. It belongs to one goroutine.
type splitter struct {
	cfg     inspect.Config
	source  inspect.Source
	keeps   bool // datagrams stay valid: see Keeper
	workers int

	batch   decap.Batch
	glances [decap.BatchSize]decap.FastKey // of those that are OK
	pkts    [decap.BatchSize]decap.Packet  // of those for which a glance was not enough
	reasons [decap.BatchSize]decap.Reason
	frags   *inspect.Reassembler
	stats   event.Counters

	published event.Published

	packet    uint64 // number of the packet, from 1
	at        position
	clock     int64               // the latest time seen, Unix nanoseconds
	windowEnd int64               // of the aggregation window of the clock; 0 before the first
	secondEnd int64               // of the second of the clock, if Activity events are wanted; 0 before the first
	session   event.MirrorSession // the mirror session that was seen first
	copies    bool                // there was another one
	to        *chunk
}

// Keeper is a source whose datagrams can be kept: a mapped file.
type Keeper interface {
	// Keep makes datagrams stay valid until Release, instead of until the next Read, and reports whether it can. A source that
	// can does not wait in Read.
	Keep() bool
	Release()
}

func newSplitter(cfg inspect.Config, source inspect.Source, workers int) *splitter {
	s := &splitter{cfg: cfg, source: source, workers: workers, clock: -1}
	if k, ok := source.(Keeper); ok {
		s.keeps = k.Keep()
	}
	s.frags = inspect.NewReassembler(cfg, &s.stats, s.reassembled)
	return s
}

// release gives up what the source kept. It may be called again.
func (s *splitter) release() {
	if s.keeps {
		s.keeps = false
		s.source.(Keeper).Release()
	}
}

// fill divides the packets of a chunk: until it is full, the source ends, or the source would have to be waited for. An error is the
// source's.
func (s *splitter) fill(c *chunk) (err error) {
	s.to = c
	for err == nil && !c.full() && !c.urgent {
		err = s.source.Read(&s.batch)
		if s.batch.N > 0 {
			s.parse()
			s.divide()
		}
		c.urgent = !s.keeps && s.batch.N < decap.BatchSize
	}
	if err != nil {
		s.next()
		s.frags.Flush()
	}
	s.published.Set(&s.stats)
	return err
}

// parse decodes a batch as far as to find each packet's flow.
func (s *splitter) parse() {
	for i := range s.batch.N {
		d := &s.batch.D[i]
		s.reasons[i] = decap.OK
		if !s.cfg.Decoder.FastKey(&s.glances[i], d) {
			if s.reasons[i] = s.cfg.Decoder.Parse(&s.pkts[i], d); s.reasons[i] == decap.OK {
				s.glances[i] = s.pkts[i].FastKey()
			}
		}
		s.stats.CountDatagram(s.reasons[i], d)
		if s.reasons[i] == decap.OK {
			s.noteSession(&s.glances[i])
		}
	}
}

// noteSession notes whether there is more than one mirror session.
func (s *splitter) noteSession(p *decap.FastKey) {
	if !p.Mirrored || s.copies {
		return
	}
	session := event.MirrorSession{Outer: p.Outer.Addr(), VNI: p.VNI}
	if !s.session.Outer.IsValid() {
		s.session = session
	}
	s.copies = session != s.session
}

// divide divides a batch, in the order of arrival, and adds a tick after it.
func (s *splitter) divide() {
	for i := range s.batch.N {
		d := &s.batch.D[i]
		s.next()
		s.tick(d.Nanos)
		if s.frags.Due(s.clock) {
			s.frags.Expire(s.clock)
		}
		switch s.reasons[i] {
		case decap.OK:
			s.glances[i].Unwrap(d)
			p := s.add(s.glances[i].Hash())
			p.datagram = *d
			p.datagram.Data = s.keep(d.Data)
		case decap.Fragment:
			s.fragment(&s.pkts[i], d.Nanos)
		default: // counted by parse
		}
	}
	s.next()
	s.frags.Expire(s.clock)
	s.to.ticks = append(s.to.ticks, tick{positionOf(s.packet, afterBatch), s.clock})
}

// tick sets the clock to the time of the next packet, unless that is in the past, and adds a tick where an aggregation window begins, and
// where a second does if Activity events are wanted.
func (s *splitter) tick(nanos int64) {
	if nanos <= s.clock {
		return
	}
	s.clock = nanos
	window, second := s.cfg.Interval != 0 && nanos >= s.windowEnd, s.cfg.Activity && nanos >= s.secondEnd
	if window {
		s.windowEnd = (nanos/int64(s.cfg.Interval) + 1) * int64(s.cfg.Interval)
	}
	if second {
		s.secondEnd = (nanos/inspect.ActivityLength + 1) * inspect.ActivityLength
	}
	if window || second {
		s.to.ticks = append(s.to.ticks, tick{positionOf(s.packet, beforePacket), nanos})
	}
}

// keep returns a datagram's bytes where they stay until the chunk's end.
func (s *splitter) keep(data []byte) []byte {
	s.to.size += len(data)
	if s.keeps {
		return data
	}
	start := len(s.to.bytes)
	s.to.bytes = append(s.to.bytes, data...) // earlier slices stay valid, should there be no room
	return s.to.bytes[start:len(s.to.bytes):len(s.to.bytes)]
}

// add adds a packet to the part of the worker of a hash, and returns it, to be filled in.
func (s *splitter) add(hash uint32) *packet {
	part := &s.to.parts[decap.SteerTo(hash, s.workers)]
	*part = append(*part, packet{at: s.at, clock: s.clock, copies: s.copies})
	s.to.packets++
	return &(*part)[len(*part)-1]
}

// fragment keeps a fragment until the rest of its packet has come.
func (s *splitter) fragment(p *decap.Packet, nanos int64) {
	if whole, ok := s.frags.Add(p, nanos); ok {
		s.reassembled(&whole)
	}
}

// reassembled adds a packet as far as its fragments came. The next packet has a position of its own.
func (s *splitter) reassembled(whole *inspect.Reassembled) {
	kept := whole.Clone()
	a := &reassembled{volume: kept.Volume}
	known := s.frags.Decode(&a.item, &kept)
	p := &a.item.Packet
	g := p.FastKey()
	s.noteSession(&g)
	hash := g.Hash()
	if !known {
		hash = decap.SteerFlow(p.Src, p.Dst, 0, 0)
	}
	s.add(hash).reassembled = a
	s.next()
}

// next begins the next position.
func (s *splitter) next() {
	s.packet++
	s.at = positionOf(s.packet, atPacket)
}
