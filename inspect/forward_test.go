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
)

// taken is a Forwarder that keeps what it is given.
type taken struct {
	frames  []takenFrame
	waiting []decap.Frame
}

// takenFrame is a frame after its Flush.
type takenFrame struct {
	data    []byte
	vlan    uint16
	hash    uint32
	nanos   int64
	wireLen int
}

func (f *taken) Forward(frame decap.Frame) { f.waiting = append(f.waiting, frame) }

func (f *taken) Flush() {
	for _, w := range f.waiting {
		f.frames = append(f.frames, takenFrame{bytes.Clone(w.Packet.Frame), w.VLAN, w.Hash, w.Nanos, w.WireLen})
	}
	f.waiting = f.waiting[:0]
}

// vlans returns the tags of the frames, each once, in the order of their first frames.
func (f *taken) vlans() (out []uint16) {
	for _, t := range f.frames {
		if !slices.Contains(out, t.vlan) {
			out = append(out, t.vlan)
		}
	}
	return out
}

// numbered gives sessions tags in the order in which they are asked for.
type numbered struct {
	tags  map[event.Tap]uint16
	asked int
}

func (n *numbered) Tag(outer netip.Addr, vni uint32) uint16 {
	n.asked++
	if n.tags == nil {
		n.tags = map[event.Tap]uint16{}
	}
	of := event.Tap{Outer: outer, VNI: vni}
	if n.tags[of] == 0 {
		n.tags[of] = uint16(101 + len(n.tags))
	}
	return n.tags[of]
}

// forwarded runs frames through a worker that forwards, and holds it to the identity.
func forwarded(t require.TestingT, cfg Config, fwd Forwarding, in []decap.Datagram) (*taken, *collected, event.Counters) {
	out := new(taken)
	fwd.To = out
	cfg.Forward = &fwd
	told, n := inspect(t, cfg, in)
	require.Empty(t, out.waiting, "a flush follows the last frame")
	requireIdentity(t, &n, len(out.frames))
	return out, told, n
}

func requireIdentity(t require.TestingT, n *event.Counters, forwarded int) {
	sum := n.Forward.Passed.Frames
	for _, withheld := range n.Forward.Withheld {
		sum += withheld.Frames
	}
	require.Equal(t, n.Datagrams, sum, "the identity of forwarding")
	require.EqualValues(t, forwarded, n.Forward.Passed.Frames)
	unreadable := n.Datagrams - n.Reasons[decap.OK] - n.Reasons[decap.Fragment]
	require.Equal(t, unreadable, n.Forward.Withheld[event.Unreadable].Frames)
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

func TestForwardsWhatComes(t *testing.T) {
	c := exchange()
	tags := new(numbered)
	in := mirrored(c.frames, "10.0.0.1", 7)
	in = append(in, decap.Datagram{Data: []byte("nothing"), WireLen: 7, Nanos: c.nanos, Link: decap.LinkVXLAN})
	out, told, n := forwarded(t, Config{}, Forwarding{Tags: tags}, in)
	require.Len(t, out.frames, len(c.frames))
	hash := decap.SteerFlow(addr(c.client), addr(c.server), 40000, 8080)
	for i, f := range c.frames {
		require.Equal(t, takenFrame{f.Data, 101, hash, f.Nanos, f.WireLen}, out.frames[i])
	}
	require.EqualValues(t, 7, n.Forward.Withheld[event.Unreadable].Bytes)
	require.Equal(t, 1, tags.asked, "once a session")
	for _, e := range told.ofFlows() {
		require.EqualValues(t, 101, e.Tag)
	}
}

func TestForwardsWithoutTags(t *testing.T) {
	out, told, _ := forwarded(t, Config{}, Forwarding{}, mirrored(exchange().frames, "10.0.0.1", 7))
	require.Equal(t, []uint16{0}, out.vlans())
	require.Zero(t, told.ofFlows()[0].Tag)
}

func TestCutFramesKeepTheirLengths(t *testing.T) {
	c := exchange()
	in := mirrored(c.frames, "10.0.0.1", 7)
	for i := range in {
		in[i].Data = in[i].Data[:min(len(in[i].Data), 70)]
	}
	out, _, _ := forwarded(t, Config{}, Forwarding{}, in)
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
	out, _, n := forwarded(t, Config{}, Forwarding{Tags: new(numbered)}, in)
	require.Equal(t, []uint16{101, 102}, out.vlans())
	require.Zero(t, n.Forward.Withheld[event.Copy])
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

// talkative is a connection with so many exchanges.
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

// TestBothEndsAreForwardedOnce: whatever is lost on either side, what was seen at any end goes on once, from the first packet
// on, and under one tag.
func TestBothEndsAreForwardedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		loss := [2]float64{rapid.Float64Range(0, 0.5).Draw(t, "loss"), rapid.Float64Range(0, 0.5).Draw(t, "loss")}
		delay := time.Duration(rapid.IntRange(0, 100).Draw(t, "delay")) * time.Millisecond
		c := talkative(rapid.IntRange(0, 100).Draw(t, "exchanges"))
		in, want := bothEnds(c, func(end int) bool { return rng.Float64() < loss[end] }, delay)
		out, told, n := forwarded(t, Config{}, Forwarding{Tags: new(numbered)}, in)
		var got [][]byte
		for _, f := range out.frames {
			got = append(got, f.data)
		}
		require.ElementsMatch(t, want, got)
		require.LessOrEqual(t, len(out.vlans()), 1)
		for _, e := range told.ofFlows() {
			require.Equal(t, out.frames[0].vlan, e.Tag)
		}
		require.Equal(t, uint64(len(in)-len(want)), n.Forward.Withheld[event.Copy].Frames)
	})
}

