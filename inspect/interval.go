package inspect

import (
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// Interval events are emitted after a window closes: for an active flow before its next packet, for idle flows a bounded number after
// each batch, so that a million flows do not stall the worker. A flow takes about a microsecond: while packets wait a batch may take a
// few times as long as without, and else no longer than receive buffers bear.
const (
	flushBusy  = 32      // another batch is waiting
	flushCalm  = 1 << 10 // the last batch was not full
	flushQuiet = 1 << 14 // no packet came for a while
)

// intervals counts a tracker's flows by aggregation window and emits their Interval events. A nil *intervals does nothing.
type intervals struct {
	t       *Tracker
	length  uint32 // of a window, in seconds
	end     int64  // of the current window, Unix nanoseconds; 0 before the first
	flushed bool   // all events of earlier windows were emitted
}

// newIntervals makes a tracker's flows count by window; it returns nil if interval is 0.
func newIntervals(t *Tracker, interval time.Duration) *intervals {
	if interval == 0 {
		return nil
	}
	t.flows.Aggregate(windowLength(interval))
	return &intervals{t: t, length: windowLength(interval), flushed: true}
}

// tick opens the window of a time that has come.
func (i *intervals) tick(nanos int64) {
	if i != nil && nanos >= i.end {
		i.open(nanos)
	}
}

// open opens the window that contains a time. The rest of the window before the last one is emitted first.
func (i *intervals) open(nanos int64) {
	i.flushWindow(-1)
	i.t.flows.OpenWindow(nanos)
	_, to := i.t.flows.Window()
	i.end = int64(to) * int64(time.Second)
	i.flushed = false
}

// count counts a packet of a flow in the current window.
func (i *intervals) count(r *flow.Record, s flow.Side, p *decap.Packet, v Volume) {
	if i != nil {
		i.t.flows.CountInterval(r, s, p, v.Packets, v.Bytes, v.First, v.Last)
	}
}

// flushPrevious emits what a flow counted in the window before, so that its next packet does not change that event.
func (i *intervals) flushPrevious(r *flow.Record) {
	if i != nil && i.t.flows.Stale(r) {
		i.emit(r)
	}
}

// age opens the next window when its time has come, and emits a part of the one before. datagrams is how many the last batch had.
func (i *intervals) age(nanos int64, datagrams int) {
	if i == nil || nanos <= 0 {
		return
	}
	i.tick(nanos)
	switch datagrams {
	case decap.BatchSize:
		i.flushWindow(flushBusy)
	case 0:
		i.flushWindow(flushQuiet)
	default:
		i.flushWindow(flushCalm)
	}
}

// flushWindow emits at most a number of flows that counted something in the window before the current one; all if most is negative.
// When there are no more the window is done.
func (i *intervals) flushWindow(most int) {
	if i.flushed {
		return
	}
	for ; most != 0; most-- {
		r, more := i.t.flows.Due(flushCalm)
		if r != nil {
			i.emit(r)
			continue
		}
		if !more {
			i.flushed = true
			from, _ := i.t.flows.Window()
			i.t.ordered.WindowDone(from)
			return
		}
	}
}

// emit emits what a flow counted in its window, if it counted anything.
func (i *intervals) emit(r *flow.Record) {
	if i == nil || !r.Counted() {
		return
	}
	cut := i.t.flows.TakeInterval(r)
	e := i.t.event(r, event.Interval, int64(cut.Window)*int64(time.Second))
	c := r.Client()
	s := 1 - c
	e.Flow = flowRecord(r)
	e.Flow.Packets = [2]uint64{uint64(cut.Packets[c]), uint64(cut.Packets[s])}
	e.Flow.Bytes = [2]uint64{cut.Bytes[c], cut.Bytes[s]}
	e.Flow.TCPFlags = [2]uint8{cut.Flags[c], cut.Flags[s]}
	e.Window = event.WindowRecord{
		From: cut.Window, To: cut.Window + i.length,
		First: [2]uint32{cut.First[c], cut.First[s]}, Last: [2]uint32{cut.Last[c], cut.Last[s]},
		Payload: [2]uint64{cut.Payload[c], cut.Payload[s]}, Answered: r.BothSides(),
	}
	i.t.ordered.Emit(r)
}

// ended forgets a flow that has ended.
func (i *intervals) ended(r *flow.Record) {
	if i != nil {
		i.t.flows.EndIntervals(r)
	}
}

// close marks all windows as done, the current one included.
func (i *intervals) close() {
	if i != nil && i.end != 0 {
		_, to := i.t.flows.Window()
		i.t.ordered.WindowDone(to)
	}
}
