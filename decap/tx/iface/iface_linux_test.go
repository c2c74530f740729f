package iface_test

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/decap/tx/iface"
	"github.com/mirrorsink/mirrorsink/decap/tx/internal/txtest"
)

// TestFramesArriveOnce sends frames of all sizes, in one piece and in two, with and without tags, and expects them byte for byte
// and in order.
func TestFramesArriveOnce(t *testing.T) {
	onEach(t, func(t *testing.T, p place) {
		inOrder(t)
		target, out := p.openOut(t, iface.Config{})
		far := read(t, p.far)
		random := rand.New(rand.NewPCG(7, 7))
		var want uint64
		for number := range 1500 {
			frame := plainFrame(number, 18+random.IntN(9015-18+1))
			if number%3 == 0 {
				frame = withTag(frame, uint16(1+number%4094))
			}
			head := random.IntN(len(frame))
			if number%2 == 0 {
				head = 0
			}
			out.Add(&tx.Frame{Head: frame[:head], Tail: frame[head:]})
			want += uint64(len(frame))
			if number%100 != 99 {
				continue
			}
			out.Flush() // of more than the kernel is given at once
			for n := number - 99; n <= number; n++ {
				got := far.next()
				body := got
				if n%3 == 0 {
					require.Equal(t, []byte{0x81, 0, byte((1 + n%4094) >> 8), byte(1 + n%4094)}, got[12:16], "the tag")
					body = append(bytes.Clone(got[:12]), got[16:]...)
				}
				require.Equal(t, plainFrame(n, len(body)), body)
			}
		}
		require.Zero(t, far.drain())
		require.Equal(t, tx.Counts{Frames: 1500, Bytes: want}, target.Counts())
	})
}

// TestTooLongFramesAreCounted: a frame that the interface does not take is neither cut nor in the way of others, and the MTU may change.
func TestTooLongFramesAreCounted(t *testing.T) {
	onEach(t, func(t *testing.T, p place) {
		inOrder(t)
		target, out := p.openOut(t, iface.Config{})
		far := read(t, p.far)
		mtu := int(configure(t, p.name, unix.SIOCGIFMTU, func(*unix.Ifreq) {}).Uint32())
		for i, frame := range [][]byte{
			plainFrame(0, mtu+14),
			plainFrame(1, mtu+15),
			withTag(plainFrame(2, mtu+14), 7),
			withTag(plainFrame(3, mtu+15), 7),
			plainFrame(4, 18)[:13],
			plainFrame(5, 60),
		} {
			out.Add(&tx.Frame{Head: frame[:i], Tail: frame[i:]})
		}
		out.Flush()
		for _, size := range []int{mtu + 14, mtu + 18, 60} {
			assert.Len(t, far.next(), size)
		}
		assert.Zero(t, far.drain())
		counts := target.Counts()
		assert.EqualValues(t, 3, counts.Frames)
		assert.EqualValues(t, 3, counts.Dropped[tx.Oversize])
		assert.EqualValues(t, 6, taken(counts))

		setMTU(t, p.name, mtu+100)
		long := plainFrame(6, mtu+15)
		await(t, func() bool {
			before := target.Counts().Frames
			out.Add(&tx.Frame{Tail: long})
			out.Flush()
			return target.Counts().Frames > before
		})
		assert.Equal(t, long, far.next())
	})
}