func TestBothCopiesAsAsked(t *testing.T) {
	c := talkative(3)
	in, _ := bothEnds(c, func(int) bool { return false }, time.Millisecond/2)
	out, _, _ := forwarded(t, Config{}, Forwarding{Tags: new(numbered), KeepBoth: true}, in)
	require.Len(t, out.frames, len(in))
	require.Equal(t, []uint16{101}, out.vlans())
}

// TestEventsDoNotDependOnForwarding: but for the packets that are paired from the first on.
func TestEventsDoNotDependOnForwarding(t *testing.T) {
	in, _ := bothEnds(talkative(20), func(int) bool { return false }, time.Millisecond/2)
	_, told, _ := forwarded(t, Config{}, Forwarding{}, in)
	plain, _ := inspect(t, Config{}, in)
	require.Equal(t, plain.lines(event.AppLayer), told.lines(event.AppLayer))
	require.Equal(t, plain.lines(event.Flow), told.lines(event.Flow))
}

// TestAFlowOfAnotherConnectionIsNotFollowed: the same addresses and ports, seen from both ends, but numbers that have nothing in
// common: two networks that look alike.
func TestAFlowOfAnotherConnectionIsNotFollowed(t *testing.T) {
	one, two := exchange(), newConversation()
	two.client.seq += 1 << 30
	two.server.seq += 1 << 30
	two.open()
	in := append(mirrored(one.frames, "10.0.0.1", 7), mirrored(two.frames, "192.0.2.80", 8)...)
	out, _, _ := forwarded(t, Config{}, Forwarding{Tags: new(numbered)}, in)
	require.Equal(t, []uint16{101, 102}, out.vlans())
}

func TestFragmentsAreForwardedAsTheyCome(t *testing.T) {
	c := fragmented(t, query())
	out, _, n := forwarded(t, Config{}, Forwarding{Tags: new(numbered)}, mirrored(c.frames, "10.0.0.1", 7))
	require.EqualValues(t, 1, n.Reassembled)
	require.Len(t, out.frames, len(c.frames), "what was put together does not go on again")
	require.Equal(t, []uint16{101}, out.vlans())
}

func TestFragmentsOfBothEndsAreForwardedOnce(t *testing.T) {
	c := fragmented(t, make([]byte, 480)) // pieces that begin alike
	in, want := bothEnds(c, func() func(int) bool {
		i := 0
		return func(int) bool { i++; return i%5 == 0 }
	}(), time.Millisecond/2)
	out, _, _ := forwarded(t, Config{}, Forwarding{}, in)
	var got [][]byte
	for _, f := range out.frames {
		got = append(got, f.data)
	}
	require.ElementsMatch(t, want, got)
}

func TestACrewDoesNotForward(t *testing.T) {
	src := frames(nil)
	require.Panics(t, func() { NewCrew(Config{Forward: &Forwarding{}}, 2, &src, new(collected)) })
}
