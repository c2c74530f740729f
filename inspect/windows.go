package inspect

import (
	"math"
	"sync"
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// A window's counts are told when it is over: of a flow that goes on, before its next packet is counted; of the others, some
// after each batch, so that the end of a window with a million flows is spread. A flow takes about a microsecond: while packets
// wait a batch takes a few times as long as without, and else no longer than receive buffers bear.
const (
	tellBusy  = 32      // another batch is waiting
	tellCalm  = 1 << 10 // none was when this one was read
	tellQuiet = 1 << 14 // nothing came for a while
)

// settle tells what a flow counted in the window before, so that its next packet, which is not accounted yet, says nothing of it.
func (w *Worker) settle(r *flow.Record, v volume) {
	if v.last >= w.windowEnd {
		w.enter(v.last) // it was put together by another worker, which is ahead
	}
	if w.flows.Stale(r) {
		w.interval(r)
	}
}

// enter begins the window of a time. What is left of the one before the last is told first.
func (w *Worker) enter(nanos int64) {
	w.tellWindow(-1)
	w.flows.Enter(nanos)
	_, to := w.flows.Window()
	w.windowEnd = int64(to) * int64(time.Second)
	w.passed = false
}

// turn moves on to the next window when its time has come, and tells a part of the one before.
func (w *Worker) turn() {
	if w.now >= w.windowEnd {
		w.enter(w.now)
	}
	switch w.batch.N {
	case decap.BatchSize:
		w.tellWindow(tellBusy)
	case 0:
		w.tellWindow(tellQuiet)
	default:
		w.tellWindow(tellCalm)
	}
}

// tellWindow tells of so many flows that counted something in the window before the current one; of all if most is negative.
// When there are no others the worker has passed that window.
func (w *Worker) tellWindow(most int) {
	if w.passed {
		return
	}
	for ; most != 0; most-- {
		r, more := w.flows.Due(tellCalm)
		if r != nil {
			w.interval(r)
			continue
		}
		if !more {
			w.passed = true
			from, _ := w.flows.Window()
			w.pass(from)
			return
		}
	}
}

// interval tells what a flow counted in its window, if it did.
func (w *Worker) interval(r *flow.Record) {
	if !r.Counted() {
		return
	}
	i := w.flows.Cut(r)
	e := w.event(r, event.Interval, int64(i.Window)*int64(time.Second))
	c := r.Client()
	s := 1 - c
	e.Flow = w.flowRecord(r)
	e.Flow.Unpaired = 0 // it is found out late
	e.Flow.Packets = [2]uint64{uint64(i.Packets[c]), uint64(i.Packets[s])}
	e.Flow.Bytes = [2]uint64{i.Bytes[c], i.Bytes[s]}
	e.Flow.TCPFlags = [2]uint8{i.Flags[c], i.Flags[s]}
	e.Window = event.WindowRecord{
		From: i.Window, To: i.Window + w.length(),
		First: [2]uint32{i.First[c], i.First[s]}, Last: [2]uint32{i.Last[c], i.Last[s]},
		Answered: r.BothSides(),
	}
	if w.diary == nil {
		w.annotate(e, r)
	}
	w.spill()
}

// annotate adds to an Interval event what was remembered of its flow besides the name.
func (w *Worker) annotate(e *event.Event, r *flow.Record) {
	e.Window.SNI, e.Window.DNSName, e.Window.JA4 = w.attached(r, textSNI), w.attached(r, textDNS), w.attached(r, textJA4)
	switch r.NameSource {
	case l7.SNI, l7.QUICSNI:
		e.Window.SNI = e.Name
	case l7.ByDNS:
		e.Window.DNSName = e.Name
	case l7.NoName, l7.ByCert, l7.HTTPHost:
	}
}

func (w *Worker) length() uint32 { return uint32(w.cfg.Interval / time.Second) }

// pass says that the worker has told everything of the windows before one, and announces those that all workers have passed.
func (w *Worker) pass(next uint32) {
	if w.diary != nil {
		w.diary.pass(next)
		return
	}
	w.deliver() // before the others can say that a window is closed
	w.announce(w.known.gate.pass(w.member, next))
}

// leave says that the worker will tell nothing any more.
func (w *Worker) leave() {
	if w.windowEnd != 0 {
		_, to := w.flows.Window()
		w.pass(to)
	}
	if w.diary == nil { // else the chronicle does so
		w.announce(w.known.gate.leave(w.member))
	}
}

// longestQuiet is the longest time without a packet that is told window by window. Where a capture has longer ones nobody
// listened.
const longestQuiet = time.Hour

// announce tells that windows are closed. Copies that were lost before count for the first of them.
func (w *Worker) announce(from, to uint32) {
	if from >= to {
		return
	}
	if time.Duration(to-from)*time.Second > longestQuiet+w.cfg.Interval {
		to = from + w.length()
	}
	lost, first, now := uint64(0), uint32(0), int64(math.MaxInt64)
	if w.cfg.Lost != nil {
		lost = w.known.gate.mourn(w.cfg.Lost())
	}
	if w.cfg.Now != nil {
		first, now = w.known.gate.began(), w.cfg.Now()
	}
	for ; from < to; from += w.length() {
		w.stats.Events[event.Closed]++
		w.out.Events = append(w.out.Events, event.Event{
			Kind: event.Closed, Nanos: int64(from) * int64(time.Second),
			Window: event.WindowRecord{
				From: from, To: from + w.length(), Lost: lost,
				Partial: from == first || int64(from+w.length())*int64(time.Second) > now,
			},
		})
		lost = 0
	}
	w.deliver()
}

// gate is where workers say which windows they have passed. A window is closed when all of them have. It is safe for
// concurrent use.
type gate struct {
	mu    sync.Mutex        // guards the following
	next  map[uint32]uint32 // by worker: the first window that it has not passed; 0 before its first packet
	last  uint32            // the last number that was given to a worker
	first uint32            // the first window of all
	open  uint32            // the first window that is not closed; 0 before there is one
	end   uint32            // the end of the last window that any worker has passed
	lost  uint64            // copies lost until the last window was closed
}

// join adds a worker, and returns its number.
func (g *gate) join() uint32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.next == nil {
		g.next = map[uint32]uint32{}
	}
	g.last++
	g.next[g.last] = 0
	return g.last
}

// pass notes that a worker has passed all windows before one, and returns those that are closed by that.
func (g *gate) pass(worker, next uint32) (from, to uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if first := g.next[worker] == 0; first && (g.open == 0 || next < g.open) {
		g.open, g.first = next, next // it has no counts from before its first window
	}
	g.next[worker], g.end = next, max(g.end, next)
	return g.advance()
}

// leave takes a worker out. With the last one all windows are closed, and they begin anew.
func (g *gate) leave(worker uint32) (from, to uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.next, worker)
	if len(g.next) > 0 {
		return g.advance()
	}
	from, to = g.open, g.end
	g.open, g.end = 0, 0
	return from, to
}

// began returns the first window of all.
func (g *gate) began() uint32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.first
}

// advance closes the windows that all workers have passed.
func (g *gate) advance() (from, to uint32) {
	from, to = g.open, ^uint32(0)
	for _, next := range g.next {
		to = min(to, next)
	}
	to = max(from, to)
	g.open = to
	return from, to
}

// mourn returns how many copies were lost since it was last asked. total is how many were in all.
func (g *gate) mourn(total uint64) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	lost := total - min(total, g.lost)
	g.lost = max(g.lost, total)
	return lost
}
