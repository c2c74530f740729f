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
	batches  event.Pool
	batch    *event.Batch // of the pool
}

// NewDirect returns a Direct for the flows of some workers, which together have one number space. It counts in stats. cfg.Shared must
// be set.
func NewDirect(cfg Config, workers int, sink Sink, sessions *mirror.Table, flows Flows, stats *event.Counters) *Direct {
	d := &Direct{cfg: cfg, sink: sink, sessions: sessions, flows: flows, stats: stats}
	d.batch = d.batches.New()
	d.namer = naming.New(naming.Config{
		DNS: cfg.Shared.dns, Names: flow.NewNames(cfg.Memory.Names), Sessions: sessions, Exempt: cfg.Exempt,
		Details: cfg.Interval != 0, Refused: &stats.NamesRefused,
	})
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

// Batch implements Ordered.
func (d *Direct) Batch() *event.Batch { return d.batch }

// batchBytes is the size at which a batch of events is delivered even if more packets are waiting.
const batchBytes = 256 << 10

// Emit implements Ordered. The name of a flow that has ended is freed.
func (d *Direct) Emit(r *flow.Record) {
	e := &d.batch.Events[len(d.batch.Events)-1]
	d.namer.Describe(d.batch, e, r)
	if r.Paired != 0 {
		other := d.sessions.Session(r.Paired)
		e.Paired, e.PairedOwner = event.MirrorSession{Outer: other.Outer.Netip(), VNI: other.VNI}, d.sessions.Owner(r.Paired)
	}
	if e.Kind == event.Flow {
		e.Flow.Unpaired = uint32(r.Unpaired)
		d.namer.Release(r)
	}
	if d.batch.Size() >= batchBytes {
		d.Deliver()
	}
}

// Deliver hands the events gathered so far to the sink.
func (d *Direct) Deliver() {
	if len(d.batch.Events) > 0 {
		d.sink.Events(d.batch)
		d.batch = d.batches.New()
	}
}

// UpdateCounters sets those counters that are kept elsewhere.
func (d *Direct) UpdateCounters() {
	c := d.copies.Counts()
	d.stats.Paired, d.stats.PairsEvicted = c.Pairs, c.Evicted
	d.stats.Sessions = uint64(d.sessions.Len() - 1)
}

// WindowDone implements Ordered for a worker alone.
func (d *Direct) WindowDone(next uint32) { d.WorkerWindowDone(0, next) }

// WorkerWindowDone is WindowDone for one of several workers. It emits the windows that are closed now.
func (d *Direct) WorkerWindowDone(worker int, next uint32) {
	d.Deliver() // before others can report that a window is closed
	d.emitClosed(d.cfg.Shared.barrier.advance(d.members[worker], next))
}

// Close delivers the last events: no worker will add more.
func (d *Direct) Close() {
	for _, member := range d.members {
		d.emitClosed(d.cfg.Shared.barrier.leave(member))
	}
	d.Deliver()
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
	for ; from < to; from += length {
		d.stats.Events[event.Closed]++
		d.batch.Events = append(d.batch.Events, event.Event{
			Kind: event.Closed, Nanos: int64(from) * int64(time.Second),
			Window: event.WindowRecord{
				From: from, To: from + length, Lost: lost,
				Partial: from == first || int64(from+length)*int64(time.Second) > now,
			},
		})
		lost = 0
	}
	d.Deliver()
}

// windowLength returns an interval in seconds.
func windowLength(interval time.Duration) uint32 { return uint32(interval / time.Second) }
