package vxlan

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/decap/tx/internal/txtest"
)

// An arrival is a frame that a sensor received.
type arrival struct {
	host  int
	port  uint16
	vni   uint32
	frame []byte
}

// sensors listen at 127.0.1.1 and up, and decapsulate what arrives.
type sensors struct {
	t     *testing.T
	names []string
	got   chan arrival
}

func listenAsSensors(t *testing.T, n int) *sensors {
	s := &sensors{t: t, got: make(chan arrival, 1<<12)}
	for host := range n {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 1, byte(host+1))})
		require.NoError(t, err)
		s.names = append(s.names, c.LocalAddr().String())
		done := make(chan struct{})
		go func() { defer close(done); s.read(c, host) }()
		t.Cleanup(func() { c.Close(); <-done })
	}
	return s
}

func (s *sensors) read(c *net.UDPConn, host int) {
	for {
		buf := make([]byte, 1<<16)
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		var p decap.Packet
		d := decap.Datagram{Data: buf[:n], Outer: from, WireLen: n, Link: decap.LinkVXLAN}
		if why := (&decap.Decoder{}).Parse(&p, &d); why != decap.OK {
			s.t.Errorf("host %d got what is %v", host, why)
		}
		s.got <- arrival{host, from.Port(), p.VNI, p.Frame}
	}
}

// take waits for n frames.
func (s *sensors) take(n int) []arrival {
	s.t.Helper()
	all := make([]arrival, 0, n)
	late := time.After(2 * time.Minute)
	for len(all) < n {
		select {
		case a := <-s.got:
			all = append(all, a)
		case <-late:
			s.t.Fatalf("%d of %d frames came", len(all), n)
		}
	}
	return all
}

// openWithMTU opens a target that does not watch its one host, the path to which has an MTU.
func openWithMTU(t *testing.T, mtu int, cfg Config) (tx.Target, tx.Out) {
	v, err := newTarget(cfg)
	require.NoError(t, err)
	v.sensors[0].setMTU(mtu)
	o, err := v.Open()
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, o.Close())
		assert.NoError(t, v.Close())
	})
	return v, o
}

// TestFramesArrive: each once, as it was, those of a flow in order, at one host and from one port, in both directions, while
// several workers send.
func TestFramesArrive(t *testing.T) {
	const workers, batches, batch = 3, 20, 24
	s := listenAsSensors(t, 3)
	v, err := Open(Config{Hosts: s.names})
	require.NoError(t, err)
	type where struct {
		host int
		port uint16
	}
	places, next, ports := map[uint32]where{}, map[uint32]uint32{}, map[uint16]bool{}
	sent := [workers]map[uint64]*tx.Frame{}
	seqs := map[uint32]uint32{}
	outs := [workers]tx.Out{}
	for w := range outs {
		sent[w] = map[uint64]*tx.Frame{}
		outs[w], err = v.Open()
		require.NoError(t, err)
	}
	var total, octets uint64
	for range batches { // one at a time, since a socket's buffer holds few
		var all sync.WaitGroup
		for w := range outs {
			frames := make([]*tx.Frame, batch)
			for i := range frames {
				flow := uint32(w*1000 + rand.IntN(30))
				frames[i] = txtest.Frame(flow, seqs[flow], rand.IntN(2) == 0, rand.IntN(1200))
				sent[w][uint64(flow)<<32|uint64(seqs[flow])] = frames[i]
				seqs[flow]++
				octets += uint64(frames[i].Len())
			}
			all.Go(func() {
				for _, f := range frames {
					outs[w].Add(f)
				}
				outs[w].Flush()
			})
		}
		all.Wait()
		total += workers * batch
		for _, a := range s.take(workers * batch) {
			flow := txtest.Flow(a.frame)
			f := sent[flow/1000][uint64(flow)<<32|uint64(txtest.Seq(a.frame))]
			require.Equal(t, txtest.Bytes(f), a.frame)
			require.Equal(t, f.VNI, a.vni)
			require.Equal(t, next[flow], txtest.Seq(a.frame), "in order")
			next[flow]++
			place, known := places[flow]
			require.True(t, !known || place == where{a.host, a.port}, "a flow's one place")
			places[flow] = where{a.host, a.port}
			ports[a.port] = true
		}
	}
	for _, o := range outs {
		require.NoError(t, o.Close())
	}
	require.NoError(t, v.Close())
	assert.Equal(t, tx.Counts{Frames: total, Bytes: octets}, v.Counts())
	assert.Greater(t, len(ports), 2*workers, "many source ports")
	assert.Empty(t, s.got)
}

