package flow

import "github.com/mirrorsink/mirrorsink/inspect/event"

// Flows are evicted by what is lost with them, since whoever can send packets from invented addresses can make any number of
// flows, but not answers to them: a flood takes the places of flows of its own kind, and conversations keep theirs.
//
//   - What has ended, or was never answered, goes first: one packet makes such a flow. A connection that is half open is among
//     them; an answer to a forged SYN proves nothing.
//   - Then the connections of which only one direction was seen, though an acknowledgment says that they are established. One
//     packet makes such a flow too. Where a tap mirrors one direction, or a load balancer splits the two, all are like that.
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

// victim returns the record to evict from a full table.
func (t *Table) victim() uint32 {
	for _, group := range groups {
		n := 0
		for _, c := range group {
			n += t.classes[c].n
		}
		if n > len(t.records)/minShare {
			return t.oldest(group)
		}
	}
	return t.oldest(every)
}

// oldest returns the least recently active record of some classes, to within a second.
func (t *Table) oldest(of []class) uint32 {
	var oldest uint32
	for _, c := range of {
		h := t.classes[c].head
		if h != 0 && (oldest == 0 || int32(t.records[h].list.stamp-t.records[oldest].list.stamp) < 0) {
			oldest = h
		}
	}
	return oldest
}

// evict makes room for a flow that begins at a time. If the one that goes should have ended before, it ends as it would have.
func (t *Table) evict(nanos int64) {
	rec := t.victim()
	r := &t.records[rec]
	if limit := r.End + timeouts[r.due()]; nanos > limit {
		t.finish(rec, event.EndTimeout, limit)
		return
	}
	t.finish(rec, event.EndForced, r.End)
}
