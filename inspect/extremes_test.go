package inspect

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/forward"
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
		func(c *conversation) { c.open(); c.say(get("/x")); c.hear(ok("x")[:40]) },
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
						c.say(get("/y"))
						c.hear(ok("y"))
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

// TestSequenceExtremes: whatever sequence number a segment has, nothing panics and every packet, flow and frame is accounted for,
// also where frames are forwarded in order and with bypass rules.
func TestSequenceExtremes(t *testing.T) {
	in, connections := extremes()
	require.Greater(t, connections, 2000)
	_, n := inspect(t, Config{}, in)
	require.GreaterOrEqual(t, n.FlowsNew, uint64(connections))

	fwd := forward.Config{Reorder: forward.Reorder{Time: 10 * time.Millisecond, Packets: 16}}
	for _, text := range []string{"tls", "quic", "http", "after 2000"} {
		rule, err := forward.ParseRule(text, plainNumber)
		require.NoError(t, err)
		fwd.Bypass = append(fwd.Bypass, rule)
	}
	_, _, n = forwarded(t, Config{}, fwd, mirrored(in, "10.0.0.1", 7))
	require.GreaterOrEqual(t, n.FlowsNew, uint64(connections))
}