// TestOverIPv6 also mixes families, and sets the VNI.
func TestOverIPv6(t *testing.T) {
	c, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Skip("needs IPv6:", err)
	}
	s := listenAsSensors(t, 1)
	go s.read(c, 1)
	defer c.Close()
	_, o := openOut(t, Config{Hosts: append(s.names, c.LocalAddr().String()), VNI: 0xabcdef, SetVNI: true})
	seen := map[int]int{}
	for flow := range uint32(40) {
		f := txtest.Frame(flow, 0, false, 100)
		o.Add(f)
		o.Flush()
		a := s.take(1)[0]
		require.Equal(t, txtest.Bytes(f), a.frame)
		require.Equal(t, uint32(0xabcdef), a.vni)
		seen[a.host]++
	}
	assert.Len(t, seen, 2)
}

// TestMovesFlowsOfADeadHost while it is dead, and no others.
func TestMovesFlowsOfADeadHost(t *testing.T) {
	s := listenAsSensors(t, 3)
	var log txtest.Log
	door := listenTCP(t, "127.0.1.1:0")
	port := door.Addr().(*net.TCPAddr).Port
	for _, host := range []int{2, 3} {
		listenTCP(t, fmt.Sprintf("127.0.1.%d:%d", host, port))
	}
	v, o := openOut(t, Config{Hosts: s.names, Health: uint16(port), Log: log.Logger()})
	hosts := func() map[uint32]int {
		at := map[uint32]int{}
		for flow := range uint32(50) {
			o.Add(txtest.Frame(flow, 0, false, 0))
		}
		o.Flush()
		for _, a := range s.take(50) {
			at[txtest.Flow(a.frame)] = a.host
		}
		return at
	}
	before := hosts()
	require.NoError(t, door.Close())
	require.Eventually(t, func() bool { return v.Counts().Outages == 1 }, 2*time.Minute, 10*time.Millisecond)
	var moved uint64
	for flow, host := range hosts() {
		if before[flow] == 0 {
			assert.NotEqual(t, 0, host)
			moved++
		} else {
			assert.Equal(t, before[flow], host)
		}
	}
	assert.Positive(t, moved)
	assert.Equal(t, moved, v.Counts().Moved)
	listenTCP(t, fmt.Sprintf("127.0.1.1:%d", port))
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "answers again") }, 2*time.Minute, 10*time.Millisecond)
	assert.Equal(t, before, hosts())
	assert.Equal(t, moved, v.Counts().Moved)
	assert.Equal(t, 1, strings.Count(log.String(), "does not answer"))
}

// TestNobodyListens: that is the network's matter, and no loss of ours.
func TestNobodyListens(t *testing.T) {
	c := listen(t)
	to := c.LocalAddr().String()
	require.NoError(t, c.Close())
	v, o := openOut(t, Config{Hosts: []string{to}})
	for i := range uint32(100) {
		o.Add(txtest.Frame(7, i, false, 10))
		o.Flush()
	}
	counts := v.Counts()
	assert.Equal(t, uint64(100), counts.Frames)
	assert.Zero(t, counts.Outages)
}

// TestNeverFragments: a frame that is too long for the path is counted, and the frames around it arrive.
func TestNeverFragments(t *testing.T) {
	s := listenAsSensors(t, 1)
	v, o := openWithMTU(t, 1500, Config{Hosts: s.names})
	const overhead = 14 + 20 + 8 + 8 // of frameOf
	o.Add(txtest.Frame(1, 0, false, 1500-36-overhead))
	o.Add(txtest.Frame(1, 1, false, 1500-36-overhead+1))
	o.Add(txtest.Frame(1, 2, false, 0))
	o.Flush()
	got := s.take(2)
	assert.Len(t, got[0].frame, 1464)
	assert.Equal(t, uint32(2), txtest.Seq(got[1].frame))
	counts := v.Counts()
	assert.Equal(t, uint64(2), counts.Frames)
	assert.Equal(t, [tx.Losses]uint64{tx.Oversize: 1}, counts.Dropped)
}

