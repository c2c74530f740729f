package rx

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
)

// ring opens a group on the far end of the wire that is closed when the test ends.
func (w *wire) ring(cfg RingConfig) []*Ring {
	w.t.Helper()
	cfg.Interface = w.out
	if !cfg.Addr.IsValid() {
		cfg.Addr = netip.MustParseAddrPort("[::]:4789")
	}
	if cfg.Link == decap.LinkEthernet {
		cfg.Link = decap.LinkVXLAN
	}
	rings, err := ListenRing(cfg)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, rings[0].Close()) })
	return rings
}

// reader is what tests do with both kinds of live source.
type reader interface {
	Read(*decap.Batch) error
	Received() uint64
}

// kept is a datagram that outlives its batch.
type kept struct {
	data  string
	outer netip.AddrPort
	wire  int
	vlan  uint16
}

// collect reads until there are n datagrams.
func collect(t testing.TB, from reader, n int) (all []kept) {
	t.Helper()
	var b decap.Batch
	for len(all) < n {
		readSome(t, from, &b)
		for _, d := range b.D[:b.N] {
			assert.Equal(t, len(d.Data), cap(d.Data))
			all = append(all, kept{string(d.Data), d.Outer, d.WireLen, d.VLAN})
		}
	}
	return all
}

// pattern returns bytes that differ by size and place.
func pattern(size int) []byte { return bytes.Repeat([]byte{byte(size), 0xa5, 7}, size/3+1)[:size] }

func TestRingReceives(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	w := newWire(t)
	r := w.ring(RingConfig{})[0]
	total := uint64(0)
	for _, ipv6 := range []bool{false, true} {
		for _, tag := range []uint16{0, 0x2007} {
			for _, size := range []int{0, 1, 8, 110, 1472, 8900} {
				t.Run(fmt.Sprintf("IPv6 %v, VLAN %d, %d bytes", ipv6, tag, size), func(t *testing.T) {
					from, to := w.target(ipv6, 4789)
					before := time.Now()
					w.put(outerSpec{from: from, to: to, payload: pattern(size), trailer: 3}.frame(w.outMAC, w.inMAC, tag))
					var b decap.Batch
					readSome(t, r, &b)
					require.Equal(t, 1, b.N)
					d := &b.D[0]
					assert.True(t, bytes.Equal(pattern(size), d.Data))
					assert.Equal(t, size, d.WireLen)
					assert.Equal(t, from, d.Outer)
					assert.Equal(t, tag, d.VLAN)
					assert.Equal(t, decap.LinkVXLAN, d.Link)
					assert.WithinDuration(t, before, time.Unix(0, d.Nanos), time.Minute)
					total++
				})
			}
		}
	}
	assert.Equal(t, total, r.Received())
	assert.Zero(t, r.Drops())
	assert.Zero(t, r.Truncated())
}

// TestRingTakesNothingElse sends what a UDP socket on the port would not get either.
func TestRingTakesNothingElse(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	w := newWire(t)
	w.inOrder()
	r := w.ring(RingConfig{Addr: netip.AddrPortFrom(w.target4, 4789)})[0]
	from, to := w.target(false, 4789)
	mirrored := outerSpec{from: from, to: to, payload: []byte("mirrored")}

	other := mirrored
	other.to = netip.AddrPortFrom(w.target4, 4790)
	w.put(other.frame(w.outMAC, w.inMAC, 0))
	other.to = netip.MustParseAddrPort("10.99.0.3:4789")
	w.put(other.frame(w.outMAC, w.inMAC, 0))
	w.sendTo(true, 4789, []byte("of the other family"))
	w.put(mirrored.frame([6]byte{2, 0xaa, 0, 0, 0, 9}, w.inMAC, 0))
	later := mirrored.frame(w.outMAC, w.inMAC, 0)
	later[decap.EthernetLen+7] = 1 // the fragment offset
	w.put(later)
	tcp := mirrored.frame(w.outMAC, w.inMAC, 0)
	tcp[decap.EthernetLen+9] = decap.TCP
	w.put(tcp)
	arp := mirrored.frame(w.outMAC, w.inMAC, 0)
	arp[13] = 6
	w.put(arp)
	w.put(mirrored.frame(w.outMAC, w.inMAC, 0)[:20])
	out := &wire{t: t, in: w.out, out: w.in} // what the host itself sends
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(fd)
	require.NoError(t, unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: indexOf(t, w.out)}))
	out.socket = fd
	out.put(mirrored.frame(w.inMAC, w.outMAC, 0))

	w.put(mirrored.frame(w.outMAC, w.inMAC, 0))
	assert.Equal(t, []kept{{data: "mirrored", outer: from, wire: 8}}, collect(t, r, 1), "which comes after all others")
	assert.EqualValues(t, 1, r.Received())
	assert.Zero(t, r.Drops())
}

