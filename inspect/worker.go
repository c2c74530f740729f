package inspect

import (
	"errors"
	"io"
	"os"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/forward"
)

// Worker inspects the datagrams of one source. Run is its only goroutine; Counters may be called from others.
type Worker struct {
	cfg     Config
	source  Source
	batch   decap.Batch
	items   [decap.BatchSize]Item
	tracker *Tracker
	direct  *Direct
	frags   *Reassembler
	forward *forward.Selector // nil if nothing is forwarded
	now     int64             // the latest time seen, Unix nanoseconds
	seen    int64             // the time up to which all packets were seen
	quiet   int64             // the time when the last Read ended, if it gave nothing
}

// New returns a worker. It takes the memory that cfg grants at once, but pages that are never used cost nothing.
func New(cfg Config, source Source, sink Sink) *Worker {
	if cfg.Shared == nil {
		cfg.Shared = NewShared(cfg.Memory.Names)
	}
	t := NewTracker(cfg)
	d := NewDirect(cfg, 1, sink, t.sessions, t.flows, &t.stats)
	w := &Worker{cfg: cfg, source: source, tracker: t, direct: d}
	w.frags = NewReassembler(cfg, &t.stats, w.reassembled)
	w.forward = forward.New(cfg.Forward, forward.Tables{
		Flows: t.flows, Names: d.namer.Names, Sessions: t.sessions, Copies: d.copies, Streams: t.streams, Counts: &t.stats.Forward,
	}, cfg.Forward.ReorderBytes(cfg.Memory.Streams))
	t.ordered, t.forward = d, w.forward
	return w
}

// Run inspects until the source ends or is closed, then ends every open flow and returns. An error is the source's.
func (w *Worker) Run() error {
	for {
		err := w.source.Read(&w.batch)
		w.parse()
		w.tracker.Lookup(w.items[:w.batch.N])
		w.update()
		w.adopt()
		w.age()
		w.forward.Flush(w.now)
		if err != nil {
			w.finish()
			if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
				return nil
			}
			return err
		}
		w.publish()
	}
}

// parse decodes the whole batch and counts what became of it.
func (w *Worker) parse() {
	for i := range w.batch.N {
		d, it := &w.batch.D[i], &w.items[i]
		it.Reason = w.cfg.Decoder.Parse(&it.Packet, d)
		w.tracker.stats.CountDatagram(it.Reason, d)
		w.now = max(w.now, d.Nanos)
	}
}

// update accounts the batch packet by packet, in the order of arrival.
func (w *Worker) update() {
	for i := range w.batch.N {
		it, nanos := &w.items[i], w.batch.D[i].Nanos
		w.tracker.Tick(nanos)
		if w.frags.Due(w.tracker.clock) {
			w.frags.Expire(w.tracker.clock)
		}
		switch it.Reason {
		case decap.OK:
			r, duplicate := w.tracker.Packet(it, VolumeOf(&it.Packet, nanos), w.copies())
			w.forward.Decide(r, w.forwardPacket(i), duplicate)
		case decap.Fragment:
			w.fragment(&it.Packet, nanos)
			if w.forward.Active() {
				w.tracker.identify(it)
				w.forward.DecideFragment(it.key, w.forwardPacket(i))
			}
		default: // counted by parse
			w.forward.Exclude(event.Unreadable, len(w.batch.D[i].Data))
		}
	}
}

// copies reports whether packets may have other copies: more than one mirror session was seen, or will be.
func (w *Worker) copies() bool { return w.tracker.sessions.Len() > 2 || w.forward.Active() }

// forwardPacket returns a packet of the batch for forwarding.
func (w *Worker) forwardPacket(i int) forward.Packet {
	it := &w.items[i]
	return forward.Packet{Packet: &it.Packet, Datagram: &w.batch.D[i], Side: it.side, Clock: w.tracker.clock}
}

// fragment keeps a fragment until the rest of its packet has come, then accounts the packet.
func (w *Worker) fragment(p *decap.Packet, nanos int64) {
	if whole, ok := w.frags.Add(p, nanos); ok {
		w.reassembled(&whole)
	}
}

// reassembled accounts a packet as far as its fragments came, or passes it to the worker of its flow.
func (w *Worker) reassembled(whole *Reassembled) {
	var it Item
	if w.frags.Decode(&it, whole) && w.cfg.Peer.handOver(&it.Packet, whole) {
		return
	}
	w.tracker.Assembled(&it, whole.Volume, w.copies())
}

// adopt accounts the packets that other workers reassembled for this one.
func (w *Worker) adopt() {
	for {
		select {
		case whole := <-w.cfg.Peer.inbox():
			var it Item
			w.frags.Decode(&it, &whole)
			w.tracker.Assembled(&it, whole.Volume, w.copies())
		default:
			return
		}
	}
}

// age ends what has been idle for too long, on a quiet wire by the clock.
func (w *Worker) age() {
	switch {
	case w.cfg.Now == nil:
		w.seen = w.now
	case w.batch.N > 0:
		w.quiet = 0
		for i := range w.batch.N {
			w.seen = max(w.seen, w.batch.D[i].Nanos)
		}
	default: // what comes next came after the last Read began: when the one before it had ended
		clock := w.cfg.Now()
		w.seen, w.quiet, w.now = max(w.seen, w.quiet), clock, max(w.now, clock)
	}
	w.frags.Expire(w.now)
	w.direct.Expire(w.now)
	w.tracker.Age(w.now, w.batch.N)
	w.direct.Settle(w.seen) // after the answers in segments that have waited
	if w.batch.N < decap.BatchSize {
		w.direct.Deliver() // nothing more is waiting
	}
}

// finish ends every open flow.
func (w *Worker) finish() {
	w.frags.Flush()
	w.tracker.FlushWaiting()
	w.direct.SettleAll() // before so many events that they could not wait
	w.tracker.EndAll(w.now)
	w.direct.Deliver()
	w.forward.Flush(w.now) // the segments that waited
	w.tracker.CloseWindows()
	w.direct.Close()
	w.publish()
}

// publish makes the counters of the batch visible, all at once.
func (w *Worker) publish() {
	w.direct.UpdateCounters()
	w.tracker.Publish()
}

// Counters returns the counts as of the last batch. It is safe for concurrent use.
func (w *Worker) Counters() event.Counters { return w.tracker.Counters() }
