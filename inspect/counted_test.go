package inspect

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// TestCountedInAnyOrder: segments of a connection that no parser reads do not wait for the other direction, and nothing of it is missing.
func TestCountedInAnyOrder(t *testing.T) {
	c := newConversation()
	c.server.port = 9999
	c.open()
	block := strings.Repeat("\xfe", 1000)
	exchange := func() {
		c.hear(block)
		c.packet(&c.client, &c.server, 0, decap.ACK, nil)
	}
	for range 100 {
		exchange()
	}
	for range 100 {
		exchange()
		n := len(c.frames)
		late, early := &c.frames[n-2], &c.frames[n-1]
		*late, *early = *early, *late
		late.Nanos, early.Nanos = early.Nanos, late.Nanos
	}
	out, n := inspect(t, Config{}, c.frames)
	require.Zero(t, n.SegmentsHeld)
	require.Zero(t, n.LostBytes)
	require.Len(t, out.lines(event.Flow), 1)
	require.EqualValues(t, 100, n.Gaps, "bytes were missing until they came")
}
