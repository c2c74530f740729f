package inspect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

func get(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: test\r\n\r\n"
}

func ok(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func urls(out *collected) (urls []string) {
	for _, l := range out.lines(event.AppLayer) {
		url := strings.Split(strings.SplitN(l, ` url="`, 2)[1], `"`)[0]
		if _, status, found := strings.Cut(l, " status="); found {
			url += " " + strings.Fields(status)[0]
		}
		urls = append(urls, url)
	}
	return urls
}

func TestKeepAlive(t *testing.T) {
	c := newConversation()
	c.open()
	for i := range 3 {
		c.say(get(fmt.Sprintf("/%d", i)))
		c.hear(ok(strings.Repeat("x", 100*i)))
	}
	c.close()
	out, n := inspect(t, Config{}, c.frames)
	require.Equal(t, []string{"/0 200", "/1 200", "/2 200"}, urls(out))
	require.Equal(t, []string{"http 10.0.0.1:40000 > 192.0.2.80:8080 http_host=www.example.com closed shutdown by=syn packets=[7 5] " +
		fmt.Sprintf("bytes=%d payload=%d lost=[0 0]", flowBytes(c, 7, 5), flowPayload(c))}, out.lines(event.Flow))
	require.EqualValues(t, 3, n.Hints[out.batches[0].Events[0].Proto])
}

// flowBytes returns the IP bytes of each direction of a conversation whose packets have neither IP nor TCP options.
func flowBytes(c *conversation, sent, received uint64) [2]uint64 {
	p := flowPayload(c)
	return [2]uint64{p[0] + 40*sent, p[1] + 40*received}
}

func flowPayload(c *conversation) [2]uint64 {
	n := newConversation()
	return [2]uint64{uint64(c.client.seq - n.client.seq - 2), uint64(c.server.seq - n.server.seq - 2)}
}

func TestPipelined(t *testing.T) {
	c := newConversation()
	c.open()
	c.say(get("/a") + get("/b") + get("/c"))
	c.hear(ok("one") + ok("two"))
	c.hear(ok("three"))
	out, _ := inspect(t, Config{}, c.frames)
	require.Equal(t, []string{"/a 200", "/b 200", "/c 200"}, urls(out))
}

func TestUnanswered(t *testing.T) {
	c := newConversation()
	c.open()
	c.say(get("/a"))
	c.say(get("/b"))
	c.hear(ok("one"))
	out, _ := inspect(t, Config{}, c.frames)
	require.Equal(t, []string{"/a 200", "/b"}, urls(out), "a request without response is emitted at the flow's end")
}

func TestPickedUpInTheMiddle(t *testing.T) {
	c := newConversation()
	c.hear("the rest of a body that began before the mirror did")
	c.say(get("/later"))
	c.hear(ok("x"))
	out, _ := inspect(t, Config{}, c.frames)
	require.Equal(t, []string{"/later 200"}, urls(out))
	require.Contains(t, out.lines(event.Flow)[0], "10.0.0.1:40000 > 192.0.2.80:8080", "the request shows which side is the client")
	require.Contains(t, out.lines(event.Flow)[0], "by=http_request")
}

// TestLostCopies: what is missing costs the messages that it held, and no others.
func TestLostCopies(t *testing.T) {
	lost := func(drop ...int) []decap.Datagram {
		c := newConversation()
		c.open() // frames 0 to 2
		for i := range 4 {
			c.say(get(fmt.Sprintf("/%d", i)))           // 3, 6, 9, 12
			c.hear(ok(strings.Repeat("x", 1000))[:500]) // 4, 7, 10, 13
			c.hear(ok(strings.Repeat("x", 1000))[500:]) // 5, 8, 11, 14
			c.nanos += 200 * millisecond                // longer than a late copy may take
		}
		c.close()
		kept := c.frames[:0:0]
		for i, f := range c.frames {
			gone := false
			for _, d := range drop {
				gone = gone || i == d
			}
			if !gone {
				kept = append(kept, f)
			}
		}
		return kept
	}
	for name, c := range map[string]struct {
		drop []int
		want []string
	}{
		"nothing":              {nil, []string{"/0 200", "/1 200", "/2 200", "/3 200"}},
		"a piece of a body":    {[]int{5}, []string{"/0 200", "/1 200", "/2 200", "/3 200"}},
		"a request":            {[]int{6}, []string{"/0 200", "/2 200", "/3 200"}},
		"two requests":         {[]int{6, 9}, []string{"/0 200", "/3 200"}},
		"a request and answer": {[]int{6, 7, 8}, []string{"/0 200", "/2 200", "/3 200"}},
		"the handshake":        {[]int{0, 1, 2}, []string{"/0 200", "/1 200", "/2 200", "/3 200"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, n := inspect(t, Config{}, lost(c.drop...))
			got := urls(requests(out))
			require.Equal(t, c.want, got)
			if name != "nothing" && name != "the handshake" {
				require.Positive(t, n.LostBytes)
			}
		})
	}
}

// requests drops the events of responses whose request was lost.
func requests(out *collected) *collected {
	for _, b := range out.batches {
		kept := b.Events[:0]
		for _, e := range b.Events {
			if e.Kind != event.AppLayer || strings.Contains(line(b, &e), " url=") {
				kept = append(kept, e)
			}
		}
		b.Events = kept
	}
	return out
}

// TestSegmentsInAnyOrder: how a direction's bytes are cut, repeated and put out of order never changes the events.
func TestSegmentsInAnyOrder(t *testing.T) {
	flights := []string{
		"> " + get("/one"), "< " + ok(strings.Repeat("body", 50)),
		"> POST /two HTTP/1.1\r\nHost: example.org\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + get("/three"),
		"< HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno!",
	}
	plain := newConversation()
	plain.open()
	for _, f := range flights {
		if f[0] == '>' {
			plain.say(f[2:])
		} else {
			plain.hear(f[2:])
		}
	}
	out, _ := inspect(t, Config{}, plain.frames)
	want := out.lines(event.AppLayer)
	require.Len(t, want, 3)
	rapid.Check(t, func(t *rapid.T) {
		c := newConversation()
		c.open()
		for _, f := range flights {
			from, to := &c.client, &c.server
			if f[0] == '<' {
				from, to = to, from
			}
			c.shuffled(t, from, to, []byte(f[2:]))
		}
		var got []string
		out, _ := inspect(t, Config{}, c.frames)
		if got = out.lines(event.AppLayer); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("got  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	})
}

// shuffled sends bytes in random pieces, in random order, some of them twice and overlapping.
func (c *conversation) shuffled(t *rapid.T, from, to *host, data []byte) {
	type piece struct{ off, end int }
	var pieces []piece
	for off := 0; off < len(data); {
		end := min(len(data), off+rapid.IntRange(1, 60).Draw(t, "length"))
		pieces = append(pieces, piece{max(0, off-rapid.IntRange(0, 5).Draw(t, "overlap")), end})
		off = end
	}
	pieces = append(pieces, pieces[rapid.IntRange(0, len(pieces)-1).Draw(t, "again")])
	if len(pieces) <= 60 { // what a window holds
		pieces = rapid.Permutation(pieces).Draw(t, "order")
	}
	for _, p := range pieces {
		c.packet(from, to, p.off, decap.ACK, data[p.off:p.end])
	}
	from.seq += uint32(len(data))
}
