package inspect

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/forward"
)

// received is a Forwarder that keeps the frames that it is given.
type received struct {
	frames  []receivedFrame
	waiting []decap.Frame
}

// receivedFrame is a frame after its Flush.
type receivedFrame struct {
	data    []byte
	vlan    uint16
	hash    uint32
	nanos   int64
	wireLen int
}

func (f *received) Forward(frame decap.Frame) { f.waiting = append(f.waiting, frame) }

func (f *received) Flush() {
	for _, w := range f.waiting {
		f.frames = append(f.frames, receivedFrame{bytes.Clone(w.Packet.Frame), w.VLAN, w.Hash, w.Nanos, w.WireLen})
	}
	f.waiting = f.waiting[:0]
}

// vlans returns the tags of the frames, each once, in the order of their first frames.
func (f *received) vlans() (out []uint16) {
	for _, t := range f.frames {
		if !slices.Contains(out, t.vlan) {
			out = append(out, t.vlan)
		}
	}
	return out
}

// numbered assigns tags to sessions in the order in which they are asked for.
type numbered struct {
	tags  map[event.MirrorSession]uint16
	asked int
}

func (n *numbered) Tag(outer netip.Addr, vni uint32) uint16 {
	n.asked++
	if n.tags == nil {
		n.tags = map[event.MirrorSession]uint16{}
	}
	of := event.MirrorSession{Outer: outer, VNI: vni}
	if n.tags[of] == 0 {
		n.tags[of] = uint16(101 + len(n.tags))
	}
	return n.tags[of]
}

// forwarded runs frames through a worker that forwards, and checks the identity of its counters.
func forwarded(t require.TestingT, cfg Config, fwd forward.Config, in []decap.Datagram) (*received, *collected, event.Counters) {
	out := new(received)
	fwd.To = out
	cfg.Forward = &fwd
	events, n := inspect(t, cfg, in)
	require.Empty(t, out.waiting, "a flush follows the last frame")
	requireIdentity(t, &n, len(out.frames))
	return out, events, n
}

func requireIdentity(t require.TestingT, n *event.Counters, forwarded int) {
	sum := n.Forward.Passed.Frames
	for _, excluded := range n.Forward.Excluded {
		sum += excluded.Frames
	}
	require.Equal(t, n.Datagrams, sum, "the identity of forwarding")
	require.EqualValues(t, forwarded, n.Forward.Passed.Frames)
	unreadable := n.Datagrams - n.Reasons[decap.OK] - n.Reasons[decap.Fragment]
	require.Equal(t, unreadable, n.Forward.Excluded[event.Unreadable].Frames)
}

// exchange is an HTTP connection.
func exchange() *conversation {
	c := newConversation()
	c.open()
	c.say(get("/x"))
	c.hear(ok("y"))
	c.close()
	return c
}

func TestFramesAreForwardedUnchanged(t *testing.T) {
	c := exchange()
	tags := new(numbered)
	in := mirrored(c.frames, "10.0.0.1", 7)
	in = append(in, decap.Datagram{Data: []byte("nothing"), WireLen: 7, Nanos: c.nanos, Link: decap.LinkVXLAN})
	out, events, n := forwarded(t, Config{}, forward.Config{Tags: tags}, in)
	require.Len(t, out.frames, len(c.frames))
	hash := decap.SteerFlow(addr(c.client), addr(c.server), 40000, 8080)
	for i, f := range c.frames {
		require.Equal(t, receivedFrame{f.Data, 101, hash, f.Nanos, f.WireLen}, out.frames[i])
	}
	require.EqualValues(t, 7, n.Forward.Excluded[event.Unreadable].Bytes)
	require.Equal(t, 1, tags.asked, "one call per session")
	for _, e := range events.ofFlows() {
		require.EqualValues(t, 101, e.Tag)
	}
}

func TestFramesAreForwardedWithoutTags(t *testing.T) {
	out, events, _ := forwarded(t, Config{}, forward.Config{}, mirrored(exchange().frames, "10.0.0.1", 7))
	require.Equal(t, []uint16{0}, out.vlans())
	require.Zero(t, events.ofFlows()[0].Tag)
}

func TestTruncatedFramesKeepTheirLengths(t *testing.T) {
	c := exchange()
	in := mirrored(c.frames, "10.0.0.1", 7)
	for i := range in {
		in[i].Data = in[i].Data[:min(len(in[i].Data), 70)]
	}
	out, _, _ := forwarded(t, Config{}, forward.Config{}, in)
	for i, f := range c.frames {
		require.Equal(t, f.WireLen, out.frames[i].wireLen)
		require.Equal(t, f.Data[:min(len(f.Data), 62)], out.frames[i].data)
	}
}

func TestOverlappingNetworksGetTwoTags(t *testing.T) {
	c := exchange()
	var in []decap.Datagram
	one, two := mirrored(c.frames, "10.0.0.1", 7), mirrored(c.frames, "10.0.0.1", 8)
	for i := range one {
		in = append(in, one[i], two[i])
	}
	out, _, n := forwarded(t, Config{}, forward.Config{Tags: new(numbered)}, in)
	require.Equal(t, []uint16{101, 102}, out.vlans())
	require.Zero(t, n.Forward.Excluded[event.Duplicate])
	require.Len(t, out.frames, 2*len(c.frames))
}

