package parallel

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

const (
	get = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"
	ok  = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
)

// extremes makes connections, each of which has one segment with a sequence number that is an extreme of serial number arithmetic
// (RFC 1982) away from where it belongs: with each kind of flags, in both directions, at each stage of a connection.
func extremes() (in []decap.Datagram, connections int) {
	distances := []int{0, 1, -1, 1 << 30, -1 << 30, 1<<31 - 1, 1 << 31, -1<<31 + 1}
	flags := []uint8{
		decap.SYN, decap.SYN | decap.ACK, decap.FIN | decap.ACK, decap.RST, decap.RST | decap.ACK, decap.ACK, decap.SYN | decap.FIN, 0,
	}
	stages := []func(*conversation){
		func(*conversation) {}, // the connection is picked up with this segment, or with the next
		func(c *conversation) { c.packet(&c.client, &c.server, 0, decap.SYN, nil); c.client.seq++ },
		(*conversation).open,
		func(c *conversation) { c.say("GET /x HT") },
		func(c *conversation) {
			c.open()
			c.packet(&c.client, &c.server, 200, decap.ACK, []byte("behind a hole"))
		},
		func(c *conversation) { c.open(); c.say(get); c.hear(ok[:30]) },
	}
	for _, distance := range distances {
		for _, flag := range flags {
			for _, stage := range stages {
				for _, payload := range []string{"", "x", strings.Repeat("y", 1400)} {
					for side := range 2 {
						c := newConversation()
						c.client.port = uint16(10000 + connections)
						stage(c)
						from, to := &c.client, &c.server
						if side == 1 {
							from, to = to, from
						}
						c.packet(from, to, distance, flag, []byte(payload))
						c.say(get)
						c.hear(ok)
						c.packet(from, to, distance, flag, []byte(payload))
						c.close()
						in = append(in, c.frames...)
						connections++
					}
				}
			}
		}
	}
	return in, connections
}

// TestSequenceExtremes: whatever sequence number a segment has, nothing panics and every flow is accounted for.
func TestSequenceExtremes(t *testing.T) {
	in, connections := extremes()
	require.Greater(t, connections, 2000)
	src := frames(in)
	replay := newReplay(t, 64<<20, 2, &src, new(collected))
	require.NoError(t, replay.Run())
	n := replay.Counters()
	require.GreaterOrEqual(t, n.FlowsNew, uint64(connections))
	ended := uint64(0)
	for _, flows := range n.FlowsEnded {
		ended += flows
	}
	require.Equal(t, n.FlowsNew, ended)
}
