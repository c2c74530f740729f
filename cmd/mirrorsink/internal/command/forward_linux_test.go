package command

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// ip runs a command of iproute2.
func ip(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	require.NoError(t, err, "ip %v: %s", args, out)
}

// withVeth makes a pair of interfaces, in a network namespace of the test's own. It reports whether this is the process in there.
func withVeth(t *testing.T) bool {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip of iproute2")
	}
	if !aloneOnLoopback(t) {
		return false
	}
	// What the kernel itself would send, neighbour discovery and the like, is no frame of ours.
	require.NoError(t, os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0))
	addVeth(t)
	return true
}

func addVeth(t *testing.T) {
	t.Helper()
	ip(t, "link", "add", "veth0", "mtu", "9216", "type", "veth", "peer", "name", "veth1", "mtu", "9216")
	for _, end := range []string{"veth1", "veth0"} {
		ip(t, "link", "set", end, "up")
	}
	for _, end := range []string{"veth1", "veth0"} {
		awaitCarrier(t, end)
	}
}

// awaitCarrier waits until what is sent into an interface arrives, which is a moment after both of its ends are up.
func awaitCarrier(t *testing.T, name string) {
	t.Helper()
	require.Eventually(t, func() bool {
		iface, err := net.InterfaceByName(name)
		return err == nil && iface.Flags&net.FlagRunning != 0
	}, testTimeout, time.Millisecond)
}

// frameReader is who reads an interface.
type frameReader struct {
	fd int
	mu sync.Mutex // guards captured
	// captured are the frames that came in.
	captured []aFrame
	ended    sync.WaitGroup
}

// listenTo reads an interface until the test ends, or stop is called.
func listenTo(t *testing.T, name string) *frameReader {
	t.Helper()
	all := binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, unix.ETH_P_ALL))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1))
	require.NoError(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20))
	require.NoError(t, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50_000}))
	iface, err := net.InterfaceByName(name)
	require.NoError(t, err)
	require.NoError(t, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: iface.Index}))
	e := &frameReader{fd: fd}
	quit := make(chan struct{})
	e.ended.Go(func() { e.read(quit) })
	t.Cleanup(func() {
		close(quit)
		e.ended.Wait()
		unix.Close(fd)
	})
	return e
}

func (e *frameReader) read(quit <-chan struct{}) {
	buf, control := make([]byte, 1<<16), make([]byte, 256)
	for {
		select {
		case <-quit:
			return
		default:
		}
		n, nc, _, from, err := unix.Recvmsg(e.fd, buf, control, 0)
		if err != nil {
			continue // nothing came yet, or the interface is down
		}
		if sender, ok := from.(*unix.SockaddrLinklayer); ok && sender.Pkttype == unix.PACKET_OUTGOING {
			continue
		}
		f := aFrame{vlan: takenTag(control[:nc]), data: string(buf[:n])}
		e.mu.Lock()
		e.captured = append(e.captured, f)
		e.mu.Unlock()
	}
}

// takenTag returns the tag that the kernel has taken off a frame.
func takenTag(control []byte) uint16 {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return 0
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_PACKET && m.Header.Type == unix.PACKET_AUXDATA {
			const status, tci = 0, 16 // of struct tpacket_auxdata
			if binary.NativeEndian.Uint32(m.Data[status:])&unix.TP_STATUS_VLAN_VALID != 0 {
				return binary.NativeEndian.Uint16(m.Data[tci:]) & 0xfff
			}
		}
	}
	return 0
}

func (e *frameReader) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.captured)
}

// frames waits for a number of frames, and returns all that came.
func (e *frameReader) frames(t *testing.T, n int) []aFrame {
	t.Helper()
	require.Eventually(t, func() bool { return e.count() >= n }, testTimeout, 5*time.Millisecond, "%d of %d frames came", e.count(), n)
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]aFrame(nil), e.captured...)
}

func (s *running) awaitPassed(n int) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		return s.scrape()["mirrorsink_forward_passed_frames_total"] == uint64(n)
	}, testTimeout, 5*time.Millisecond)
}

func TestListenForwardsIntoInterfaces(t *testing.T) {
	if !withVeth(t) {
		return
	}
	for _, c := range []struct {
		capture, target, read string
		more                  []string
	}{
		{"plain-misc.pcap", "iface:veth0", "veth1", nil},
		{"plain-misc.pcap", "tap:tap0", "tap0", nil},
		{"plain-tls.pcap", "iface:veth0", "veth1", []string{"--workers=3", "--source=ring:lo"}},
		{"plain-http.pcap", "tap:tap0", "tap0", []string{"--workers=3"}},
		{"plain-dns.pcap", "iface:veth0", "veth1", []string{"--forward-vlan=off", "--forward-copies=both"}},
	} {
		want := captured(t, testdata(c.capture))
		s := startListen(t, append([]string{"--eve", eveFile(t), "--forward", c.target, "--workers=1"}, c.more...)...)
		e := listenTo(t, c.read)
		s.send(testdata(c.capture), "--vni=7", "--speed=0", "--rate=20000")
		got := e.frames(t, len(want))
		sameFrames(t, want, got)
		assert.Len(t, tagsOf(got), 1)
		assert.Equal(t, slices.Contains(c.more, "--forward-vlan=off"), tagsOf(got)[0], "tagged unless it is off")
		last := s.scrape()
		assert.EqualValues(t, len(want), last[`mirrorsink_forward_frames_total{target="`+c.target+`"}`])
		assert.Zero(t, last.sum("mirrorsink_forward_dropped_frames_total"))
		require.Equal(t, exitOK, s.end(), s.stderr.String())
	}
}