// bothEnds mirrors a conversation at both of its ends: copies come some time after each other, and either may be lost.
func bothEnds(c *conversation, lost func(end int) bool, delay time.Duration) (in []decap.Datagram, frames [][]byte) {
	ends := [2][]decap.Datagram{
		mirrored(c.frames, c.client.addr.String(), 7), mirrored(c.frames, c.server.addr.String(), 8),
	}
	for i := range c.frames {
		seen := false
		for end := range ends {
			if d := ends[end][i]; !lost(end) {
				d.Nanos += int64(end) * int64(delay)
				in = append(in, d)
				seen = true
			}
		}
		if seen {
			frames = append(frames, c.frames[i].Data)
		}
	}
	slices.SortStableFunc(in, func(a, b decap.Datagram) int { return int(a.Nanos - b.Nanos) })
	return in, frames
}

// talkative is a connection with a number of exchanges.
func talkative(exchanges int) *conversation {
	c := newConversation()
	c.open()
	for i := range exchanges {
		c.say(get("/" + string(rune('a'+i%26))))
		c.hear(ok("body"))
	}
	c.close()
	for i := range c.frames { // frames of systems that number their packets
		binary.BigEndian.PutUint16(c.frames[i].Data[18:], uint16(i+1))
	}
	return c
}

// TestBothEndsAreForwardedOnce: every packet that was seen at either end is forwarded once, from the first packet on, and
// under one tag, whatever copies are lost.
func TestBothEndsAreForwardedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		loss := [2]float64{rapid.Float64Range(0, 0.5).Draw(t, "loss"), rapid.Float64Range(0, 0.5).Draw(t, "loss")}
		delay := time.Duration(rapid.IntRange(0, 100).Draw(t, "delay")) * time.Millisecond
		c := talkative(rapid.IntRange(0, 100).Draw(t, "exchanges"))
		in, want := bothEnds(c, func(end int) bool { return rng.Float64() < loss[end] }, delay)
		out, events, n := forwarded(t, Config{}, forward.Config{Tags: new(numbered)}, in)
		var got [][]byte
		for _, f := range out.frames {
			got = append(got, f.data)
		}
		require.ElementsMatch(t, want, got)
		require.LessOrEqual(t, len(out.vlans()), 1)
		for _, e := range events.ofFlows() {
			require.Equal(t, out.frames[0].vlan, e.Tag)
		}
		require.Equal(t, uint64(len(in)-len(want)), n.Forward.Excluded[event.Duplicate].Frames)
	})
}

func TestBothCopiesAreForwardedIfConfigured(t *testing.T) {
	c := talkative(3)
	in, _ := bothEnds(c, func(int) bool { return false }, time.Millisecond/2)
	out, _, _ := forwarded(t, Config{}, forward.Config{Tags: new(numbered), KeepBoth: true}, in)
	require.Len(t, out.frames, len(in))
	require.Equal(t, []uint16{101}, out.vlans())
}

// TestEventsDoNotDependOnForwarding: except that packets are paired from the first one on.
func TestEventsDoNotDependOnForwarding(t *testing.T) {
	in, _ := bothEnds(talkative(20), func(int) bool { return false }, time.Millisecond/2)
	_, events, _ := forwarded(t, Config{}, forward.Config{}, in)
	plain, _ := inspect(t, Config{}, in)
	require.Equal(t, plain.lines(event.AppLayer), events.lines(event.AppLayer))
	require.Equal(t, plain.lines(event.Flow), events.lines(event.Flow))
}

// TestOtherConnectionsKeepTheirTags: two networks have a connection of the same addresses and ports, but with unrelated
// sequence numbers.
func TestOtherConnectionsKeepTheirTags(t *testing.T) {
	one, two := exchange(), newConversation()
	two.client.seq += 1 << 30
	two.server.seq += 1 << 30
	two.open()
	in := append(mirrored(one.frames, "10.0.0.1", 7), mirrored(two.frames, "192.0.2.80", 8)...)
	out, _, _ := forwarded(t, Config{}, forward.Config{Tags: new(numbered)}, in)
	require.Equal(t, []uint16{101, 102}, out.vlans())
}

func TestFragmentsAreForwardedOneByOne(t *testing.T) {
	c := fragmented(t, query())
	out, _, n := forwarded(t, Config{}, forward.Config{Tags: new(numbered)}, mirrored(c.frames, "10.0.0.1", 7))
	require.EqualValues(t, 1, n.Reassembled)
	require.Len(t, out.frames, len(c.frames), "the reassembled packet is not forwarded again")
	require.Equal(t, []uint16{101}, out.vlans())
}

func TestFragmentsOfBothEndsAreForwardedOnce(t *testing.T) {
	c := fragmented(t, make([]byte, 480)) // fragments that begin alike
	in, want := bothEnds(c, func() func(int) bool {
		i := 0
		return func(int) bool { i++; return i%5 == 0 }
	}(), time.Millisecond/2)
	out, _, _ := forwarded(t, Config{}, forward.Config{}, in)
	var got [][]byte
	for _, f := range out.frames {
		got = append(got, f.data)
	}
	require.ElementsMatch(t, want, got)
}
