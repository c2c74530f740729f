package rx

import (
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/netif"
)

// steered sends both directions of flows over both families, and reads each of them from the ring that the reference chooses.
func (w *wire) steered(rings []*Ring, port uint16, link decap.Link) {
	w.t.Helper()
	const flows = 200
	rnd := rand.New(rand.NewPCG(1, 2))
	before := uint64(0)
	for _, r := range rings {
		before += r.Received()
	}
	for i := range flows {
		f := numberedFlow(i)
		for _, d := range []steerFrame{f, f.reverse()} {
			payload := d.vxlan(uint32(i))
			if link == decap.LinkGENEVE {
				payload = geneve(8, 0x6558, d.ethernet())
			}
			from, to := w.target(rnd.IntN(2) == 1, port)
			from = netip.AddrPortFrom(from.Addr(), uint16(rnd.Uint32()))
			o := outerSpec{from: from, to: to, payload: payload}
			if to.Addr().Is4() {
				o.options = rnd.IntN(3)
			}
			w.put(o.frame(w.outMAC, w.inMAC, uint16(rnd.IntN(2))))
		}
	}
	total := before
	var b decap.Batch
	for end := time.Now().Add(hang); total < before+2*flows && time.Now().Before(end); {
		for i, r := range rings {
			r.poll = 5 * time.Millisecond
			require.NoError(w.t, r.Read(&b))
			for _, d := range b.D[:b.N] {
				require.Equal(w.t, i, decap.SteerTo(steerHash(d.Data, d.Link), len(rings)))
			}
			total += uint64(b.N)
		}
	}
	assert.EqualValues(w.t, before+2*flows, total)
}

func TestRingSteers(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	w := newWire(t)
	cfg := RingConfig{Rings: 4}
	vxlan := w.ring(cfg)
	cfg.Link, cfg.Addr = decap.LinkGENEVE, netip.MustParseAddrPort("[::]:6081")
	geneve := w.ring(cfg)
	w.steered(vxlan, 4789, decap.LinkVXLAN)
	w.steered(geneve, 6081, decap.LinkGENEVE)
	for _, r := range append(vxlan, geneve...) {
		assert.InDelta(t, 100, r.Received(), 50)
		assert.Zero(t, r.Drops())
	}
}

// TestRingComesBack takes the interface down, and away, and finds every flow at its ring when it is there again.
func TestRingComesBack(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	w := newWire(t)
	changes := make(chan error, 10)
	rings := w.ring(RingConfig{Rings: 3, DropBehind: true, Changed: func(err error) { changes <- err }})
	// nextChange waits for a call of Changed while the rings are read, as workers do.
	nextChange := func() error {
		var b decap.Batch
		for end := time.Now().Add(hang); time.Now().Before(end); {
			for _, r := range rings {
				require.NoError(t, r.Read(&b))
			}
			select {
			case err := <-changes:
				return err
			default:
			}
		}
		t.Fatal("Changed was not called")
		return nil
	}
	w.steered(rings, 4789, decap.LinkVXLAN)

	setUp(t, w.out, false)
	require.ErrorIs(t, nextChange(), netif.ErrDown)
	setUp(t, w.out, true)
	require.NoError(t, nextChange())
	addAddress(t, w.out, netip.PrefixFrom(w.target6, 64)) // which went with the interface
	w.awaitFlow()
	w.steered(rings, 4789, decap.LinkVXLAN)
	assert.EqualValues(t, 1, rings[0].Lost())

	w.unplug()
	require.ErrorIs(t, nextChange(), unix.ENODEV)
	w.plug()
	require.NoError(t, nextChange())
	w.steered(rings, 4789, decap.LinkVXLAN)
	assert.EqualValues(t, 2, rings[0].Lost())
	assert.Len(t, w.filters(), 1, "the drop filter is there again")
	assert.Empty(t, changes)

	require.NoError(t, rings[0].Close())
	assert.Empty(t, w.filters())
}

func TestListenRingSaysWhatIsWrong(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	w := newWire(t)
	descriptors := countDescriptors(t)
	any4 := netip.MustParseAddrPort("0.0.0.0:4789")
	refused := func(cfg RingConfig, want string, is error) {
		t.Helper()
		cfg.Link = decap.LinkVXLAN
		_, err := ListenRing(cfg)
		require.Error(t, err)
		assert.Contains(t, err.Error(), want)
		assert.NotContains(t, err.Error(), "\n")
		if is != nil {
			assert.ErrorIs(t, err, is)
		}
	}
	refused(RingConfig{Interface: "absent0", Addr: any4}, "listen on ring absent0: no such device", unix.ENODEV)
	refused(RingConfig{Interface: "", Addr: any4}, "cannot be the name of an interface", nil)
	refused(RingConfig{Interface: "an interface", Addr: any4}, "cannot be the name of an interface", nil)
	refused(RingConfig{Interface: w.out, Addr: any4, Rings: 257}, "257 rings", nil)
	refused(RingConfig{Interface: w.out, Addr: any4, Size: -1}, "a ring of -1 bytes", nil)
	refused(RingConfig{Interface: w.out}, "no address", nil)
	refused(RingConfig{Interface: w.out, Addr: netip.MustParseAddrPort("192.0.2.1:4789")}, "no interface of this host", unix.EADDRNOTAVAIL)

	taken, err := ListenUDP(UDPConfig{Addr: any4, Link: decap.LinkVXLAN})
	require.NoError(t, err)
	refused(RingConfig{Interface: w.out, Addr: any4}, "stop the program", unix.EADDRINUSE)
	require.NoError(t, taken[0].Close())

	without := func(capabilities uint32, cfg RingConfig, want string) {
		t.Helper()
		var thread sync.WaitGroup
		thread.Go(func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
			header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
			var data [2]unix.CapUserData
			if assert.NoError(t, unix.Capget(&header, &data[0])) {
				data[0].Effective &^= capabilities
				assert.NoError(t, unix.Capset(&header, &data[0]))
				_, err := ListenRing(cfg)
				assert.ErrorIs(t, err, unix.EPERM)
				assert.ErrorContains(t, err, want)
			}
		})
		thread.Wait()
	}
	cfg := RingConfig{Interface: w.out, Addr: any4, Link: decap.LinkVXLAN, DropBehind: true}
	without(1<<unix.CAP_NET_RAW, cfg, "needs CAP_NET_RAW")
	without(1<<unix.CAP_NET_ADMIN, cfg, "needs CAP_NET_ADMIN")
	assert.Equal(t, descriptors, countDescriptors(t))

	setUp(t, w.out, false)
	refused(cfg, "the interface is down", nil)
}

