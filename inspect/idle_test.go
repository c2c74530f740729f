package inspect

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

// TestWaitIsNoActivity: a flow has been idle since its last packet, also if segments that waited were taken later. In a capture with times
// that go back, as of files that were appended, the same connection comes twice: these are two flows.
func TestWaitIsNoActivity(t *testing.T) {
	for last, add := range map[string]func(*conversation){
		"nothing waits":           func(*conversation) {},
		"an acknowledgment waits": func(c *conversation) { c.server.seq += 5000; c.packet(&c.client, &c.server, 0, decap.ACK, nil) },
		"an answer waits": func(c *conversation) {
			c.client.seq += 5000
			c.packet(&c.server, &c.client, 0, decap.ACK, []byte("HTTP/1.1 "))
		},
		"a FIN waits": func(c *conversation) { c.packet(&c.client, &c.server, 5000, decap.FIN|decap.ACK, nil) },
		"a reset waits for an answer": func(c *conversation) {
			c.server.seq += 5000
			c.packet(&c.client, &c.server, 0, decap.RST|decap.ACK, nil)
		},
		"a FIN waits for what it answers to": func(c *conversation) {
			c.client.seq += 5000
			c.packet(&c.server, &c.client, 0, decap.FIN|decap.ACK, nil)
		},
	} {
		for _, others := range []int{1, 200} { // in one batch with what comes again, and in batches before it
			c := newConversation()
			c.open()
			c.say("GET / HTTP/1.1\r\n\r\n")
			add(c)
			first := c.frames
			c.nanos += 1e9 * 60 * 60 * 24
			c.frames = nil
			client := c.client
			c.client.port++
			for range others {
				c.packet(&c.client, &c.server, 0, decap.ACK, nil)
			}
			c.client = client
			_, n := inspect(t, Config{}, slices.Concat(first, c.frames, first))
			require.EqualValues(t, 3, n.FlowsNew, fmt.Sprintf("%s, %d packets of another flow", last, others))
		}
	}
}