func TestOverlappingNetworksArriveUnderTwoTags(t *testing.T) {
	if !withVeth(t) {
		return
	}
	want := captured(t, testdata("mirror-overlap.pcap"))
	for _, target := range []string{"iface:veth0", "tap:tap0"} {
		s := startListen(t, "--eve", eveFile(t), "--forward", target, "--workers=2")
		e := listenTo(t, map[string]string{"iface:veth0": "veth1", "tap:tap0": "tap0"}[target])
		playMirrored(t, testdata("mirror-overlap.pcap"), s.udp)
		got := e.frames(t, len(want))
		sameFrames(t, want, got)
		assert.Len(t, tagsOf(got), 2)
		assert.NotContains(t, tagsOf(got), uint16(0))
		require.Equal(t, exitOK, s.end(), s.stderr.String())
	}
}

// playMirrored sends the mirrored copies of a capture as they are.
func playMirrored(t *testing.T, name, to string) {
	t.Helper()
	conn, err := net.Dial("udp", to)
	require.NoError(t, err)
	defer conn.Close()
	for _, f := range captured(t, name) {
		header := binary.BigEndian.AppendUint32([]byte{8, 0, 0, 0}, f.vni<<8)
		_, err := conn.Write(append(header, f.data...))
		require.NoError(t, err)
		time.Sleep(50 * time.Microsecond)
	}
}

func TestListenForwardsInVXLAN(t *testing.T) {
	needsLinux(t)
	sensor, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer sensor.Close()
	require.NoError(t, sensor.SetReadBuffer(16<<20))
	s := startListen(t, "--eve", eveFile(t), "--forward", "vxlan:"+sensor.LocalAddr().String())
	want := captured(t, testdata("plain-http.pcap"))
	s.send(testdata("plain-http.pcap"), "--vni=7", "--speed=0", "--rate=20000")
	var got []aFrame
	buf := make([]byte, 1<<16)
	require.NoError(t, sensor.SetReadDeadline(time.Now().Add(testTimeout)))
	for len(got) < len(want) {
		n, err := sensor.Read(buf)
		require.NoError(t, err)
		f := untag(buf[8:n])
		assert.EqualValues(t, 7, binary.BigEndian.Uint32(buf[4:])>>8)
		got = append(got, f)
	}
	sameFrames(t, want, got)
	assert.Len(t, tagsOf(got), 1)
	assert.NotContains(t, tagsOf(got), uint16(0))
	require.Equal(t, exitOK, s.end(), s.stderr.String())
}

// The loss of an interface does not stop inspection. It is logged once and counted, and forwarding resumes when the interface is back.
func TestInterfaceThatGoesAndComesBack(t *testing.T) {
	if !withVeth(t) {
		return
	}
	for _, c := range []struct {
		target, read string
		away, back   func()
		remade       bool // by listen itself, perhaps before a frame comes that would be dropped
	}{
		{"iface:veth0", "veth1", func() { ip(t, "link", "set", "veth0", "down") }, func() { ip(t, "link", "set", "veth0", "up") }, false},
		{"iface:veth0", "veth1", func() { ip(t, "link", "del", "veth0") }, func() { addVeth(t) }, false},
		{"tap:tap0", "tap0", func() { ip(t, "link", "set", "tap0", "down") }, func() { ip(t, "link", "set", "tap0", "up") }, false},
		{"tap:tap0", "tap0", func() { ip(t, "link", "del", "tap0") }, func() {}, true},
	} {
		s := startListen(t, "--eve", eveFile(t), "--forward", c.target, "--workers=1")
		series := `{target="` + c.target + `"}`
		once := func() { s.send(testdata("plain-dns.pcap"), "--vni=7", "--speed=0", "--rate=20000") }
		once()
		frames := len(captured(t, testdata("plain-dns.pcap")))
		s.awaitPassed(frames)
		require.Zero(t, s.scrape().sum("mirrorsink_forward_dropped_frames_total"))

		c.away()
		once()
		s.awaitPassed(2 * frames) // inspection goes on
		down := "mirrorsink_forward_dropped_frames_total{reason=\"down\",target=\"" + c.target + "\"}"
		outages := "mirrorsink_forward_outages_total" + series
		require.Eventually(t, func() bool {
			if now := s.scrape(); now[outages] == 1 && (c.remade || now[down] > 0) {
				return true
			}
			once() // the first frames after the interface went may be those by which that is noticed
			return false
		}, testTimeout, 200*time.Millisecond, "%s", c.target)

		c.back()
		var e *frameReader
		require.Eventually(t, func() bool {
			if _, err := net.InterfaceByName(c.read); err == nil && e == nil {
				e = listenTo(t, c.read)
			}
			once()
			return e != nil && e.count() > 0
		}, testTimeout, 200*time.Millisecond, "%s", &s.stderr)
		assert.EqualValues(t, 1, s.scrape()[outages])
		require.Equal(t, exitOK, s.end(), s.stderr.String())
	}
}

