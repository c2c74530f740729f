package flow

import "github.com/mirrorsink/mirrorsink/inspect/event"

// Flows are evicted by what is lost with them. A sender of packets with invented addresses can make any number of flows, but not answers
// to them. So a flood replaces flows of its own kind, and conversations stay.
//
//   - Flows that have ended, or were never answered, go first: one packet makes such a flow. Half-open connections are among them;
//     an answer to a forged SYN proves nothing.
//   - Then connections of which only one direction was seen, though an acknowledgment shows them established. One packet makes such a
//     flow too. Where a session mirrors one direction, or a load balancer splits the two, all are like that.
//   - Then any other.
//
// Within a group the least recently active one goes. The first two groups go first only while they hold more than a sixteenth
// of the table each. Otherwise, in a table full of long conversations, each packet of a new one would evict the one before it,
// and no conversation could begin any more. With less than that the least recently active flow of all goes.
const minShare = 16

// groups are the classes that go before the others, in that order.
var groups = [...][]class{
	{otherNew, tcpNew, tcpClosed},
	{tcpPickedUp},
}

// every has all classes.
var every = []class{otherNew, otherEstablished, tcpNew, tcpEstablished, tcpClosed, tcpPickedUp}

// candidate returns the record to evict from a full table.
func (t *Table) candidate() uint32 {
	for _, group := range groups {
		n := 0
		for _, c := range group {
			n += t.classes[c].n
		}
		if n > len(t.records)/minShare {
			return t.leastRecent(group)
		}
	}
	return t.leastRecent(every)
}

// leastRecent returns the least recently active record of some classes, to within a second.
func (t *Table) leastRecent(of []class) uint32 {
	var oldest uint32
	for _, c := range of {
		h := t.classes[c].head
		if h != 0 && (oldest == 0 || int32(t.records[h].list.stamp-t.records[oldest].list.stamp) < 0) {
			oldest = h
		}
	}
	return oldest
}

// evict makes room for a flow that begins at a time. If the evicted flow should have ended before, it ends as it would have.
func (t *Table) evict(nanos int64) {
	rec := t.candidate()
	r := &t.records[rec]
	if limit := r.End + timeouts[r.due()]; nanos > limit {
		t.finish(rec, event.EndTimeout, limit)
		return
	}
	t.finish(rec, event.EndForced, r.End)
}
