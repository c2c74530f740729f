package inspect

import (
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/causal"
	"github.com/mirrorsink/mirrorsink/inspect/dedup"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/forward"
	"github.com/mirrorsink/mirrorsink/inspect/mirror"
	"github.com/mirrorsink/mirrorsink/inspect/stream"
)

// Tracker accounts packets to flows, lets parsers read their payload, and emits the events of flows through an Ordered. It is what a
// Worker and the workers of a parallel replay have in common: it knows neither a source nor a sink. It is not safe for concurrent
// use, but for Counters.
type Tracker struct {
	ordered   Ordered
	sessions  *mirror.Table
	exempt    []netip.Prefix
	flows     *flow.Table
	gate      *causal.Gate
	segments  segments // what the gate calls
	streams   *stream.Table
	vlans     *vlanTable
	passes    *dedup.Passes
	intervals *intervals        // nil without aggregation windows
	activity  *activities       // nil if nobody looks for alerts
	forward   *forward.Selector // nil without forwarding
	clock     int64             // the latest time of all packets so far, Unix nanoseconds
	touched   uint64            // has no meaning: see flow.Table.TouchRecord
	stats     event.Counters
	published event.Published
}

// Item is a packet on its way through a Tracker.
type Item struct {
	Packet decap.Packet
	Reason decap.Reason // only packets that are OK belong to a flow

	partial bool // fragments that were looked at one by one, and are no whole packet
	unread  bool // parsers must not read it
	badSum  bool // it was reassembled, and its checksum is wrong
	// countOnly is set if no parser reads the flow, and the packet is a datagram, or a segment that neither opens nor closes a connection.
	countOnly bool
	plain     bool // it is a segment that is flow.Arrival.Plain
	astray    bool // it is a segment that is flow.Astray, and its receiver drops it
	side      flow.Side
	key       decap.Key
	hash      uint64
}

// Volume is what a packet adds to its flow: one datagram, or all fragments of a packet.
type Volume struct {
	Packets     uint32
	Bytes       uint64
	First, Last int64 // Unix nanoseconds
}

// VolumeOf returns the volume of one datagram.
func VolumeOf(p *decap.Packet, nanos int64) Volume { return Volume{1, uint64(p.IPLen), nanos, nanos} }

// noTime is before all times: captures may begin with 0.
const noTime = -1

// NewTracker returns a Tracker that takes the memory that cfg grants for flows and streams. SetOrdered must be called before the first
// packet.
func NewTracker(cfg Config) *Tracker {
	t := &Tracker{sessions: cfg.Shared.NewSessions(cfg.Owners), exempt: cfg.Exempt, vlans: newVLANTable(), passes: dedup.NewPasses(), clock: noTime}
	size := flow.RecordSize + cfg.Forward.FlowBytes()
	if cfg.Interval != 0 {
		size += flow.WindowSize
	}
	if cfg.Activity {
		size += activitySize
	}
	t.flows = flow.New(cfg.Memory.Flows/size*flow.RecordSize, t.ended)
	t.intervals = newIntervals(t, cfg.Interval)
	t.activity = newActivities(t, cfg.Activity)
	waiting := cfg.Memory.Streams / 8
	t.streams = stream.New(cfg.Memory.Streams-waiting-cfg.Forward.ReorderBytes(cfg.Memory.Streams), t.flows, t)
	t.flows.SetGapMemory(waiting / 8)
	t.segments = segments{t.streams, t}
	t.gate = causal.New(waiting-waiting/8, t.flows, &t.segments)
	t.flows.OnWaiting(func(r *flow.Record) { t.gate.Before(r, t.clock) })
	return t
}

// SetOrdered sets where the tracker puts what depends on the packets of other flows.
func (t *Tracker) SetOrdered(o Ordered) { t.ordered = o }

// Flows returns the flow table.
func (t *Tracker) Flows() *flow.Table { return t.flows }

// Sessions returns the table of mirror sessions.
func (t *Tracker) Sessions() *mirror.Table { return t.sessions }

