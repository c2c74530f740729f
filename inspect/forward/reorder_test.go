package forward

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
)

// recorder is a Forwarder that keeps the sequence numbers of frames.
type recorder struct{ seqs []uint32 }

func (r *recorder) Forward(f decap.Frame) { r.seqs = append(r.seqs, f.Packet.Seq) }
func (*recorder) Flush()                  {}

// tcpPacket returns a whole segment with a frame of its own.
func tcpPacket(t testing.TB, seq uint32, payload int, nanos int64) Packet {
	frame := make([]byte, 14+20+20+payload)
	frame[12], frame[14], frame[16], frame[17], frame[22], frame[23] = 8, 0x45, byte((40+payload)>>8), byte(40+payload), 64, 6
	tcp := frame[34:]
	tcp[0], tcp[1], tcp[2], tcp[3] = 0x9c, 0x40, 1, 0xbb
	tcp[4], tcp[5], tcp[6], tcp[7] = byte(seq>>24), byte(seq>>16), byte(seq>>8), byte(seq)
	tcp[12], tcp[13] = 0x50, decap.ACK
	d := &decap.Datagram{Data: frame, WireLen: len(frame), Nanos: nanos, Link: decap.LinkEthernet}
	p := Packet{Packet: new(decap.Packet), Datagram: d, Clock: nanos}
	require.Equal(t, decap.OK, new(decap.Decoder).Parse(p.Packet, d))
	return p
}

// newReorderSelector returns a Selector with bytes of memory for segments that wait.
func newReorderSelector(t testing.TB, cfg Reorder, bytes int) (*Selector, *flow.Record, *recorder) {
	to := new(recorder)
	s, r := newTestSelector(t, Config{To: to, Reorder: cfg}, nil)
	s.buffer.room = bytes
	return s, r, to
}

// TestReorderBufferIsBounded: with any memory, limit and order of arrival, every segment is forwarded once, the memory is
// not exceeded, and the counters add up.
func TestReorderBufferIsBounded(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		room := rapid.IntRange(0, 40*slotSize).Draw(rt, "room")
		limit := rapid.IntRange(0, 30).Draw(rt, "limit")
		count := rapid.IntRange(1, 60).Draw(rt, "segments")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "order"), 1))
		s, r, to := newReorderSelector(t, Reorder{Time: time.Duration(rapid.IntRange(1, 100).Draw(rt, "time")), Packets: limit}, room)
		first := rapid.Uint32().Draw(rt, "first")
		s.Decide(r, tcpPacket(t, first, 100, 0), false)
		for i, n := range rng.Perm(count) {
			s.Decide(r, tcpPacket(t, first+100*uint32(n+1), 100, int64(i)), false)
			require.LessOrEqual(rt, int(s.Counts.Waiting), limit)
			require.Equal(rt, uint64(i+2), s.Counts.Passed.Frames+s.Counts.Waiting)
			used := 0
			for _, slot := range s.buffer.slots[1:] {
				used += slotSize + cap(slot.data)
			}
			require.LessOrEqual(rt, used, room)
			s.Flush(int64(i))
		}
		s.EndFlow(r)
		require.Zero(rt, s.Counts.Waiting)
		require.Len(rt, to.seqs, count+1)
		seen := map[uint32]bool{}
		for _, seq := range to.seqs {
			require.False(rt, seen[seq])
			seen[seq] = true
		}
	})
}

// TestReorderedSegmentsComeInOrder: with enough memory and time, segments are forwarded in order, whatever the order of
// arrival.
func TestReorderedSegmentsComeInOrder(t *testing.T) {
	s, r, to := newReorderSelector(t, Reorder{Time: time.Second, Packets: 100}, 1<<20)
	s.Decide(r, tcpPacket(t, 0xffffff00, 100, 0), false)
	for _, n := range rand.New(rand.NewPCG(1, 2)).Perm(50) {
		s.Decide(r, tcpPacket(t, 0xffffff00+100*uint32(n+1), 100, 1), false)
		s.Flush(1)
	}
	require.Len(t, to.seqs, 51)
	for i, seq := range to.seqs {
		require.Equal(t, 0xffffff00+100*uint32(i), seq)
	}
	require.Zero(t, s.Counts.TimedOut)
}

// TestSlotsAreReusedAfterFlush: a slot is free again only after the flush of the Forwarder.
func TestSlotsAreReusedAfterFlush(t *testing.T) {
	s, r, _ := newReorderSelector(t, Reorder{Time: time.Second, Packets: 100}, 1<<20)
	for i := range uint32(10) {
		s.Decide(r, tcpPacket(t, 1000+400*i, 100, 0), false)
		s.Decide(r, tcpPacket(t, 1200+400*i, 100, 0), false) // waits
		s.Decide(r, tcpPacket(t, 1100+400*i, 100, 0), false)
		s.Decide(r, tcpPacket(t, 1300+400*i, 100, 0), false)
		require.Len(t, s.buffer.slots, 2, "one slot, and the unused first one")
		require.Empty(t, s.buffer.free)
		s.Flush(0)
		require.Len(t, s.buffer.free, 1)
	}
}
