package inspect

import (
	"unsafe"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// talks holds the parsing states of all connections of a worker and counts the memory that they take.
type talks struct {
	list  []*talk  // list[0] is never used: 0 means none
	free  []uint32 // those that were given back, to be used again: the list never has more than fit in the bound
	order [2]order // 1 has those of flows of which both directions were seen
	live  int
	pool  flow.Pool

	held  int // bytes of requests that wait for their responses
	spare []*request
	bound int // bytes
}

// order is a list of talks by their last activity.
type order struct {
	head, tail uint32 // least and most recently active
	n          int
}

// request is what was told of a request, kept until its response comes.
type request struct {
	nanos  int64
	ack    uint32 // what its sender had received of the other direction
	said   event.Batch
	fields event.Span
}

// talkSize is what a talk takes without its buffers and requests.
const talkSize = int(unsafe.Sizeof(talk{})) + 16*int(unsafe.Sizeof(uint64(0)))

func newTalks(bound int) talks {
	return talks{list: make([]*talk, 1), bound: max(bound, 256<<10)}
}

// over reports whether the talks take more memory than they may. One talk is always allowed.
func (ts *talks) over() bool {
	return ts.live > 1 && ts.live*talkSize+ts.pool.Used()+ts.held > ts.bound
}

// at returns the talk of a number, nil for 0.
func (ts *talks) at(ref uint32) *talk {
	return ts.list[ref]
}

// add makes a talk for a flow's record, of which both directions were seen or one, and returns its number.
func (ts *talks) add(rec uint32, both bool) (uint32, *talk) {
	var ref uint32
	if k := len(ts.free); k > 0 {
		ref = ts.free[k-1]
		ts.free = ts.free[:k-1]
	} else {
		ref = uint32(len(ts.list))
		ts.list = append(ts.list, new(talk))
	}
	t := ts.list[ref]
	t.rec, t.both = rec, both
	ts.live++
	ts.append(ref)
	return ref, t
}

// remove gives a talk back. Its windows must be closed and its requests taken.
func (ts *talks) remove(ref uint32) {
	ts.unlink(ref)
	t := ts.list[ref]
	*t = talk{half: [2]half{{win: t.half[0].win}, {win: t.half[1].win}}, pending: t.pending} // all empty
	ts.free = append(ts.free, ref)
	ts.live--
}

// NextMessage implements forward.Streams.
func (ts *talks) NextMessage(r *flow.Record, s flow.Side) (proto l7.Proto, seq uint32, ok bool) {
	t := ts.at(r.Stream)
	if t == nil {
		return l7.None, 0, false
	}
	h := &t.half[s]
	return t.proto, h.win.Base(), h.mode == reading && h.win.Opened()
}

// active moves a talk to the end of its list.
func (ts *talks) active(ref uint32, both bool) {
	t := ts.list[ref]
	if t.both != both || ref != ts.orderOf(t).tail {
		ts.unlink(ref)
		t.both = both
		ts.append(ref)
	}
}

// victims returns the talks of which one may be given up: the least recently active one of flows of which one direction was
// seen, and of the others; 0 for none. It is for the same reason as in package flow that the former go first, as long as they
// are more than a sixteenth: whoever sends data from invented addresses takes the place of others like that.
func (ts *talks) victims() (one, both uint32) {
	one, both = ts.order[0].head, ts.order[1].head
	if ts.order[0].n > ts.live/16 {
		both = 0
	}
	return one, both
}

func (ts *talks) orderOf(t *talk) *order {
	if t.both {
		return &ts.order[1]
	}
	return &ts.order[0]
}

func (ts *talks) append(ref uint32) {
	t := ts.list[ref]
	o := ts.orderOf(t)
	t.prev, t.next = o.tail, 0
	if o.tail != 0 {
		ts.list[o.tail].next = ref
	} else {
		o.head = ref
	}
	o.tail = ref
	o.n++
}

func (ts *talks) unlink(ref uint32) {
	t := ts.list[ref]
	o := ts.orderOf(t)
	if t.prev != 0 {
		ts.list[t.prev].next = t.next
	} else {
		o.head = t.next
	}
	if t.next != 0 {
		ts.list[t.next].prev = t.prev
	} else {
		o.tail = t.prev
	}
	o.n--
}

// keep copies what a parser said of a request.
func (ts *talks) keep(h *l7.Hint, in said) *request {
	var q *request
	if k := len(ts.spare); k > 0 {
		q = ts.spare[k-1]
		ts.spare = ts.spare[:k-1]
	} else {
		q = new(request)
	}
	q.nanos, q.ack = in.nanos, in.ack
	q.fields = q.said.CopyFields(h.Fields)
	ts.held += q.size()
	return q
}

func (q *request) size() int { return int(unsafe.Sizeof(*q)) + q.said.Size() }

// maxSpare is how many requests are kept for reuse.
const maxSpare = 1024

// release gives a request's memory back.
func (ts *talks) release(q *request) {
	ts.held -= q.size()
	q.said.Reset()
	if len(ts.spare) < maxSpare {
		ts.spare = append(ts.spare, q)
	}
}
