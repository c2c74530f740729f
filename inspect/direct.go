package inspect

import (
	"math"
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/dedup"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/mirror"
	"github.com/mirrorsink/mirrorsink/inspect/naming"
)

// Flows finds flow records by number.
type Flows interface {
	At(number uint32) *flow.Record
}

// Direct is an Ordered that does everything at once: it names flows, matches the copies of packets, closes windows, and hands batches
// of events to a sink. It is not safe for concurrent use.
type Direct struct {
	cfg      Config
	sink     Sink
	sessions *mirror.Table
	flows    Flows
	stats    *event.Counters
	namer    *naming.Namer
	copies   *dedup.Window
	members  []uint32 // of the barrier: one for each worker
	held     *held
	seen     *seenUpTo // what other workers know of this one; nil if its packets are a capture
}

// NewDirect returns a Direct for the flows of some workers, which together have one number space. It counts in stats. cfg.Shared must
// be set.
func NewDirect(cfg Config, workers int, sink Sink, sessions *mirror.Table, flows Flows, stats *event.Counters) *Direct {
	d := &Direct{cfg: cfg, sink: sink, sessions: sessions, flows: flows, stats: stats}
	d.namer = naming.New(naming.Config{
		DNS: cfg.Shared.dns, Names: flow.NewNames(cfg.Memory.Names), Sessions: sessions, Exempt: cfg.Exempt,
		Details: cfg.details(), Refused: &stats.NamesRefused,
		Pending: cfg.Memory.Held / 4, Undecided: &stats.Undecided,
	})
	d.held = newHeld(d.namer, sink, cfg.Memory.Held/4*3)
	if cfg.Now != nil {
		d.seen = cfg.Shared.progress.join()
	}
	d.copies = dedup.New(cfg.Memory.Pairs, d.unmatched)
	if cfg.Interval != 0 {
		for range workers {
			d.members = append(d.members, cfg.Shared.barrier.join())
		}
	}
	return d
}

// Copies returns the window of copies.
func (d *Direct) Copies() *dedup.Window { return d.copies }

// FlowStarted implements Ordered: a flow's record has all that there is to know.
func (d *Direct) FlowStarted(*flow.Record) {}

// FlowOpened implements Ordered.
func (d *Direct) FlowOpened(r *flow.Record, outbound bool) { d.namer.Opened(r, outbound) }

// MessageRead implements Ordered.
func (d *Direct) MessageRead(r *flow.Record, h *l7.Hint, nanos int64) { d.namer.Message(r, h, nanos) }

// CopySeen implements Ordered.
func (d *Direct) CopySeen(r *flow.Record, _ flow.Side, p *decap.Packet, c dedup.Copy) (partner *flow.Record, duplicate bool) {
	first, ok := d.copies.Add(p, c)
	if !ok {
		return nil, false
	}
	r.Paired = uint16(first.Session)
	return d.FlowOf(first), true
}

// FlowOf returns the flow of an earlier copy; nil if it has ended and its record was reused.
func (d *Direct) FlowOf(c dedup.Copy) *flow.Record {
	r := d.flows.At(c.Flow)
	if uint32(r.Key.Session) != c.Session || r.Start > c.Nanos {
		return nil
	}
	return r
}

// unmatched counts a packet that left one mirrored interface and was not seen at the other, on a flow of which others were; the window
// of copies calls it.
func (d *Direct) unmatched(c dedup.Copy) {
	if r := d.FlowOf(c); c.Direction == event.Egress && r != nil && r.Paired != 0 && r.Unpaired < math.MaxUint8 {
		r.Unpaired++
	}
}

// Expire drops the copies that have waited for too long.
func (d *Direct) Expire(nanos int64) { d.copies.Expire(nanos) }

// Settle decides what DNS says about the flows of packets that came long enough ago, and delivers the events that waited for it. nanos is
// the time up to which the worker has seen all of its packets.
func (d *Direct) Settle(nanos int64) {
	all := nanos
	if d.seen != nil {
		d.seen.nanos.Store(nanos)
		all = d.cfg.Shared.progress.seen()
	}
	d.held.now = max(d.held.now, nanos)
	d.namer.Settle(nanos, all)
	d.held.release(false)
}

