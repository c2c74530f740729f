package inspect

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// countedEvents is a Sink that counts, and is done with a batch at once, as a queue is with one that was written.
type countedEvents struct{ events int }

func (s *countedEvents) Events(b *event.Batch) {
	s.events += len(b.Events)
	b.Release()
}

// TestNoAllocationsOfConversations: a lookup and an HTTP connection, from their first packets to the events of their ends,
// cost no allocation once those before them have given their memory back.
func TestNoAllocationsOfConversations(t *testing.T) {
	c := newConversation()
	c.lookup("www.example.com", "192.0.2.80", time.Minute)
	c.open()
	c.say(get("/in-two-segments")[:30])
	c.say(get("/in-two-segments")[30:])
	c.hear(ok("body"))
	c.say(get("/again"))
	c.hear(ok("body"))
	c.close()
	src := &loop{in: c.frames, left: 1 << 30, nanos: 1e18}
	var out countedEvents
	w := New(Config{Memory: Share(1 << 20)}, src, &out)
	again := func() {
		src.nanos += int64(time.Hour) // what was before is over
		step(t, w)
	}
	for range 100 {
		again()
	}
	before := out.events
	again()
	require.Equal(t, 6, out.events-before, "a question, an answer, two requests with responses, and the ends of two flows")
	require.Zero(t, testing.AllocsPerRun(1000, again))
}