// TestLongTCPIsCut into segments that the interface takes, tags included, which together carry what the long frames did, in order.
// What is not TCP is dropped.
func TestLongTCPIsCut(t *testing.T) {
	onEach(t, func(t *testing.T, p place) {
		inOrder(t)
		target, out := p.openOut(t, iface.Config{Segment: true})
		far := read(t, p.far)
		const frames, mtu = 20, 1500
		setMTU(t, p.name, mtu)
		await(t, func() bool { // until it is known
			out.Add(&tx.Frame{Tail: plainFrame(0, mtu+15)})
			out.Flush()
			return target.Counts().Dropped[tx.Oversize] > 0
		})
		far.drain()
		before := target.Counts()
		var packets [frames]decap.Packet
		var sent, got []byte
		for i := range packets {
			frame := txtest.TCPFrame(t, uint32(len(sent)), bytes.Repeat([]byte{byte(i)}, 7300)) // five times 1460
			copy(frame, marker)
			require.Equal(t, decap.OK, (&decap.Decoder{}).Parse(&packets[i], &decap.Datagram{Data: frame, WireLen: len(frame)}))
			sent = append(sent, packets[i].Payload...)
			head, tail, _ := packets[i].Fix(make([]byte, 0, decap.MaxHead), decap.Fixes{VLAN: uint16(i % 2 * 7)})
			out.Add(&tx.Frame{Head: head, Tail: tail, Packet: &packets[i], VLAN: uint16(i % 2 * 7)})
		}
		out.Add(&tx.Frame{Tail: plainFrame(1, mtu+15)})
		out.Flush()
		for range 5 * frames {
			frame := far.next()
			var pkt decap.Packet
			require.Equal(t, decap.OK, (&decap.Decoder{}).Parse(&pkt, &decap.Datagram{Data: frame, WireLen: len(frame)}))
			require.LessOrEqual(t, pkt.IPLen, mtu)
			require.False(t, pkt.VerifyChecksums())
			require.EqualValues(t, len(got), pkt.Seq)
			require.EqualValues(t, len(got)/7300%2, pkt.NumVLANs)
			got = append(got, pkt.Payload...)
		}
		require.Zero(t, far.drain())
		require.True(t, bytes.Equal(sent, got))
		counts := target.Counts()
		require.EqualValues(t, frames, counts.Frames-before.Frames)
		require.EqualValues(t, 5*frames, counts.Segments)
		require.EqualValues(t, 1, counts.Dropped[tx.Oversize]-before.Dropped[tx.Oversize])
	})
}

// TestShrunkMTU: the kernel refuses frames that are too long now, and takes those between them.
func TestShrunkMTU(t *testing.T) {
	txtest.Namespace(t)
	p := places()[0]
	target, out := p.openOut(t, iface.Config{})
	far := read(t, p.far)
	setMTU(t, p.name, 1000)
	for range 2 {
		for number := range 10 {
			out.Add(&tx.Frame{Tail: plainFrame(number, 60+number%2*1000)})
		}
		out.Flush()
	}
	far.expect(10)
	counts := target.Counts()
	assert.EqualValues(t, 10, counts.Frames)
	assert.EqualValues(t, 10, counts.Dropped[tx.Oversize])
	assert.Zero(t, counts.Outages)
}

const (
	logGone = "takes no frames"
	logBack = "takes frames again"
)

// checked is how long an interface that went away stays so for the target, however soon it is back.
const checked = time.Second

// TestOutage sets interfaces down, and deletes them and makes new ones under another index. The target logs each outage once, counts
// what it drops, and goes on by itself.
func TestOutage(t *testing.T) {
	onEach(t, func(t *testing.T, p place) {
		var log txtest.Log
		target, out := p.openOut(t, iface.Config{Log: log.Logger(), Wait: true})
		sent := func() bool {
			before := target.Counts()
			for number := range 100 {
				out.Add(&tx.Frame{Tail: plainFrame(number, 200)})
			}
			out.Flush()
			counts := target.Counts()
			require.Equal(t, uint64(100), taken(counts)-taken(before))
			require.Equal(t, uint64(100), counts.Frames-before.Frames+counts.Dropped[tx.Down]-before.Dropped[tx.Down])
			return counts.Frames-before.Frames == 100
		}
		outage := func(number int, end func()) {
			t.Helper()
			start := time.Now()
			for range 3 {
				require.True(t, !sent() || time.Since(start) > checked, "before the interface was checked again")
			}
			end()
			await(t, sent)
			require.EqualValues(t, number, target.Counts().Outages)
			require.Equal(t, number, log.Count(logGone))
			require.Equal(t, number, log.Count(logBack))
		}
		require.True(t, sent())
		setUp(t, p.name, false)
		outage(1, func() { setUp(t, p.name, true) })

		deleteLink(t, p.name)
		outage(2, func() {
			if p.kind != "tap" { // which makes itself anew
				addVeth(t, "other", "others") // so that the next one has another number
				addVeth(t, p.name, "far")
			}
		})
		far := read(t, p.far)
		require.True(t, sent())
		far.expect(100)
	})
}