// Lookup finds the keys of a batch of packets and touches their places in the index, and then their records, so that the memory accesses
// of the batch overlap.
func (t *Tracker) Lookup(items []Item) {
	t.sessions.Refresh()
	var refs [decap.BatchSize]uint32
	for i := range items {
		if it := &items[i]; it.Reason == decap.OK {
			t.identify(it)
			refs[i] = t.flows.Touch(it.hash)
		}
	}
	for _, ref := range refs[:len(items)] {
		t.touched += t.flows.TouchRecord(ref)
	}
	t.touched += t.forward.Touch(refs[:len(items)])
}

// identify finds which flow a packet belongs to.
func (t *Tracker) identify(it *Item) {
	session, ok := uint16(0), true
	if it.Packet.Mirrored {
		session, ok = t.sessions.Number(it.Packet.Outer.Addr(), it.Packet.VNI)
	}
	if !ok {
		t.stats.SessionsRefused++
	}
	key, reverse := it.Packet.Key(session)
	it.key, it.side = key, 0
	if reverse {
		it.side = 1
	}
	it.hash = flow.Hash(&it.key)
}

// Tick sets the clock to the time of the next packet of all flows, unless that is in the past. It opens aggregation windows, and emits
// what flows did in the last second.
func (t *Tracker) Tick(nanos int64) {
	if nanos <= t.clock {
		return
	}
	t.clock = nanos
	t.flows.Tick(nanos)
	t.intervals.tick(nanos)
	t.activity.tick(nanos)
}

// How many idle flows are ended after a batch. While packets wait it is more than a batch can begin, so that idle flows do not pile up.
const (
	ageBusy  = 2 * decap.BatchSize // another batch is waiting
	ageQuiet = 1 << 10
)

// Age ends a bounded number of flows that have been idle for too long, and emits a part of the last aggregation window. datagrams is how
// many the last batch had: after a full one others wait.
func (t *Tracker) Age(nanos int64, datagrams int) {
	most := ageQuiet
	if datagrams == decap.BatchSize {
		most = ageBusy
	}
	t.gate.Expire(nanos)
	t.flows.Age(nanos, most)
	t.intervals.age(nanos, datagrams)
	t.activity.tick(nanos)
}

// EndSome ends a bounded number of flows after the last packet, and returns how many are left: first those that have been idle for too long.
func (t *Tracker) EndSome(nanos int64) (left int) {
	t.FlushWaiting()
	live := t.flows.Live()
	if t.flows.Age(nanos, ageBusy); t.flows.Live() == live {
		t.flows.FlushSome(event.EndShutdown, ageBusy)
	}
	return t.flows.Live()
}

// FlushWaiting takes the segments that wait for others, after the last packet, and emits what flows did since.
func (t *Tracker) FlushWaiting() {
	t.gate.Flush()
	t.activity.last()
}

// EndAll ends all flows.
func (t *Tracker) EndAll(nanos int64) {
	t.FlushWaiting()
	t.flows.Age(nanos, -1) // before the others
	t.flows.Flush(event.EndShutdown)
}

// CloseWindows marks all aggregation windows as done. It is called after all flows have ended.
func (t *Tracker) CloseWindows() { t.intervals.close() }

// Publish makes the counts so far visible to Counters, all at once.
func (t *Tracker) Publish() {
	streams := t.streams.Counts()
	t.stats.Refused[event.SYNData], t.stats.Refused[event.Padding] = streams.Refused[event.SYNData], streams.Refused[event.Padding]
	t.stats.StreamsNew, t.stats.StreamsEvicted, t.stats.StreamsActive = streams.Opened, streams.Evicted, uint64(streams.Live)
	waits := t.gate.Counts()
	t.stats.SegmentsHeld, t.stats.SegmentsEmptied, t.stats.SegmentsEvicted = waits.Held, waits.Emptied, waits.Evicted
	t.stats.FlowsActive = uint64(t.flows.Live())
	t.published.Set(&t.stats)
}

// Counters returns the counts as of the last Publish. It is safe for concurrent use.
func (t *Tracker) Counters() event.Counters { return t.published.Get() }
