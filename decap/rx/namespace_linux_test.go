package rx

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// namespaceOf names the test that a process was started for, in a network namespace of its own.
const namespaceOf = "MIRRORSINK_TEST_IN_NAMESPACE"

// inNamespace runs a test in a process that has a network namespace for itself, whose traffic never leaves it. It reports
// whether this is that process; the other one has nothing more to do. It skips the test where there are no namespaces.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(namespaceOf) == t.Name() {
		useNamespace(t)
		return true
	}
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), namespaceOf+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Skip("needs root and network namespaces:", err)
	}
	err = cmd.Wait()
	require.NoError(t, err, "%s", &out)
	if strings.Contains(out.String(), "--- SKIP: "+t.Name()) {
		t.Skip(out.String())
	}
	return false
}

// useNamespace sets up what every namespace has: loopback, and reception of packets from anywhere.
func useNamespace(t *testing.T) {
	t.Helper()
	setUp(t, "lo", true)
	for _, name := range []string{"all", "default"} {
		require.NoError(t, os.WriteFile(filepath.Join("/proc/sys/net/ipv4/conf", name, "rp_filter"), []byte("0"), 0))
	}
}

// A wire is a pair of interfaces: what goes into one end comes out of the other, where the mirror target would be.
type wire struct {
	t       testing.TB
	in, out string
	inMAC   [6]byte
	outMAC  [6]byte
	target4 netip.Addr // of out
	target6 netip.Addr
	source4 netip.Addr // of nobody
	source6 netip.Addr
	socket  int // for frames into in
}

// newWire makes a pair of interfaces with an MTU as in a VPC.
func newWire(t testing.TB) *wire {
	w := &wire{
		t: t, in: "mirrorin", out: "mirrorout", inMAC: [6]byte{2, 0xaa, 0, 0, 0, 1}, outMAC: [6]byte{2, 0xaa, 0, 0, 0, 2},
		target4: netip.MustParseAddr("10.99.0.2"), target6: netip.MustParseAddr("2001:db8:99::2"),
		source4: netip.MustParseAddr("10.99.0.77"), source6: netip.MustParseAddr("2001:db8:99::77"),
	}
	w.plug()
	return w
}

// plug makes the interfaces, in place of those that unplug took away.
func (w *wire) plug() {
	w.t.Helper()
	addVeth(w.t, w.in, w.inMAC, w.out, w.outMAC)
	setUp(w.t, w.in, true)
	setUp(w.t, w.out, true)
	addAddress(w.t, w.out, netip.PrefixFrom(w.target4, 24))
	addAddress(w.t, w.out, netip.PrefixFrom(w.target6, 64))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	require.NoError(w.t, err)
	require.NoError(w.t, unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: indexOf(w.t, w.in)}))
	require.NoError(w.t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 8<<20))
	w.socket = fd
	w.t.Cleanup(func() { _ = unix.Close(fd) })
	w.awaitFlow()
}

// awaitFlow waits until frames that are sent arrive, which is a moment after the interfaces are up. Those that it sends are of
// no protocol.
func (w *wire) awaitFlow() {
	w.t.Helper()
	probe := append(append(append([]byte{}, w.outMAC[:]...), w.inMAC[:]...), 0x88, 0xb5)
	require.Eventually(w.t, func() bool {
		before := w.lostBefore()
		w.put(probe)
		return w.lostBefore() == before
	}, hang, time.Millisecond)
}

func (w *wire) unplug() {
	w.t.Helper()
	body := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(body[4:], uint32(indexOf(w.t, w.out)))
	route(w.t, unix.RTM_DELLINK, 0, body)
}

// target returns where mirrored datagrams are sent to, in the family of the test's choice.
func (w *wire) target(ipv6 bool, port uint16) (from, to netip.AddrPort) {
	if ipv6 {
		return netip.AddrPortFrom(w.source6, 50000), netip.AddrPortFrom(w.target6, port)
	}
	return netip.AddrPortFrom(w.source4, 50000), netip.AddrPortFrom(w.target4, port)
}

// inOrder keeps the test on one processor: frames that are sent from several may overtake one another.
func (w *wire) inOrder() {
	w.t.Helper()
	runtime.LockOSThread()
	var was, one unix.CPUSet
	require.NoError(w.t, unix.SchedGetaffinity(0, &was))
	for cpu := 0; one.Count() == 0; cpu++ {
		if was.IsSet(cpu) {
			one.Set(cpu)
		}
	}
	require.NoError(w.t, unix.SchedSetaffinity(0, &one))
}

