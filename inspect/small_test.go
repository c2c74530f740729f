package inspect

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// TestSmallSegments: messages that come byte by byte, or in pieces of a few bytes, are read as those that come at once.
func TestSmallSegments(t *testing.T) {
	for name, said := range exchanges(t) {
		whole := newConversation()
		whole.open()
		whole.pieces(said, 1460)
		out, _ := inspect(t, Config{}, whole.frames)
		want := out.lines(event.AppLayer)
		slices.Sort(want)
		for _, size := range []int{1, 15} {
			if size == 1 && len(strings.Join(said, "")) > 4000 && os.Getenv("MIRRORSINK_LONG_TESTS") == "" {
				continue
			}
			c := newConversation()
			c.open()
			c.pieces(said, size)
			out, _ := inspect(t, Config{}, c.frames)
			got := out.lines(event.AppLayer)
			slices.Sort(got)
			require.Equal(t, want, got, "%s in pieces of %d bytes", name, size)
		}
	}
}

// pieces adds messages in segments of a length.
func (c *conversation) pieces(said []string, size int) {
	for _, m := range said {
		for piece := range slices.Chunk([]byte(m[1:]), size) {
			if m[0] == '>' {
				c.say(string(piece))
			} else {
				c.hear(string(piece))
			}
		}
	}
}

// TestLateBytes: a request whose last bytes come one by one, after the parsers have seen the others too often to be shown each of them, is read
// when the server answers.
func TestLateBytes(t *testing.T) {
	c := newConversation()
	c.open()
	request := strings.TrimSuffix(get("/long"), "\r\n") + "Cookie: " + strings.Repeat("x", 3000) + "\r\n\r\n"
	c.pieces([]string{">" + request}, 1)
	c.hear(ok("x"))
	c.packet(&c.client, &c.server, 0, decap.ACK, nil)
	out, _ := inspect(t, Config{}, c.frames)
	require.Equal(t, []string{"/long 200"}, urls(out))
}
