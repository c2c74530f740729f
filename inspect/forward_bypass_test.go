package inspect

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/forward"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// bypassed runs a conversation through bypass rules.
func bypassed(t *testing.T, c *conversation, rules ...string) (*received, event.Counters) {
	var fwd forward.Config
	for _, text := range rules {
		rule, err := forward.ParseRule(text, plainNumber)
		require.NoError(t, err)
		fwd.Bypass = append(fwd.Bypass, rule)
	}
	out, _, n := forwarded(t, Config{}, fwd, mirrored(c.frames, "10.0.0.1", 7))
	return out, n
}

// plainNumber parses a size without a unit.
func plainNumber(text string) (uint64, error) { return strconv.ParseUint(text, 10, 64) }

// excluded returns how many frames were excluded for a reason.
func excluded(n *event.Counters, reason event.Exclusion) int {
	return int(n.Forward.Excluded[reason].Frames)
}

const bigOK = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"

// download is a request and its response, whose body comes in segments of 100 bytes.
func download(c *conversation, segments int) {
	c.say(get("/big"))
	c.hear(fmt.Sprintf(bigOK, segments*100))
	for range segments {
		c.hear(strings.Repeat("x", 100))
	}
}

// TestBodiesAreBypassed: segments of body alone are bypassed; headers, and what follows bodies, are forwarded.
func TestBodiesAreBypassed(t *testing.T) {
	c := newConversation()
	c.open()
	download(c, 5)
	download(c, 3)
	c.close()
	out, n := bypassed(t, c, "http")
	require.Equal(t, 8, excluded(&n, event.BypassHTTP))
	require.Len(t, out.frames, len(c.frames)-8)
}

// TestRetransmissions: a retransmitted header is forwarded, and a retransmitted segment of body is bypassed.
func TestRetransmissions(t *testing.T) {
	c := newConversation()
	c.open()
	download(c, 5)
	last := len(c.frames) - 1
	c.frames = append(c.frames, c.frames[last-5], c.frames[last-1]) // the header, and a segment of body
	_, n := bypassed(t, c, "http")
	require.Equal(t, 6, excluded(&n, event.BypassHTTP))
}

// TestUncertainBodiesAreForwarded: after an upgrade the connection continues in another protocol, and a response without
// its request may have no body.
func TestUncertainBodiesAreForwarded(t *testing.T) {
	upgraded := newConversation()
	upgraded.open()
	upgraded.say("GET /chat HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
	upgraded.hear("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
	for range 5 {
		upgraded.hear(strings.Repeat("y", 100))
	}
	alone := newConversation()
	alone.open()
	alone.hear(fmt.Sprintf(bigOK, 300))
	for range 3 {
		alone.hear(strings.Repeat("z", 100))
	}
	for _, c := range []*conversation{upgraded, alone} {
		_, n := bypassed(t, c, "http")
		require.Zero(t, excluded(&n, event.BypassHTTP))
	}
}

// TestBodiesOfAllKinds: of a chunked body, segments without a chunk header are bypassed; of a body that ends with the
// connection, all of it. A response to HEAD has no body, whatever its length.
func TestBodiesOfAllKinds(t *testing.T) {
	some := strings.Repeat("x", 100)
	for name, c := range map[string]struct {
		request string
		answers []string
		bodies  int
	}{
		"chunked":     {get("/"), []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "12c\r\n" + some, some, some + "\r\n0\r\n\r\n"}, 1},
		"until close": {get("/"), []string{"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n", some, some, some}, 3},
		"HEAD": {
			"HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n" + "HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n",
			[]string{fmt.Sprintf(bigOK, 300), fmt.Sprintf(bigOK, 300)}, 0,
		},
		"interim": {get("/"), []string{"HTTP/1.1 100 Continue\r\n\r\n", fmt.Sprintf(bigOK, 200), some, some}, 2},
	} {
		conn := newConversation()
		conn.open()
		conn.say(c.request)
		for _, answer := range c.answers {
			conn.hear(answer)
		}
		_, n := bypassed(t, conn, "http")
		assert.Equal(t, c.bodies, excluded(&n, event.BypassHTTP), name)
	}
}

// TestAfterSize: everything after the size is bypassed, except segments without payload and those that end the connection.
func TestAfterSize(t *testing.T) {
	c := newConversation()
	c.open()
	c.say(strings.Repeat("a", 60))
	c.hear(strings.Repeat("b", 60))
	c.hear(strings.Repeat("c", 60))
	c.say(strings.Repeat("d", 60))
	c.close()
	out, n := bypassed(t, c, "after 100")
	require.Equal(t, 2, excluded(&n, event.BypassAfter))
	require.Len(t, out.frames, len(c.frames)-2)
	_, n = bypassed(t, c, "after 100 if dstport == 1")
	require.Zero(t, excluded(&n, event.BypassAfter))
	_, n = bypassed(t, c, "after 1000000 if dstport == 8080", "after 50 if dstport == 8080")
	require.Equal(t, 3, excluded(&n, event.BypassAfter))
}

// TestFilterOnNames: an expression on a name matches from when the name is known.
func TestFilterOnNames(t *testing.T) {
	c := newConversation()
	c.open()
	download(c, 50)
	run := func(text string) (*received, event.Counters) {
		filter, err := forward.Fields.Compile(text)
		require.NoError(t, err)
		to, _, n := forwarded(t, Config{}, forward.Config{Where: filter}, mirrored(c.frames, "10.0.0.1", 7))
		return to, n
	}
	to, n := run(`name endsWith "example.com"`)
	assert.Equal(t, 3, excluded(&n, event.Filtered), "the handshake")
	assert.Len(t, to.frames, len(c.frames)-3)
	_, n = run(`vni != 7`)
	assert.Equal(t, len(c.frames), excluded(&n, event.Filtered))
	to, _ = run(`protocol == 6 and srcaddr == "` + c.client.addr.String() + `"`)
	assert.Len(t, to.frames, len(c.frames))
}

// TestForwardingAllocatesNothing: once connections of the same kind were seen.
func TestForwardingAllocatesNothing(t *testing.T) {
	c := newConversation()
	c.open()
	c.say(get("/"))
	c.hear(ok("x"))
	c.close()
	src := &manyFlows{packets: c.frames, flows: testform.Pick(8_000, 20_000), clients: 100}
	rule, err := forward.ParseRule("http", nil)
	require.NoError(t, err)
	w := New(Config{Memory: Share(8 << 20), Forward: &forward.Config{To: discard{}, Bypass: []forward.Rule{rule}}}, src, released{})
	require.NoError(t, w.Run())
	n := w.Counters()
	require.NotZero(t, n.Forward.Passed.Frames)
	require.Less(t, src.after.Mallocs-src.before.Mallocs, uint64(src.flows/10))
}

// discard is a Forwarder that keeps nothing.
type discard struct{}

func (discard) Forward(decap.Frame) {}
func (discard) Flush()              {}