func TestRingTellsFragmentsAndNonsense(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	w := newWire(t)
	w.inOrder()
	r := w.ring(RingConfig{})[0]
	for _, ipv6 := range []bool{false, true} {
		from, to := w.target(ipv6, 4789)
		w.put(outerSpec{from: from, to: to, payload: []byte("the first part"), fragment: true}.frame(w.outMAC, w.inMAC, 0))
		nonsense := outerSpec{from: from, to: to, payload: []byte("payload")}.frame(w.outMAC, w.inMAC, 0)
		nonsense[len(nonsense)-len("payload")-4] = 0xff // the length in the UDP header
		w.put(nonsense)
		assert.Equal(t, []kept{{data: "the first part", outer: from, wire: 14 + 1000}, {}}, collect(t, r, 2))
	}
	assert.EqualValues(t, 2, r.Truncated())
	assert.EqualValues(t, 4, r.Received())
	assert.Zero(t, r.Drops())
}

// TestRingSplitsMergedFrames sends frames of several datagrams as GRO or a sender's UDP_SEGMENT would make them.
func TestRingSplitsMergedFrames(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	w := newWire(t)
	r := w.ring(RingConfig{})[0]
	if err := unix.SetsockoptInt(w.socket, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1); err != nil {
		t.Skip("needs PACKET_VNET_HDR:", err)
	}
	from, to := w.target(false, 4789)
	for _, sizes := range [][2]int{{100, 950}, {1000, 64_000}, {300, 300}} {
		segment, total := sizes[0], sizes[1]
		payload := make([]byte, total)
		for i := range payload {
			payload[i] = byte(i / segment)
		}
		frame := outerSpec{from: from, to: to, payload: payload}.frame(w.outMAC, w.inMAC, 0)
		merge := []byte{1, mergedUDP, 42, 0, byte(segment), byte(segment >> 8), 34, 0, 6, 0}
		if total == segment {
			merge = make([]byte, mergeHeaderLen)
		}
		if _, err := unix.Write(w.socket, append(merge, frame...)); err != nil {
			t.Skip("needs Linux 6.2, to send merged datagrams:", err)
		}
		all := collect(t, r, (total+segment-1)/segment)
		var joined string
		for i, d := range all {
			require.Len(t, d.data, min(segment, total-i*segment))
			require.Equal(t, len(d.data), d.wire)
			require.Equal(t, from, d.outer)
			joined += d.data
		}
		require.True(t, string(payload) == joined)
	}
	assert.Zero(t, r.Drops())
}

// TestRingReadsInBatches goes around the ring several times: datagrams come whole, in order and once, and a batch stays as it
// was until the next Read.
func TestRingReadsInBatches(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	w := newWire(t)
	w.inOrder()
	r := w.ring(RingConfig{Size: 2 << 20})[0]
	const sent = 20_000
	lost := w.lostBefore()
	var b decap.Batch
	next := 0
	read := func() {
		require.NoError(t, r.Read(&b))
		for _, d := range b.D[:b.N] {
			require.Len(t, d.Data, 502)
			require.True(t, bytes.Equal(pattern(500), d.Data[:500]))
			number := int(d.Data[500]) | int(d.Data[501])<<8
			require.GreaterOrEqual(t, number, next)
			next = number + 1
		}
	}
	copied := func() (all []string) {
		for _, d := range b.D[:b.N] {
			all = append(all, string(d.Data))
		}
		return all
	}
	for i := range sent {
		before := copied()
		w.send(append(pattern(500), byte(i), byte(i>>8)))
		if i%20 == 0 {
			require.Equal(t, before, copied())
			read()
		}
	}
	arrived := func() uint64 { return sent - (w.lostBefore() - lost) }
	for end := time.Now().Add(hang); r.Received()+r.Drops() != arrived() && time.Now().Before(end); {
		read()
	}
	assert.Equal(t, arrived(), r.Received()+r.Drops())
	assert.Greater(t, r.Received(), uint64(sent/2))
}

