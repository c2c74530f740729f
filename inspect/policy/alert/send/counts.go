package send

import (
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
)

// Counts has what became of the alerts of an output since its start. At all times Taken is the sum of Sent, Refused, Dropped and Waiting.
type Counts struct {
	Taken   uint64                // given, or found in the spool at the start
	Sent    uint64                // confirmed by the receiver
	Refused uint64                // by the receiver, for good
	Dropped uint64                // past the bound of the spool or of the memory
	Retried uint64                // sent again after a failure
	Failed  [spool.Classes]uint64 // calls that failed; all but those that were refused are repeated
	// Digests are messages with many alerts each. Those alerts, Digested, are a part of what is Sent.
	Digests  uint64
	Digested uint64

	Waiting   uint64        // gauge
	OldestAge time.Duration // gauge: of the alerts that wait
	Failing   bool          // gauge: the last delivery failed
}

// Counts returns what became of the alerts so far.
func (q *Queue) Counts() Counts {
	q.mu.Lock()
	defer q.mu.Unlock()
	c, s := q.counts, q.spool.Counts()
	c.Sent += s.Delivered.Records
	c.Refused += s.Rejected
	c.Dropped += s.Dropped.Records
	for i, n := range s.Failures {
		c.Failed[i] += n
	}
	c.Waiting = c.Taken - c.Sent - c.Refused - c.Dropped
	c.OldestAge = s.OldestAge
	if len(q.waiting) > 0 { // for the disk, or without one
		c.OldestAge = max(c.OldestAge, time.Since(q.since))
	}
	_, why := q.spool.LastError()
	c.Failing = why != nil
	return c
}
