package inspect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// shunted runs a conversation through rules.
func shunted(t *testing.T, c *conversation, rules ...string) (*taken, event.Counters) {
	var fwd Forwarding
	for _, text := range rules {
		rule, err := ParseShunt(text)
		require.NoError(t, err)
		fwd.Shunts = append(fwd.Shunts, rule)
	}
	out, _, n := forwarded(t, Config{}, fwd, mirrored(c.frames, "10.0.0.1", 7))
	return out, n
}

// withheld is how many frames were withheld for a reason.
func withheld(n *event.Counters, why event.Withheld) int { return int(n.Forward.Withheld[why].Frames) }

const bigOK = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"

// download is a request for so many pieces of body of 100 bytes each.
func download(c *conversation, pieces int) {
	c.say(get("/big"))
	c.hear(fmt.Sprintf(bigOK, pieces*100))
	for range pieces {
		c.hear(strings.Repeat("x", 100))
	}
}

// TestBodiesAreShunted: what is but body is withheld, heads and what follows bodies are not.
func TestBodiesAreShunted(t *testing.T) {
	c := newConversation()
	c.open()
	download(c, 5)
	download(c, 3)
	c.close()
	out, n := shunted(t, c, "http")
	require.Equal(t, 8, withheld(&n, event.ShuntHTTP))
	require.Len(t, out.frames, len(c.frames)-8)
}

// TestSentAgain: a head that is sent once more is no body, and a body that is sent again is.
func TestSentAgain(t *testing.T) {
	c := newConversation()
	c.open()
	download(c, 5)
	last := len(c.frames) - 1
	c.frames = append(c.frames, c.frames[last-5], c.frames[last-1]) // the head, and a piece of body
	_, n := shunted(t, c, "http")
	require.Equal(t, 6, withheld(&n, event.ShuntHTTP))
}

// TestWhatIsNotBody: after an upgrade the connection speaks another protocol, and of a response without its request nobody knows
// whether it has a body.
func TestWhatIsNotBody(t *testing.T) {
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
		_, n := shunted(t, c, "http")
		require.Zero(t, withheld(&n, event.ShuntHTTP))
	}
}

// TestBodiesOfAllKinds: of a chunked body what holds no chunk's header, of one that ends with the connection all; and what answers HEAD
// has none, whatever its length says.
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
		_, n := shunted(t, conn, "http")
		assert.Equal(t, c.bodies, withheld(&n, event.ShuntHTTP), name)
	}
}

// TestAfterSize: what comes after so many bytes is withheld, but for what has no payload or ends the connection.
func TestAfterSize(t *testing.T) {
	c := newConversation()
	c.open()
	c.say(strings.Repeat("a", 60))
	c.hear(strings.Repeat("b", 60))
	c.hear(strings.Repeat("c", 60))
	c.say(strings.Repeat("d", 60))
	c.close()
	out, n := shunted(t, c, "after 100")
	require.Equal(t, 2, withheld(&n, event.ShuntAfter))
	require.Len(t, out.frames, len(c.frames)-2)
	_, n = shunted(t, c, "after 100 if dstport == 1")
	require.Zero(t, withheld(&n, event.ShuntAfter))
	_, n = shunted(t, c, "after 1MiB if dstport == 8080", "after 50 if dstport == 8080")
	require.Equal(t, 3, withheld(&n, event.ShuntAfter))
}

// TestOnlyWhatIsWanted: an expression on a name holds from when the name is known, and is asked only when something is new.
func TestOnlyWhatIsWanted(t *testing.T) {
	c := newConversation()
	c.open()
	download(c, 50)
	run := func(text string) (*taken, event.Counters, *Worker) {
		filter, err := FlowFields.Compile(text)
		require.NoError(t, err)
		to, out := new(taken), new(collected)
		src := frames(mirrored(c.frames, "10.0.0.1", 7))
		w := New(Config{Memory: Share(8 << 20), Forward: &Forwarding{To: to, Where: filter}}, &src, out)
		require.NoError(t, w.Run())
		n := w.Counters()
		requireIdentity(t, &n, len(to.frames))
		return to, n, w
	}
	to, n, w := run(`name endsWith "example.com"`)
	assert.Equal(t, 3, withheld(&n, event.Filtered), "the handshake")
	assert.Len(t, to.frames, len(c.frames)-3)
	assert.LessOrEqual(t, w.forward.weighed, uint64(5))
	_, n, _ = run(`vni != 7`)
	assert.Equal(t, len(c.frames), withheld(&n, event.Filtered))
	to, _, _ = run(`protocol == 6 and srcaddr == "` + c.client.addr.String() + `"`)
	assert.Len(t, to.frames, len(c.frames))
}

func TestShuntsThatCannotBe(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "want tls, quic, http or after SIZE",
		"ftp":                     "want tls, quic, http or after SIZE",
		"after":                   "want a size behind after",
		"tls 5KiB":                "want a size behind after",
		"after many":              "want a size such as 64KiB",
		"after -1":                "want a size such as 64KiB",
		"after 99999999999GiB":    "want a size such as 64KiB",
		"tls if nme == 1":         `no field "nme"`,
		"tls if bytes > 5":        `shunt "after SIZE"`,
		"tls if name":             "want true or false",
		"tls if initiator == 's'": "is always src",
		"tls if ":                 "column",
	} {
		_, err := ParseShunt(text)
		if assert.ErrorContains(t, err, want, text) {
			assert.NotContains(t, err.Error(), "\n")
		}
	}
}

// TestForwardingAllocatesNothing once connections of their kind were seen.
func TestForwardingAllocatesNothing(t *testing.T) {
	c := newConversation()
	c.open()
	c.say(get("/"))
	c.hear(ok("x"))
	c.close()
	src := &manyFlows{packets: c.frames, flows: 20_000, clients: 100}
	rule, err := ParseShunt("http")
	require.NoError(t, err)
	w := New(Config{Memory: Share(8 << 20), Forward: &Forwarding{To: nowhere{}, Shunts: []Shunt{rule}}}, src, released{})
	require.NoError(t, w.Run())
	n := w.Counters()
	require.NotZero(t, n.Forward.Passed.Frames)
	require.Less(t, src.after.Mallocs-src.before.Mallocs, uint64(src.flows/10))
}

// nowhere is a Forwarder that keeps nothing.
type nowhere struct{}

func (nowhere) Forward(decap.Frame) {}
func (nowhere) Flush()              {}