// Batch implements Ordered.
func (d *Direct) Batch() *event.Batch { return d.held.open.batch }

// batchBytes is the size at which a batch of events is delivered even if more packets are waiting.
const batchBytes = 256 << 10

// Emit implements Ordered. The name of a flow that has ended is freed.
func (d *Direct) Emit(r *flow.Record) {
	b := d.Batch()
	e := &b.Events[len(b.Events)-1]
	if place, waits := d.namer.Describe(b, e, r); waits {
		d.held.wait(place)
	}
	if r.Paired != 0 {
		other := d.sessions.Session(r.Paired)
		e.Paired, e.PairedOwner = event.MirrorSession{Outer: other.Outer.Netip(), VNI: other.VNI}, d.sessions.Owner(r.Paired)
	}
	if e.Kind == event.Flow {
		e.Flow.Unpaired = uint32(r.Unpaired)
		d.namer.Release(r)
	}
	if b.Size() >= batchBytes {
		d.Deliver()
	}
}

// Deliver hands the events gathered so far to the sink, as far as they do not wait for what DNS says about their flows.
func (d *Direct) Deliver() { d.held.deliver() }

// UpdateCounters sets those counters that are kept elsewhere.
func (d *Direct) UpdateCounters() {
	c := d.copies.Counts()
	d.stats.Paired, d.stats.PairsEvicted = c.Pairs, c.Evicted
	d.stats.Sessions = uint64(d.sessions.Len() - 1)
}

// WindowDone implements Ordered for a worker alone.
func (d *Direct) WindowDone(next uint32) { d.WorkerWindowDone(0, next) }

// WorkerWindowDone is WindowDone for one of several workers. It emits the windows that are closed now, when all events before were
// delivered: others may then report that a window is closed.
func (d *Direct) WorkerWindowDone(worker int, next uint32) {
	d.held.after(func() { d.emitClosed(d.cfg.Shared.barrier.advance(d.members[worker], next)) })
}

// lastWait is how long the end of a worker waits for the others, which end too, in milliseconds.
const lastWait = 500

// SettleAll decides about all flows, after the last packet. Answers of DNS may still be with other workers, which is worth a short wait.
func (d *Direct) SettleAll() {
	if d.seen != nil {
		d.seen.nanos.Store(math.MaxInt64)
		for left := lastWait; left > 0 && !d.namer.Settled(d.cfg.Shared.progress.seen()); left-- {
			time.Sleep(time.Millisecond)
		}
	}
	d.Settle(math.MaxInt64)
}

// Close delivers the last events: no worker will add more.
func (d *Direct) Close() {
	d.Settle(math.MaxInt64)
	if d.seen != nil {
		d.cfg.Shared.progress.leave(d.seen)
	}
	d.held.close()
	for _, member := range d.members {
		d.emitClosed(d.cfg.Shared.barrier.leave(member))
	}
}

// longestQuiet is the longest time without a packet that is reported window by window. In a capture a longer one means that nothing
// was captured.
const longestQuiet = time.Hour

// emitClosed emits that windows are closed. Copies that were lost before are counted to the first of them.
func (d *Direct) emitClosed(from, to uint32) {
	if from >= to {
		return
	}
	length, barrier := windowLength(d.cfg.Interval), &d.cfg.Shared.barrier
	if time.Duration(to-from)*time.Second > longestQuiet+d.cfg.Interval {
		to = from + length
	}
	lost, first, now := uint64(0), uint32(0), int64(math.MaxInt64)
	if d.cfg.Lost != nil {
		lost = barrier.takeLost(d.cfg.Lost())
	}
	if d.cfg.Now != nil {
		first, now = barrier.firstWindow(), d.cfg.Now()
	}
	b := d.held.pool.New()
	for ; from < to; from += length {
		d.stats.Events[event.Closed]++
		b.Events = append(b.Events, event.Event{
			Kind: event.Closed, Nanos: int64(from) * int64(time.Second),
			Window: event.WindowRecord{
				From: from, To: from + length, Lost: lost,
				Partial: from == first || int64(from+length)*int64(time.Second) > now,
			},
		})
		lost = 0
	}
	d.sink.Events(b)
}

// windowLength returns an interval in seconds.
func windowLength(interval time.Duration) uint32 { return uint32(interval / time.Second) }
