package inspect

import (
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// datagram is a UDP packet of a flow between two hosts, in one of two directions.
func datagram(t require.TestingT, flow, size int, back bool, nanos int64) decap.Datagram {
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: []byte{10, 0, 0, 1}, DstIP: []byte{192, 0, 2, byte(flow)}}
	udp := &layers.UDP{SrcPort: 40000, DstPort: layers.UDPPort(9000 + flow)}
	if back {
		ip.SrcIP, ip.DstIP, udp.SrcPort, udp.DstPort = ip.DstIP, ip.SrcIP, udp.DstPort, udp.SrcPort
	}
	buf := gopacket.NewSerializeBuffer()
	require.NoError(t, gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, ip, udp, gopacket.Payload(make([]byte, size))))
	return decap.Datagram{Data: buf.Bytes(), Nanos: nanos, WireLen: len(buf.Bytes()), Link: decap.LinkIP}
}

// direction names what a direction of a flow counted in a window; 0 is for all windows.
type directionIn struct {
	flow   int
	back   bool
	window uint32
}

type volumeOf struct{ packets, bytes uint64 }

// TestIntervalsLoseNothing: whatever comes, in whatever order, on tables of any size, each packet is in one interval; each interval
// is of one window, in which its times are; and a flow has no window twice. In packets that come in order each is in the
// window of its own time.
func TestIntervalsLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.SampledFrom([]uint32{60, 600, 7}).Draw(t, "window")
		late := rapid.SampledFrom([]int64{0, 90}).Draw(t, "late")
		flows := rapid.SampledFrom([]int{3, 150}).Draw(t, "flows") // the smallest table has room for 64
		want, now := map[directionIn]volumeOf{}, int64(1_000_000)
		var in []decap.Datagram
		for range rapid.IntRange(1, 400).Draw(t, "packets") {
			now += rapid.SampledFrom([]int64{0, 0, 0, 1, 20, 70}).Draw(t, "later")
			at := now - rapid.Int64Range(0, late).Draw(t, "by")
			of := directionIn{flow: rapid.IntRange(0, flows).Draw(t, "flow"), back: rapid.Bool().Draw(t, "back")}
			size := rapid.IntRange(0, 1000).Draw(t, "size")
			nanos := at*int64(time.Second) + int64(len(in)) // no two alike, or two flows may have the same number
			in = append(in, datagram(t, of.flow, size, of.back, nanos))
			if late == 0 {
				of.window = uint32(at) / length * length
			}
			v := want[of]
			want[of] = volumeOf{v.packets + 1, v.bytes + uint64(size) + 28}
		}
		out, n := inspect(t, Config{Interval: time.Duration(length) * time.Second, Memory: Memory{Names: 1 << 12, Streams: 1 << 16}}, in)
		require.Equal(t, want, countedBy(t, out, length, late == 0))
		require.Equal(t, n.Events, out.kinds())
	})
}

func (c *collected) kinds() (n [event.Kinds]uint64) {
	for _, b := range c.batches {
		for i := range b.Events {
			n[b.Events[i].Kind]++
		}
	}
	return n
}

// countedBy adds up the Interval events by direction, and checks each.
func countedBy(t require.TestingT, out *collected, length uint32, byWindow bool) map[directionIn]volumeOf {
	got, last, closed := map[directionIn]volumeOf{}, map[uint64]uint32{}, uint32(0)
	for _, b := range out.batches {
		for i := range b.Events {
			e := &b.Events[i]
			if e.Kind == event.Closed {
				require.Greater(t, e.Window.From, closed, "each window is closed once")
				closed = e.Window.From
			}
			if e.Kind != event.Interval {
				continue
			}
			w := &e.Window
			require.Greater(t, w.From, closed, "emitted before it is closed")
			require.Zero(t, w.From%length)
			require.Equal(t, length, w.To-w.From)
			require.Greater(t, w.From, last[e.FlowID], "a flow's windows do not overlap")
			last[e.FlowID] = w.From
			for s := range 2 {
				if e.Flow.Packets[s] == 0 {
					continue
				}
				require.True(t, w.From <= w.First[s] && w.First[s] <= w.Last[s] && w.Last[s] < w.To)
				add(got, e, s, byWindow)
			}
		}
	}
	for _, b := range out.batches {
		for i := range b.Events {
			if w := &b.Events[i].Window; b.Events[i].Kind == event.Interval {
				require.LessOrEqual(t, w.From, closed, "every window is closed at the end")
			}
		}
	}
	return got
}

func add(got map[directionIn]volumeOf, e *event.Event, s int, byWindow bool) {
	src, dst := e.SrcPort, e.DstPort
	if s == 1 {
		src, dst = dst, src
	}
	of := directionIn{flow: int(min(src, dst)) - 9000, back: dst == 40000}
	if byWindow {
		of.window = e.Window.From
	}
	v := got[of]
	got[of] = volumeOf{v.packets + e.Flow.Packets[s], v.bytes + e.Flow.Bytes[s]}
}