// A reader that reads nothing costs its own frames only, and gets those that come when it reads again.
func TestReaderThatStops(t *testing.T) {
	if !aloneOnLoopback(t) {
		return
	}
	for _, goesOn := range []bool{false, true} {
		readerThatStops(t, goesOn)
	}
}

func readerThatStops(t *testing.T, goesOn bool) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	old := os.Stdout
	os.Stdout = w
	defer func() { os.Stdout = old }()
	s := startListen(t, "--eve", eveFile(t), "--forward", "pcap:-", "--memory=16MiB", "--workers=1", "--deadline=200ms")
	var sent uint64
	require.Eventually(t, func() bool {
		sent += s.send(testdata("plain-http.pcap"), "--vni=7", "--speed=0", "--rate=50000", "--loop=50")
		return s.scrape()[`mirrorsink_forward_dropped_frames_total{reason="queue_full",target="pcap:-"}`] > 0
	}, testTimeout, time.Millisecond)
	s.awaitAll(sent)
	if goesOn {
		before := s.scrape()[`mirrorsink_forward_frames_total{target="pcap:-"}`]
		go func() { _, _ = io.Copy(io.Discard, r) }() // ends when r is closed
		require.Eventually(t, func() bool {
			return s.scrape()[`mirrorsink_forward_queued_frames{target="pcap:-"}`] == 0
		}, testTimeout, 5*time.Millisecond)
		assert.Greater(t, s.scrape()[`mirrorsink_forward_frames_total{target="pcap:-"}`], before)
		require.Equal(t, exitOK, s.end(), s.stderr.String())
		return
	}
	assert.Equal(t, exitError, s.end(), "frames are lost")
	assert.Regexp(t, `\d+ frames lost`, s.stderr.String())
}

// A full disk is an outage like any other.
func TestDiskThatIsFull(t *testing.T) {
	if !aloneOnLoopback(t) {
		return
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skip("needs a tmpfs of its own:", err)
	}
	defer func() { assert.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) }()
	target := "pcap:" + dir
	s := startListen(t, "--eve", eveFile(t), "--forward", target+",size=64KiB,rotate=1h", "--workers=1")
	var sent uint64
	fill := func() {
		sent += s.send(testdata("plain-http.pcap"), "--vni=7", "--speed=0", "--rate=20000", "--loop=20")
	}
	require.Eventually(t, func() bool {
		fill()
		return s.scrape()[`mirrorsink_forward_dropped_frames_total{reason="down",target="`+target+`"}`] > 0
	}, testTimeout, time.Millisecond)
	s.awaitAll(sent)
	assert.EqualValues(t, 1, s.scrape()[`mirrorsink_forward_outages_total{target="`+target+`"}`])

	files, err := filepath.Glob(filepath.Join(dir, "*.pcapng"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		require.NoError(t, os.Remove(f))
	}
	before := s.scrape()[`mirrorsink_forward_frames_total{target="`+target+`"}`]
	require.Eventually(t, func() bool {
		sent += s.send(testdata("plain-dns.pcap"), "--vni=7", "--speed=0", "--rate=20000")
		return s.scrape()[`mirrorsink_forward_frames_total{target="`+target+`"}`] > before
	}, testTimeout, 200*time.Millisecond, "%s", &s.stderr)
	s.awaitAll(sent)
	require.Equal(t, exitOK, s.end(), s.stderr.String())
	assert.NotEmpty(t, forwardedFiles(t, dir))
}

func TestInterfaceThatCannotBeOpened(t *testing.T) {
	if !withVeth(t) {
		return
	}
	ip(t, "link", "set", "veth0", "down")
	for target, says := range map[string]string{
		"iface:absent0": "forward to iface:absent0: ", "iface:veth0": "the interface is down", "tap:veth0": "forward to tap:veth0: ",
	} {
		r := runHere(t, "listen", "--listen=127.0.0.1:0", "--metrics=off", "--eve", eveFile(t), "--forward", target)
		assert.Equal(t, exitError, r.code)
		assert.Contains(t, r.stderr, says)
		oneLine(t, r.stderr)
	}
}
