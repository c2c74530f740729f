package parallel

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect"
)

// worker accounts a part of each chunk. It belongs to one goroutine.
type worker struct {
	decoder decap.Decoder
	tracker *inspect.Tracker
	journal *journal
	items   [decap.BatchSize]inspect.Item
	now     int64 // the time of the last batch's end
	done    bool  // all flows have ended
}

func newWorker(cfg inspect.Config) *worker {
	w := &worker{decoder: cfg.Decoder, tracker: inspect.NewTracker(cfg)}
	w.journal = &journal{tracker: w.tracker}
	w.tracker.SetOrdered(w.journal)
	return w
}

// process accounts the worker's packets of a chunk, up to 64 at a time as a worker alone does.
func (w *worker) process(part []packet, ticks []tick) {
	for len(part) > 0 {
		n := min(len(part), len(w.items))
		w.decode(part[:n])
		w.tracker.Lookup(w.items[:n])
		for i := range n {
			p := &part[i]
			ticks = w.tick(ticks, p.at)
			w.tracker.Tick(p.clock)
			w.journal.at = p.at
			w.account(&w.items[i], p)
		}
		part = part[n:]
	}
	w.tick(ticks, atEnd)
}

// decode decodes packets for which the splitter found a flow.
func (w *worker) decode(part []packet) {
	for i := range part {
		p, it := &part[i], &w.items[i]
		if p.reassembled == nil {
			it.Reason = w.decoder.Parse(&it.Packet, &p.datagram) // OK, as it was for the splitter
		} else {
			it.Reason = decap.Fragment
		}
	}
}

// account accounts a packet.
func (w *worker) account(it *inspect.Item, p *packet) {
	if a := p.reassembled; a != nil {
		w.tracker.Assembled(&a.item, a.volume, p.copies)
		return
	}
	w.tracker.Packet(it, inspect.VolumeOf(&it.Packet, p.datagram.Nanos), p.copies)
}

// tick does what is due before a position, and returns the other ticks.
func (w *worker) tick(ticks []tick, at position) []tick {
	for ; len(ticks) > 0 && ticks[0].at < at; ticks = ticks[1:] {
		next := &ticks[0]
		w.journal.at = next.at
		w.tracker.Tick(next.nanos)
		if next.at.phase() == afterBatch {
			w.now = next.nanos
			w.tracker.Age(w.now, decap.BatchSize) // packets always wait
		}
	}
	return ticks
}

// endFlows ends a bounded number of flows, so that the journals of the last chunks stay small. It returns true once none is left, the first
// time that it finds so.
func (w *worker) endFlows() (done bool) {
	if w.done {
		return false
	}
	w.journal.at = atEnd
	w.done = w.tracker.EndSome(w.now) == 0
	if w.done {
		w.tracker.CloseWindows()
	}
	return w.done
}