// TestWindowsCloseByTheClock: on a quiet wire too.
func TestWindowsCloseByTheClock(t *testing.T) {
	now := int64(1_000_000 * time.Second)
	var out collected
	src := &ticking{now: &now, in: []decap.Datagram{datagram(t, 1, 10, false, now)}}
	w := New(Config{Interval: time.Minute, Memory: Share(8 << 20), Now: func() int64 { return now }, Lost: func() uint64 { return uint64(now/int64(time.Minute)) - 16666 }}, src, &out)
	require.NoError(t, w.Run())
	var got []string
	for _, b := range out.batches {
		for i := range b.Events {
			e := &b.Events[i]
			got = append(got, fmt.Sprintf("%v %d lost=%d", e.Kind, e.Window.From, e.Window.Lost))
		}
	}
	require.Equal(t, []string{
		"interval 999960 lost=0", "flow 0 lost=0", // it is over after half a minute
		"window_closed 999960 lost=1", "window_closed 1000020 lost=1", "window_closed 1000080 lost=1",
		"window_closed 1000140 lost=1", "window_closed 1000200 lost=0",
	}, got)
}

// ticking gives one batch, and then none, while time goes by.
type ticking struct {
	now   *int64
	in    []decap.Datagram
	ticks int
}

func (s *ticking) Read(b *decap.Batch) error {
	b.N = copy(b.D[:], s.in)
	s.in = nil
	*s.now += int64(20 * time.Second)
	if s.ticks++; s.ticks == 10 {
		return io.EOF
	}
	return nil
}

// inOrder is a Sink that notes kinds and windows in the order in which workers hand them over.
type inOrder struct {
	mu     sync.Mutex
	events []event.Event
}

func (s *inOrder) Events(b *event.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, b.Events...)
}

// TestWorkersCloseWindowsTogether: however workers run beside each other, no worker emits anything of a window that was reported as
// closed, and each window is closed once, in order.
func TestWorkersCloseWindowsTogether(t *testing.T) {
	const workers, packets = 4, 2000
	shared, out := NewShared(1<<16), new(inOrder)
	var all sync.WaitGroup
	var team []*Worker
	for n := range workers {
		var in frames
		for i := range packets {
			at := int64(1_000_000+i) * int64(time.Second)
			in = append(in, datagram(t, n*10+i%7, 10, false, at))
		}
		team = append(team, New(Config{Interval: time.Minute, Memory: Share(1 << 20), Shared: shared}, &in, out))
	}
	for _, w := range team {
		all.Go(func() { assert.NoError(t, w.Run()) })
	}
	all.Wait()
	closed, last, counted := uint32(0), uint32(0), uint64(0)
	for i := range out.events {
		switch e := &out.events[i]; e.Kind {
		case event.Interval:
			require.Greater(t, e.Window.From, closed)
			last = max(last, e.Window.From)
			counted += e.Flow.Packets[0] + e.Flow.Packets[1]
		case event.Closed:
			require.True(t, closed == 0 || e.Window.From == closed+60)
			closed = e.Window.From
		default:
		}
	}
	require.Equal(t, last, closed, "all are closed")
	require.EqualValues(t, workers*packets, counted)
}

// TestWindowsInPart: who listens by the clock has not seen all of its first window, nor of its last one.
func TestWindowsInPart(t *testing.T) {
	const second = int64(time.Second)
	at := 1_200_030 * second
	in := []decap.Datagram{datagram(t, 1, 1, false, at), datagram(t, 1, 1, false, at+60*second), datagram(t, 1, 1, false, at+120*second)}
	for _, c := range []struct {
		now  func() int64
		part []bool
	}{
		{nil, []bool{false, false, false}}, // a capture
		{func() int64 { return at + 121*second }, []bool{true, false, true}},
		{func() int64 { return at + 150*second }, []bool{true, false, false}},
	} {
		src, out := frames(in), new(inOrder)
		require.NoError(t, New(Config{Interval: time.Minute, Now: c.now, Memory: Share(8 << 20)}, &src, out).Run())
		var part []bool
		for _, e := range out.events {
			if e.Kind == event.Closed {
				part = append(part, e.Window.Partial)
			}
		}
		require.Equal(t, c.part, part)
	}
}

// TestGaps: windows without packets are closed one by one, except those of a gap without a receiver.
func TestGaps(t *testing.T) {
	for _, c := range []struct{ gap, windows int64 }{{0, 1}, {60, 2}, {1800, 31}, {3660, 62}, {3720, 2}, {1e8, 2}} {
		at := int64(1_200_000) * int64(time.Second)
		in := []decap.Datagram{datagram(t, 1, 1, false, at), datagram(t, 1, 1, false, at+c.gap*int64(time.Second))}
		out, _ := inspect(t, Config{Interval: time.Minute}, in)
		require.EqualValues(t, c.windows, out.kinds()[event.Closed], "a gap of %d s", c.gap)
		require.EqualValues(t, min(c.windows, 2), out.kinds()[event.Interval])
	}
}
