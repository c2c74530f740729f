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
	"github.com/mirrorsink/mirrorsink/inspect/forward"
)

// reordered runs datagrams through a worker that puts segments in order.
func reordered(t require.TestingT, in []decap.Datagram, cfg forward.Reorder) (*received, waited) {
	out, _, n := forwarded(t, Config{}, forward.Config{Reorder: cfg}, in)
	require.Zero(t, n.Forward.Waiting)
	return out, waited{n.Forward.Reordered, n.Forward.TimedOut}
}

// waited counts the segments that waited.
type waited struct{ reordered, timedOut uint64 }

// shuffled lets packets overtake each other: each arrives at its own time plus a delay of at most limit.
func shuffled(t *rapid.T, in []decap.Datagram, limit time.Duration) []decap.Datagram {
	out := slices.Clone(in)
	for i := range out {
		out[i].Nanos += rapid.Int64Range(0, int64(limit)).Draw(t, "delay")
	}
	slices.SortStableFunc(out, func(a, b decap.Datagram) int { return cmp.Compare(a.Nanos, b.Nanos) })
	return out
}

// seqOf returns a frame's source address and the sequence number of its TCP header.
func seqOf(frame []byte) (from uint32, seq uint32) {
	return binary.BigEndian.Uint32(frame[14+12:]), binary.BigEndian.Uint32(frame[14+20+4:])
}

// hasLength reports whether a frame has payload or a FIN.
func hasLength(frame []byte) bool {
	return binary.BigEndian.Uint16(frame[14+2:]) > 40 || frame[14+20+13]&decap.FIN != 0
}

// TestSegmentsAreForwardedInOrder: however segments overtake each other within the time, those with a length are forwarded
// in the order in which they were sent, and all are forwarded unchanged.
func TestSegmentsAreForwardedInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := talkative(rapid.IntRange(1, 40).Draw(t, "exchanges"))
		sent := mirrored(c.frames, "10.0.0.1", 7)
		in := append(sent[:3:3], shuffled(t, sent[3:], 4*time.Millisecond)...) // the first packet sets the order
		out, n := reordered(t, in, forward.Reorder{Time: 5 * time.Millisecond, Packets: 1000})
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
		require.Zero(t, n.timedOut)
	})
}

// TestAcknowledgmentsDoNotWait: nor do they release segments that wait, since one that has overtaken its sender's data only
// shows that there is some.
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
	out, n := reordered(t, in, forward.Reorder{Time: time.Second, Packets: 100})
	require.Equal(t, waited{reordered: 2}, n)
	for place, number := range []int{0, 1, 2, 5, 3, 4, 6, 7, 8} {
		require.Equal(t, c.frames[number].Data, out.frames[place].data, "place %d", place)
	}
}

// TestAResetReleasesAll: the waiting segments of both sides are forwarded before the segment that ends the connection.
func TestAResetReleasesAll(t *testing.T) {
	c := newConversation()
	c.open()
	c.say("lost")
	c.say("waits")
	c.packet(&c.server, &c.client, 0, decap.RST|decap.ACK, nil)
	in := slices.Delete(mirrored(c.frames, "10.0.0.1", 7), 3, 4)
	out, n := reordered(t, in, forward.Reorder{Time: time.Second, Packets: 32})
	require.Equal(t, waited{timedOut: 1}, n)
	require.Equal(t, c.frames[4].Data, out.frames[3].data)
	require.Equal(t, c.frames[5].Data, out.frames[4].data)
}

// TestLostSegmentsAreNotAwaitedForLong: after the time, or with too many waiting, the others are forwarded in order.
func TestLostSegmentsAreNotAwaitedForLong(t *testing.T) {
	c := newConversation()
	c.open()
	download(c, 10)
	in := mirrored(c.frames, "10.0.0.1", 7)
	in = slices.Delete(in, 5, 6) // the first segment of body
	out, n := reordered(t, in, forward.Reorder{Time: time.Second, Packets: 1000})
	require.Len(t, out.frames, len(in))
	require.Equal(t, waited{timedOut: 9}, n)
	out, n = reordered(t, in, forward.Reorder{Time: time.Second, Packets: 3})
	require.Len(t, out.frames, len(in))
	require.Equal(t, waited{timedOut: 3}, n)
	for i, f := range out.frames {
		require.Equal(t, in[i].Data[8:], f.data, "in order")
	}
}

// TestWaitingEndsWithAnyPacket: segments that wait are forwarded with the first packet of any flow after the time.
func TestWaitingEndsWithAnyPacket(t *testing.T) {
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
	to := new(received)
	src := frames(slices.Concat(lost, late[:1]))
	w := New(Config{Memory: Share(8 << 20), Forward: &forward.Config{To: to, Reorder: forward.Reorder{Time: 10 * time.Millisecond, Packets: 100}}}, &src, new(collected))
	_ = w.source.Read(&w.batch)
	w.parse()
	w.tracker.Lookup(w.items[:w.batch.N])
	w.update()
	require.EqualValues(t, 2, w.tracker.stats.Forward.Waiting)
	w.age()
	w.forward.Flush(w.now)
	require.Zero(t, w.tracker.stats.Forward.Waiting)
	require.Len(t, to.frames, len(lost)+1)
}
