package inspect

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
)

// reordered runs datagrams through a worker that has segments wait.
func reordered(t require.TestingT, in []decap.Datagram, cfg Reorder) (*taken, waited) {
	out, _, n := forwarded(t, Config{}, Forwarding{Reorder: cfg}, in)
	require.Zero(t, n.Forward.Waiting)
	return out, waited{n.Forward.Reordered, n.Forward.GivenUp}
}

// waited is what became of those that waited.
type waited struct{ reordered, givenUp uint64 }

// shuffled has packets overtake each other by less than a time: each comes at its own plus a delay.
func shuffled(t *rapid.T, in []decap.Datagram, most time.Duration) []decap.Datagram {
	out := slices.Clone(in)
	for i := range out {
		out[i].Nanos += rapid.Int64Range(0, int64(most)).Draw(t, "delay")
	}
	slices.SortStableFunc(out, func(a, b decap.Datagram) int { return cmp.Compare(a.Nanos, b.Nanos) })
	return out
}

// seqOf returns a frame's direction and the sequence number of its TCP header.
func seqOf(frame []byte) (from uint32, seq uint32) {
	return binary.BigEndian.Uint32(frame[14+12:]), binary.BigEndian.Uint32(frame[14+20+4:])
}

// hasLength reports whether a frame has payload or a FIN.
func hasLength(frame []byte) bool {
	return binary.BigEndian.Uint16(frame[14+2:]) > 40 || frame[14+20+13]&decap.FIN != 0
}

// TestSegmentsWaitForTheirTurn: however segments overtake each other within the time, what has a length leaves in the order in which
// it was sent, and all of it leaves as it came.
func TestSegmentsWaitForTheirTurn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := talkative(rapid.IntRange(1, 40).Draw(t, "exchanges"))
		sent := mirrored(c.frames, "10.0.0.1", 7)
		in := append(sent[:3:3], shuffled(t, sent[3:], 4*time.Millisecond)...) // who comes first of all sets the order
		out, n := reordered(t, in, Reorder{Time: 5 * time.Millisecond, Packets: 1000})
		require.Len(t, out.frames, len(c.frames))
		var want, got [][]byte
		last := map[uint32]uint32{}
		for i, f := range out.frames {
			want, got = append(want, c.frames[i].Data), append(got, f.data)
			if from, seq := seqOf(f.data); hasLength(f.data) {
				before, any := last[from]
				require.True(t, !any || int32(seq-before) >= 0, "frame %d", i)
				last[from] = seq
			}
		}
		slices.SortFunc(want, bytes.Compare)
		slices.SortFunc(got, bytes.Compare)
		require.Equal(t, want, got)
		require.Zero(t, n.givenUp)
	})
}

// TestAcknowledgmentsDoNotWait, nor do they let others go: one that has overtaken its sender's data says that there is some.
func TestAcknowledgmentsDoNotWait(t *testing.T) {
	c := newConversation()
	c.open()
	c.say("one")
	c.say("two")
	c.packet(&c.client, &c.server, 0, decap.ACK, nil)
	c.say("three")
	c.packet(&c.client, &c.server, -12, decap.SYN, nil) // sent again, from long ago
	c.say("four")
	in := mirrored(c.frames, "10.0.0.1", 7)
	for place, number := range []int{0, 1, 2, 4, 5, 6, 3, 7, 8} { // "one" comes after "three"
		in[place] = mirrored(c.frames[number:number+1], "10.0.0.1", 7)[0]
	}
	out, n := reordered(t, in, Reorder{Time: time.Second, Packets: 100})
	require.Equal(t, waited{reordered: 2}, n)
	for place, number := range []int{0, 1, 2, 5, 3, 4, 6, 7, 8} {
		require.Equal(t, c.frames[number].Data, out.frames[place].data, "place %d", place)
	}
}

// TestNobodyWaitsBehindAReset: what waits of either side goes before the segment that ends the connection.
func TestNobodyWaitsBehindAReset(t *testing.T) {
	c := newConversation()
	c.open()
	c.say("lost")
	c.say("waits")
	c.packet(&c.server, &c.client, 0, decap.RST|decap.ACK, nil)
	in := slices.Delete(mirrored(c.frames, "10.0.0.1", 7), 3, 4)
	out, n := reordered(t, in, Reorder{Time: time.Second, Packets: 32})
	require.Equal(t, waited{givenUp: 1}, n)
	require.Equal(t, c.frames[4].Data, out.frames[3].data)
	require.Equal(t, c.frames[5].Data, out.frames[4].data)
}

// TestNobodyWaitsForWhatIsLost: after the time, or behind so many, the others go on, in order.
func TestNobodyWaitsForWhatIsLost(t *testing.T) {
	c := newConversation()
	c.open()
	download(c, 10)
	in := mirrored(c.frames, "10.0.0.1", 7)
	in = slices.Delete(in, 5, 6) // the first piece of body
	out, n := reordered(t, in, Reorder{Time: time.Second, Packets: 1000})
	require.Len(t, out.frames, len(in))
	require.Equal(t, waited{givenUp: 9}, n)
	out, n = reordered(t, in, Reorder{Time: time.Second, Packets: 3})
	require.Len(t, out.frames, len(in))
	require.Equal(t, waited{givenUp: 3}, n)
	for i, f := range out.frames {
		require.Equal(t, in[i].Data[8:], f.data, "in order")
	}
}

// TestTheyWaitNoLongerThanAsked: what waits goes on with the first packet of any flow after the time.
func TestTheyWaitNoLongerThanAsked(t *testing.T) {
	c := newConversation()
	c.open()
	download(c, 3)
	lost := slices.Delete(mirrored(c.frames, "10.0.0.1", 7), 5, 6)
	other := newConversation()
	other.client.port++
	other.open()
	late := mirrored(other.frames, "10.0.0.1", 7)
	for i := range late {
		late[i].Nanos = lost[len(lost)-1].Nanos + int64(20*time.Millisecond) + int64(i)
	}
	late[1].Nanos += int64(time.Second)
	to := new(taken)
	src := frames(slices.Concat(lost, late[:1]))
	w := New(Config{Memory: Share(8 << 20), Forward: &Forwarding{To: to, Reorder: Reorder{Time: 10 * time.Millisecond, Packets: 100}}}, &src, new(collected))
	_ = w.source.Read(&w.batch)
	w.parse()
	w.lookup()
	w.update()
	require.EqualValues(t, 2, w.stats.Forward.Waiting)
	w.age()
	w.passOn()
	require.Zero(t, w.stats.Forward.Waiting)
	require.Len(t, to.frames, len(lost)+1)
}