// TestOtherEndDown: frames into an interface without a carrier vanish. The kernel reports nothing, or that there is no room.
func TestOtherEndDown(t *testing.T) {
	txtest.Namespace(t)
	addVeth(t, "near", "far")
	setUp(t, "far", false)
	await(t, func() bool { return flagsOf(t, "near")&unix.IFF_RUNNING == 0 })
	var log txtest.Log
	target, err := iface.Open("near", iface.Config{Log: log.Logger()})
	require.NoError(t, err)
	out, err := target.Open()
	require.NoError(t, err)
	sent := func() bool {
		before := target.Counts().Frames
		out.Add(&tx.Frame{Tail: plainFrame(1, 100)})
		out.Flush()
		return target.Counts().Frames > before
	}
	for outages := 1; outages <= 2; outages++ {
		require.False(t, sent())
		require.EqualValues(t, outages, target.Counts().Outages)
		require.Equal(t, outages, log.Count("no carrier"))
		setUp(t, "far", true)
		await(t, sent)
		require.Equal(t, outages, log.Count(logBack))
		setUp(t, "far", false)
		await(t, func() bool { return !sent() && target.Counts().Outages > uint64(outages) })
	}
	require.NoError(t, out.Close())
	require.NoError(t, target.Close())
}

// TestNobodyReads: a reader that does not read costs frames of its own, and the sender no time.
func TestNobodyReads(t *testing.T) {
	onEach(t, func(t *testing.T, p place) {
		target, out := p.openOut(t, iface.Config{})
		far := read(t, p.far)
		require.NoError(t, unix.SetsockoptInt(far.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4096))
		frame := &tx.Frame{Tail: plainFrame(1, 1442)}
		for range 200 {
			for range 64 {
				out.Add(frame)
			}
			out.Flush()
		}
		counts := target.Counts()
		require.EqualValues(t, 200*64, taken(counts))
		require.Equal(t, counts.Frames+counts.Dropped[tx.QueueFull], taken(counts))
		require.Positive(t, counts.Frames)
	})
}

// TestSeveralOuts sends by several Outs at once while others read the counts, and takes the interface away meanwhile.
func TestSeveralOuts(t *testing.T) {
	onEach(t, func(t *testing.T, p place) {
		var log txtest.Log
		target := p.open(t, iface.Config{Log: log.Logger()})
		far := read(t, p.far)
		const outs, batches = 4, 50
		var senders sync.WaitGroup
		half := make(chan struct{}, outs)
		goOn := make(chan struct{})
		for number := range outs {
			out, err := target.Open()
			require.NoError(t, err)
			senders.Go(func() {
				for batch := range batches {
					if batch == batches/2 {
						half <- struct{}{}
						<-goOn
					}
					for range 10 {
						out.Add(&tx.Frame{Tail: plainFrame(number, 100)})
					}
					out.Flush()
					_ = target.Counts()
				}
				assert.NoError(t, out.Close())
			})
		}
		for range outs {
			<-half
		}
		far.expect(target.Counts().Frames)
		setUp(t, p.name, false)
		close(goOn)
		senders.Wait()
		counts := target.Counts()
		require.EqualValues(t, outs*batches*10, taken(counts))
		require.EqualValues(t, outs*batches*10/2, counts.Dropped[tx.Down])
		require.EqualValues(t, 1, counts.Outages)
		require.Equal(t, 1, log.Count(logGone))
		require.NoError(t, target.Close())
	})
}

func TestSendingAllocatesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, p place) {
		_, out := p.openOut(t, iface.Config{})
		whole := plainFrame(1, 1000)
		frame := &tx.Frame{Head: whole[:20], Tail: whole[20:]}
		require.Zero(t, testing.AllocsPerRun(50, func() {
			for range 70 {
				out.Add(frame)
			}
			out.Flush()
		}))
	})
}