// TestCutsLongTCP into segments that fit, which together carry what the long frames did, in order.
func TestCutsLongTCP(t *testing.T) {
	s := listenAsSensors(t, 1)
	v, o := openWithMTU(t, 1400, Config{Hosts: s.names, Segment: true})
	const frames, each = 12, 8000
	var sent, got []byte
	var packets [frames]decap.Packet
	for i := range packets {
		payload := bytes.Repeat([]byte{byte(i), byte(i >> 8), 7}, each/3)
		frame := txtest.TCPFrame(t, uint32(len(sent)), payload)
		d := decap.Datagram{Data: frame, WireLen: len(frame), Link: decap.LinkEthernet}
		require.Equal(t, decap.OK, (&decap.Decoder{}).Parse(&packets[i], &d))
		o.Add(&tx.Frame{Tail: frame, WireLen: len(frame), Hash: 5, Packet: &packets[i]})
		sent = append(sent, payload...)
	}
	o.Flush()
	segments := frames * 7 // 1310 bytes of payload each, and the last one
	for _, a := range s.take(segments) {
		var p decap.Packet
		require.LessOrEqual(t, len(a.frame), 1400-36)
		require.Equal(t, decap.OK, (&decap.Decoder{}).Parse(&p, &decap.Datagram{Data: a.frame, WireLen: len(a.frame), Link: decap.LinkEthernet}))
		require.False(t, p.VerifyChecksums())
		require.EqualValues(t, len(got), p.Seq)
		got = append(got, p.Payload...)
	}
	assert.True(t, bytes.Equal(sent, got))
	counts := v.Counts()
	assert.Equal(t, uint64(segments), counts.Segments)
	assert.Equal(t, uint64(frames), counts.Frames)
	assert.Zero(t, counts.Dropped)
}

// TestNoRoute: it is logged once, counted, tried again, and logged when it works again. Then a frame that the interface finds too long
// is counted too, also before the MTU is known.
func TestNoRoute(t *testing.T) {
	txtest.Namespace(t)
	var log txtest.Log
	v, o := openOut(t, Config{Hosts: []string{"127.0.0.1:4789"}, Log: log.Logger()})
	taken := uint64(0)
	send := func() tx.Counts {
		for i := range uint32(10) {
			o.Add(txtest.Frame(i, 0, false, 100))
		}
		o.Flush()
		taken += 10
		return v.Counts()
	}
	counts := send()
	assert.Equal(t, uint64(1), counts.Outages)
	assert.Equal(t, uint64(10), counts.Dropped[tx.Down])
	loopback(t, true, 1500)
	require.Eventually(t, func() bool { return send().Frames > 0 }, 2*time.Minute, 10*time.Millisecond)
	o.Add(txtest.Frame(0, 0, false, 2000)) // longer than the interface of this network lets through, of which the other goroutine knows nothing
	o.Add(txtest.Frame(0, 0, false, 1))
	o.Flush()
	taken += 2
	counts = v.Counts()
	assert.Equal(t, uint64(1), counts.Dropped[tx.Oversize])
	assert.Equal(t, uint64(1), counts.Outages, "logged once")
	assert.Equal(t, taken, counts.Frames+counts.Dropped[tx.Down]+counts.Dropped[tx.Oversize])
	assert.Equal(t, 1, strings.Count(log.String(), "cannot send to a sensor"))
	assert.Equal(t, 1, strings.Count(log.String(), "sending to a sensor again"))
}

// loopback sets lo of the thread's network up or down, with an MTU.
func loopback(t *testing.T, up bool, mtu uint32) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	require.NoError(t, err)
	defer unix.Close(fd)
	req, err := unix.NewIfreq("lo")
	require.NoError(t, err)
	req.SetUint32(mtu)
	require.NoError(t, unix.IoctlIfreq(fd, unix.SIOCSIFMTU, req))
	req, _ = unix.NewIfreq("lo")
	if up {
		req.SetUint16(unix.IFF_UP)
	}
	require.NoError(t, unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req))
}

func listenTCP(t *testing.T, addr string) net.Listener {
	l, err := net.Listen("tcp4", addr)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// listen returns a socket that takes what it has room for.
func listen(t testing.TB) *net.UDPConn {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}