// TestRingNeedsNoMoreThanItSays opens rings with CAP_NET_RAW as the one capability.
func TestRingNeedsNoMoreThanItSays(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	w := newWire(t)
	var thread sync.WaitGroup
	thread.Go(func() {
		runtime.LockOSThread()
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		only := [2]unix.CapUserData{{Effective: 1 << unix.CAP_NET_RAW, Permitted: 1 << unix.CAP_NET_RAW}}
		if assert.NoError(t, unix.Capset(&header, &only[0])) {
			rings, err := ListenRing(RingConfig{Interface: w.out, Addr: netip.MustParseAddrPort("[::]:4789"), Rings: 2, Link: decap.LinkVXLAN})
			if assert.NoError(t, err) {
				assert.NoError(t, rings[0].Close())
			}
		}
	})
	thread.Wait()
}

// TestRingEqualsUDP sends the same traffic to a ring and to a socket, on ports of their own, and expects the same datagrams
// in the same order. It sends no IP fragments, which a socket would wait for, and leaves out what the ring returns for invalid packets,
// which a socket never sees.
func TestRingEqualsUDP(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	w := newWire(t)
	w.inOrder()
	const atRing, atSocket = 4789, 4790
	ring := w.ring(RingConfig{})[0]
	socket := listen(t, UDPConfig{Addr: netip.MustParseAddrPort("[::]:4790")})[0]
	untilLast := func(from reader) (all []kept) {
		for {
			for _, d := range collect(t, from, 1) {
				if d.data == "the last one" {
					return all
				}
				if d.outer.IsValid() {
					all = append(all, d)
				}
			}
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		packets := rapid.SliceOfN(rapid.Custom(w.drawPacket), 1, 100).Draw(rt, "packets")
		for _, port := range []uint16{atRing, atSocket} {
			for _, p := range packets {
				w.put(p.to(port, w))
			}
			w.sendTo(false, port, []byte("the last one"))
		}
		require.Equal(rt, untilLast(socket), untilLast(ring))
	})
	assert.Zero(t, ring.Drops())
	assert.Zero(t, socket.Drops())
}

// packetToSend is a packet whose length in the UDP header may be wrong, and which may be for another port.
type packetToSend struct {
	outer     outerSpec
	elsewhere bool
	length    int // -1 for the right one
}

func (w *wire) drawPacket(t *rapid.T) packetToSend {
	p := packetToSend{length: -1, elsewhere: rapid.IntRange(0, 9).Draw(t, "elsewhere") == 0}
	p.outer = drawOuter(t, []netip.AddrPort{netip.AddrPortFrom(w.target4, 0), netip.AddrPortFrom(w.target6, 0)})
	p.outer.fragment = false
	source := w.source6
	if p.outer.to.Addr().Is4() {
		source = w.source4
	}
	p.outer.from = netip.AddrPortFrom(source, p.outer.from.Port())
	if rapid.IntRange(0, 5).Draw(t, "damage") == 0 {
		p.length = int(rapid.Byte().Draw(t, "UDP length"))
	}
	return p
}

func (p packetToSend) to(port uint16, w *wire) []byte {
	if p.elsewhere {
		port = 53
	}
	o := p.outer
	o.to = netip.AddrPortFrom(o.to.Addr(), port)
	frame := o.frame(w.outMAC, w.inMAC, 0)
	if p.length >= 0 {
		udp := len(frame) - o.trailer - len(o.payload) - decap.UDPLen
		frame[udp+5] = byte(p.length)
	}
	return frame
}

func TestRingReadAllocatesNothing(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	w := newWire(t)
	r := w.ring(RingConfig{})[0]
	r.poll = 5 * time.Millisecond
	from, to := w.target(false, 4789)
	frame := outerSpec{from: from, to: to, payload: pattern(200)}.frame(w.outMAC, w.inMAC, 0)
	var b decap.Batch
	assert.Zero(t, testing.AllocsPerRun(20, func() {
		for range decap.BatchSize {
			_, _ = unix.Write(w.socket, frame)
		}
		for got := 0; got < decap.BatchSize; got += b.N {
			readSome(t, r, &b)
		}
	}))
	// Of many, since the group looks at the interface now and then, and allocates a little when it does.
	assert.Zero(t, testing.AllocsPerRun(300, func() { _ = r.Read(&b) }), "an empty batch")
}