// TestRingLendsItsMemory holds a batch while the kernel would like to fill the ring many times.
func TestRingLendsItsMemory(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	w := newWire(t)
	w.inOrder()
	r := w.ring(RingConfig{Size: 1})[0]
	var b decap.Batch
	for i := range 10 {
		w.send(pattern(100 + i))
		time.Sleep(3 * blockTimeout * time.Millisecond) // lets the kernel hand over blocks of one; the test holds without
	}
	readSome(t, r, &b)
	n := b.N
	for range 20_000 {
		w.send(pattern(1400))
	}
	for i := range n {
		require.True(t, bytes.Equal(pattern(100+i), b.D[i].Data), "datagram %d", i)
	}
	assert.NotZero(t, r.Drops())
	assert.NotZero(t, r.Freezes())
	require.NoError(t, r.Close())
	for i := range n {
		require.True(t, bytes.Equal(pattern(100+i), b.D[i].Data), "datagram %d after Close", i)
	}
	require.ErrorIs(t, r.Read(&b), os.ErrClosed)
	assert.Zero(t, b.N)
}

// TestRingLossIsExact sends more than the ring holds, with a reader that comes late, and with one that is there.
func TestRingLossIsExact(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	const sent = 20_000
	w := newWire(t)
	for _, rings := range []int{1, 3} {
		for _, late := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d rings, late %v", rings, late), func(t *testing.T) {
				group := w.ring(RingConfig{Rings: rings, Size: 1})
				before := w.lostBefore()
				count := func() (received, drops, freezes uint64) {
					for _, r := range group {
						drops += r.Drops()
						freezes += r.Freezes()
						received += r.Received()
					}
					return received, drops, freezes
				}
				accounted := func() bool {
					received, drops, _ := count()
					return received+drops == 2*sent-(w.lostBefore()-before)
				}
				var readers sync.WaitGroup
				var done atomic.Bool
				start := make(chan struct{})
				for _, r := range group {
					readers.Go(func() {
						<-start
						var b decap.Batch
						for !done.Load() && assert.NoError(t, r.Read(&b)) {
						}
					})
				}
				if !late {
					close(start)
				}
				for i := range sent {
					w.send(numberedFlow(i % 250).vxlan(7))
					w.sendTo(true, 4789, append(numberedFlow(i%250).vxlan(7), pattern(1000)...))
				}
				if late {
					close(start)
				}
				require.Eventually(t, accounted, hang, 10*time.Millisecond)
				done.Store(true)
				readers.Wait()
				received, drops, freezes := count()
				assert.Equal(t, 2*sent-(w.lostBefore()-before), received+drops)
				assert.NotZero(t, received)
				if late {
					assert.NotZero(t, drops)
				}
				if drops > 0 {
					assert.NotZero(t, freezes, "what is dropped is dropped by a frozen ring")
				}
				require.NoError(t, group[0].Close())
				_, dropsAfter, freezesAfter := count()
				assert.Equal(t, drops, dropsAfter, "the counters outlive the rings")
				assert.Equal(t, freezes, freezesAfter, "the counters outlive the rings")
			})
		}
	}
}

func TestRingCloseEndsEveryRead(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	w := newWire(t)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	descriptors := countDescriptors(t)
	rings := w.ring(RingConfig{Rings: 3, DropBehind: true})
	var reads sync.WaitGroup
	for _, r := range rings {
		r.poll = time.Hour
		reads.Go(func() {
			var b decap.Batch
			for range 2 {
				assert.ErrorIs(t, r.Read(&b), os.ErrClosed)
			}
		})
	}
	time.Sleep(20 * time.Millisecond) // lets some of the Reads come to wait; the test holds without
	var closes sync.WaitGroup
	for _, r := range rings {
		closes.Go(func() { assert.NoError(t, r.Close()) })
	}
	closes.Wait()
	reads.Wait()
	assert.Equal(t, descriptors, countDescriptors(t))
}