// put sends a frame.
func (w *wire) put(frame []byte) {
	w.t.Helper()
	_, err := unix.Write(w.socket, frame)
	require.NoError(w.t, err)
}

// send sends a datagram over IPv4 to the VXLAN port.
func (w *wire) send(payload []byte) {
	w.t.Helper()
	w.sendTo(false, 4789, payload)
}

func (w *wire) sendTo(ipv6 bool, port uint16, payload []byte) {
	w.t.Helper()
	from, to := w.target(ipv6, port)
	w.put(outerSpec{from: from, to: to, payload: payload}.frame(w.outMAC, w.inMAC, 0))
}

// lostBefore returns how many frames never reached the far end, since a queue in the kernel before it was full.
func (w *wire) lostBefore() uint64 {
	w.t.Helper()
	const dropped = 11 // the fourth counter of what was sent
	f, err := os.Open("/proc/self/net/dev")
	require.NoError(w.t, err)
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, counters, ok := strings.Cut(strings.TrimSpace(lines.Text()), ":"); ok && name == w.in {
			n, err := strconv.ParseUint(strings.Fields(counters)[dropped], 10, 64)
			require.NoError(w.t, err)
			return n
		}
	}
	w.t.Fatalf("no counters of %s", w.in)
	return 0
}

// stack returns the counters of the host's network stack that a received datagram moves.
func stack(t testing.TB) map[string]uint64 {
	text, err := os.ReadFile("/proc/self/net/snmp")
	require.NoError(t, err)
	counters := map[string]uint64{}
	var names []string
	for _, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case names == nil:
			names = fields
		default:
			for i, name := range names[1:] {
				if !strings.HasPrefix(fields[i+1], "-") {
					counters[names[0]+name], err = strconv.ParseUint(fields[i+1], 10, 64)
					require.NoError(t, err)
				}
			}
			names = nil
		}
	}
	keep := map[string]uint64{}
	for _, name := range []string{"Ip:InReceives", "Icmp:OutDestUnreachs", "Udp:InDatagrams", "Udp:NoPorts", "Udp:InErrors"} {
		require.Contains(t, counters, name)
		keep[name] = counters[name]
	}
	return keep
}

func indexOf(t testing.TB, name string) int {
	t.Helper()
	i, err := net.InterfaceByName(name)
	require.NoError(t, err)
	return i.Index
}

// route makes a request of rtnetlink that must succeed.
func route(t testing.TB, kind, flags uint16, body []byte) {
	t.Helper()
	s, err := openRouteSocket()
	require.NoError(t, err)
	defer s.close()
	require.NoError(t, s.request(kind, flags|unix.NLM_F_ACK, body, ignore))
}

func addVeth(t testing.TB, name string, mac [6]byte, peer string, peerMAC [6]byte) {
	t.Helper()
	end := func(name string, mac [6]byte) []byte {
		b := appendAttribute(make([]byte, unix.SizeofIfInfomsg), unix.IFLA_IFNAME, append([]byte(name), 0))
		b = appendAttribute(b, unix.IFLA_MTU, binary.NativeEndian.AppendUint32(nil, 9001))
		return appendAttribute(b, unix.IFLA_ADDRESS, mac[:])
	}
	const vethInfoPeer = 1
	info := appendAttribute(nil, unix.IFLA_INFO_KIND, []byte("veth"))
	info = appendAttribute(info, unix.IFLA_INFO_DATA, appendAttribute(nil, vethInfoPeer, end(peer, peerMAC)))
	route(t, unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, appendAttribute(end(name, mac), unix.IFLA_LINKINFO, info))
}

func addAddress(t testing.TB, name string, prefix netip.Prefix) {
	t.Helper()
	b := []byte{unix.AF_INET6, byte(prefix.Bits()), unix.IFA_F_NODAD, 0}
	if prefix.Addr().Is4() {
		b[0] = unix.AF_INET
	}
	b = binary.NativeEndian.AppendUint32(b, uint32(indexOf(t, name)))
	b = appendAttribute(b, unix.IFA_LOCAL, prefix.Addr().AsSlice())
	route(t, unix.RTM_NEWADDR, unix.NLM_F_CREATE, appendAttribute(b, unix.IFA_ADDRESS, prefix.Addr().AsSlice()))
}

func setUp(t testing.TB, name string, up bool) {
	t.Helper()
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], uint32(indexOf(t, name)))
	binary.NativeEndian.PutUint32(b[12:], unix.IFF_UP) // which flags to change
	if up {
		binary.NativeEndian.PutUint32(b[8:], unix.IFF_UP)
	}
	route(t, unix.RTM_NEWLINK, 0, b)
}
