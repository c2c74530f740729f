package inspect

import (
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// Activity events are emitted once a second of packet time, when the first packet of a later second comes: of the flows that began, whose
// client sent payload or readable credentials, that got a name after that, or that were last reported a minute ago. What looks for alerts
// reads them, so that it knows soon what was sent, and knows the same whatever the order in which flows end.
const (
	ActivityLength = int64(time.Second) // nanoseconds
	activityRepeat = 60                 // seconds
)

// activities emits the Activity events of a tracker's flows. A nil *activities does nothing.
type activities struct {
	t      *Tracker
	start  int64    // of the current second, Unix nanoseconds
	end    int64    // of it; 0 before the first
	listed []uint32 // the records that had packets in it, some twice
	states []activityState
}

// activityState is what was reported of a record.
type activityState struct {
	sent [2]uint64 // payload by side
	at   uint32    // when, Unix seconds; 0 for never
	live bool
	read bool // credentials were read since
	name bool // a better name was read since, and bytes were reported without it
	by   l7.NameSource
}

// activitySize is the memory that a flow takes for Activity events.
const activitySize = 24 + 4

// newActivities makes a tracker's flows emit Activity events; it returns nil if nobody reads them.
func newActivities(t *Tracker, wanted bool) *activities {
	if !wanted {
		return nil
	}
	return &activities{t: t, listed: flow.Beside[uint32](t.flows)[:0], states: flow.Beside[activityState](t.flows)}
}

// tick begins the second of a time that has come.
func (a *activities) tick(nanos int64) {
	if a != nil && nanos >= a.end {
		a.begin(nanos)
	}
}

// begin begins the second of a time.
func (a *activities) begin(nanos int64) {
	a.flush()
	a.start = nanos / ActivityLength * ActivityLength
	a.end = a.start + ActivityLength
}

// seen notes that a packet of a flow has come. It is called before the packet is counted.
func (a *activities) seen(r *flow.Record, started bool) {
	if a != nil && (started || r.End < a.start) {
		a.note(r, started)
	}
}

// note makes the next flush look at a record that is new, or of which this is the first packet of the second.
func (a *activities) note(r *flow.Record, started bool) {
	ref := a.t.flows.Ref(r)
	if started {
		a.states[ref] = activityState{live: true}
	}
	a.list(ref)
}

// credentials notes that credentials were sent that everyone on the way can read.
func (a *activities) credentials(r *flow.Record) {
	if a == nil {
		return
	}
	ref := a.t.flows.Ref(r)
	a.states[ref].read = true
	a.list(ref) // its segment may have waited
}

// named notes that a message has a name. If bytes were reported without one that is as good, they are to be counted for the new one.
func (a *activities) named(r *flow.Record, by l7.NameSource) {
	if a == nil {
		return
	}
	ref := a.t.flows.Ref(r)
	s := &a.states[ref]
	if by <= s.by {
		return
	}
	s.by = by
	if s.at != 0 {
		s.name = true
		a.list(ref)
	}
}

// list makes the next flush look at a record.
func (a *activities) list(ref uint32) {
	if n := len(a.listed); n > 0 && a.listed[n-1] == ref {
		return // late packets of one flow
	}
	if len(a.listed) == cap(a.listed) {
		a.flush()
	}
	a.listed = append(a.listed, ref)
}

// flush emits what the listed flows did. Those whose segments wait are looked at again.
func (a *activities) flush() {
	kept := 0
	for _, ref := range a.listed {
		if !a.states[ref].live {
			continue
		}
		r := a.t.flows.At(ref)
		a.report(r, &a.states[ref])
		if r.Waiting() {
			a.listed[kept] = ref
			kept++
		}
	}
	a.listed = a.listed[:kept]
}

// last emits what all flows did up to now, after the last packet.
func (a *activities) last() {
	if a != nil {
		a.flush()
	}
}

// ended emits what a flow did since, and forgets it.
func (a *activities) ended(r *flow.Record) {
	if a == nil {
		return
	}
	s := &a.states[a.t.flows.Ref(r)]
	a.report(r, s)
	*s = activityState{}
}

// report emits what a flow did since its last Activity event, if that matters: not if it was opened from elsewhere.
func (a *activities) report(r *flow.Record, s *activityState) {
	c := r.Client()
	now := [2]uint64{r.Payload(0), r.Payload(1)}
	second := uint32(max(r.End/ActivityLength, 1))
	if r.Direction() == event.Ingress || s.at != 0 && now[c] == s.sent[c] && !s.read && !s.name && second < s.at+activityRepeat {
		return
	}
	e := a.t.event(r, event.Activity, max(a.t.clock, 0))
	e.Flow = flowRecord(r)
	e.Window = event.WindowRecord{
		From: s.at, To: second, Payload: [2]uint64{now[c] - s.sent[c], now[1-c] - s.sent[1-c]}, Begins: s.at == 0, Answered: r.BothSides(),
		Credentials: s.read, Named: s.name,
	}
	s.sent, s.at, s.read, s.name = now, second, false, false
	a.t.ordered.Emit(r)
}
