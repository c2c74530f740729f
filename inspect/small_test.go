package inspect

import (
	"math/rand/v2"
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

// TestSmallSegmentsInAnyOrder: a hello whose bytes come one by one, or a few at a time, names its flow in whatever order they come, and none
// are missing.
func TestSmallSegmentsInAnyOrder(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 6))
		d := newEvaded(uint32(seed))
		var pieces []*raw
		for at, size := 0, 1+int(seed%3); at < len(d.real); at += size {
			pieces = append(pieces, d.segment(decap.ACK, at, d.real[at:min(at+size, len(d.real))]))
		}
		switch seed % 5 {
		case 0:
			slices.Reverse(pieces)
		case 1:
			slices.SortStableFunc(pieces, func(a, b *raw) int { return int(a.seq&1) - int(b.seq&1) })
		default:
			r.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		}
		for _, g := range pieces {
			d.add(g)
		}
		d.acknowledge(len(d.real))
		out, n := inspect(t, Config{}, d.frames)
		require.Equal(t, []trialFlow{{"real-name-ok", event.High, 0}}, flowsByClient(out)[d.id], "seed %d", seed)
		require.Zero(t, n.LostBytes, "seed %d", seed)
	}
}
