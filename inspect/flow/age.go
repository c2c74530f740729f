package flow

import (
	"hash/maphash"
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// seed keeps an attacker from choosing addresses and ports that all fall into one place of the index. Nothing that is
// written depends on it.
var seed = maphash.Comparable(maphash.MakeSeed(), 0)

// class is a group of flows with the same timeout.
type class uint8

const (
	otherNew class = iota // UDP, ICMP and all else, of which one direction was seen
	otherEstablished
	tcpNew
	tcpEstablished
	tcpClosed
	tcpPickedUp // established by an acknowledgment; the other direction was not seen
	numClasses
)

// timeouts are how long a flow of a class may be idle, in nanoseconds: the defaults of Suricata's flow-timeouts.
var timeouts = [numClasses]int64{
	otherNew:         int64(30 * time.Second),
	otherEstablished: int64(300 * time.Second),
	tcpNew:           int64(60 * time.Second),
	tcpEstablished:   int64(600 * time.Second),
	tcpClosed:        int64(60 * time.Second),
	tcpPickedUp:      int64(600 * time.Second),
}

// due returns the class that the record belongs to.
func (r *Record) due() class {
	switch s := r.State(); {
	case r.Key.Proto != decap.TCP:
		return otherNew + class(s)
	case s == event.StateEstablished && !r.BothSides():
		return tcpPickedUp
	default:
		return tcpNew + class(s)
	}
}

// links puts a record into the list of its class. The lists are in the order of the last activity to within a second: a
// record is moved to the end when its class changes, or at its first packet a second or more after it was put there. So
// a busy flow costs no list operation per packet, and still the heads are the least recently active flows.
type links struct {
	prev, next uint32
	stamp      uint32 // when it was put there, in coarse seconds
}

type list struct {
	head, tail uint32
	n          int
}

// coarse turns nanoseconds into the lists' seconds.
func coarse(nanos int64) uint32 { return uint32(nanos / int64(time.Second)) }

// Tick sets the clock: the latest time of all packets so far, of any flow. With it, what happens to a flow depends on its own packets and
// on the time alone, even where packets come with times from the past.
func (t *Table) Tick(nanos int64) { t.clock = nanos }

// Active must be called after a packet was accounted to a record: it keeps the order of the lists.
func (t *Table) Active(r *Record) {
	c, now := r.due(), coarse(max(r.End, t.clock))
	if r.class() == c && int32(now-r.list.stamp) < 1 {
		return
	}
	rec := t.Ref(r)
	t.delist(rec)
	t.enlist(rec, c, r.End)
}

// Reclassify must be called after segments of a record that had waited were taken, without a packet of their flow: they may have changed
// its state. How long the flow has been idle counts from its last packet on.
func (t *Table) Reclassify(r *Record) {
	c, stamp := r.due(), r.list.stamp
	if r.class() == c {
		return
	}
	rec := t.Ref(r)
	t.delist(rec)
	if int32(coarse(t.clock)-stamp) <= 1 {
		t.enlist(rec, c, r.End)
		return
	}
	after := t.classes[c].tail // time has leapt, and few packets came since then
	for after != 0 && int32(t.records[after].list.stamp-stamp) > 0 {
		after = t.records[after].list.prev
	}
	t.insert(rec, c, after, stamp)
}

func (t *Table) enlist(rec uint32, c class, nanos int64) {
	tail := t.classes[c].tail
	stamp := coarse(max(nanos, t.clock))
	if tail != 0 && int32(t.records[tail].list.stamp-stamp) > 0 {
		stamp = t.records[tail].list.stamp // a packet from the past, in a capture that is not in order
	}
	t.insert(rec, c, tail, stamp)
}

// insert puts a record into the list of a class behind another one, at its head if that is 0.
func (t *Table) insert(rec uint32, c class, after, stamp uint32) {
	l := &t.classes[c]
	next := &l.head
	if after != 0 {
		next = &t.records[after].list.next
	}
	t.records[rec].list = links{prev: after, next: *next, stamp: stamp}
	t.records[rec].setClass(c)
	if *next != 0 {
		t.records[*next].list.prev = rec
	} else {
		l.tail = rec
	}
	*next = rec
	l.n++
}

func (t *Table) delist(rec uint32) {
	n := t.records[rec].list
	l := &t.classes[t.records[rec].class()]
	if n.prev != 0 {
		t.records[n.prev].list.next = n.next
	} else {
		l.head = n.next
	}
	if n.next != 0 {
		t.records[n.next].list.prev = n.prev
	} else {
		l.tail = n.prev
	}
	l.n--
}

// Age ends flows that have been idle for longer than their state allows: at most a number of them, all if most is negative, so that the
// end of a million flows that began together is spread. It looks only at flows that are due, so it may be called at any rate. A flow
// may end up to two seconds late, and later if more are due than most. Whether a packet still belongs to a flow does not depend on that:
// Get compares exact times, and does not find a flow that is due.
func (t *Table) Age(nanos int64, most int) {
	for c := range t.classes {
		for most != 0 {
			h := t.classes[c].head
			if h == 0 {
				break
			}
			r := &t.records[h]
			if !r.idle(nanos) {
				break
			}
			t.finish(h, event.EndTimeout, r.End+timeouts[c])
			most--
		}
	}
}

// idle reports whether a record is due to be ended by Age. Its class must be that of its list.
func (r *Record) idle(nanos int64) bool {
	return int64(int32(coarse(nanos)-r.list.stamp))*int64(time.Second) > timeouts[r.class()]+int64(time.Second)
}
