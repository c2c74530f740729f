package iface_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/decap/tx/iface"
	"github.com/mirrorsink/mirrorsink/decap/tx/internal/txtest"
)

// addVeth makes a pair of interfaces that are up and have the MTU of a VPC: what goes into one arrives at the other.
func addVeth(t testing.TB, name, peer string) {
	t.Helper()
	const vethInfoPeer = 1
	named := func(name string) []byte {
		return attribute(make([]byte, unix.SizeofIfInfomsg), unix.IFLA_IFNAME, append([]byte(name), 0))
	}
	info := attribute(nil, unix.IFLA_INFO_KIND, []byte("veth"))
	info = attribute(info, unix.IFLA_INFO_DATA, attribute(nil, vethInfoPeer, named(peer)))
	require.NoError(t, route(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, attribute(named(name), unix.IFLA_LINKINFO, info)))
	for _, end := range []string{name, peer} {
		setUp(t, end, true)
	}
	for _, end := range []string{name, peer} {
		awaitCarrier(t, end)
		setMTU(t, end, 9001)
	}
}

// awaitCarrier waits until what is sent into an interface arrives. That is a moment after both of its ends are up, and another moment
// after it is reported to be running: until then its queue takes nothing.
func awaitCarrier(t testing.TB, name string) {
	t.Helper()
	await(t, func() bool { return flagsOf(t, name)&unix.IFF_RUNNING != 0 })
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(fd)
	at, err := net.InterfaceByName(name)
	require.NoError(t, err)
	await(t, func() bool {
		return unix.Sendto(fd, make([]byte, 60), 0, &unix.SockaddrLinklayer{Ifindex: at.Index}) == nil
	})
}

func deleteLink(t testing.TB, name string) {
	t.Helper()
	body := attribute(make([]byte, unix.SizeofIfInfomsg), unix.IFLA_IFNAME, append([]byte(name), 0))
	require.NoError(t, route(unix.RTM_DELLINK, 0, body))
}

// route makes a request of rtnetlink.
func route(kind, flags uint16, body []byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	m := binary.NativeEndian.AppendUint32(nil, uint32(unix.NLMSG_HDRLEN+len(body)))
	m = binary.NativeEndian.AppendUint16(m, kind)
	m = binary.NativeEndian.AppendUint16(m, flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	m = append(append(m, make([]byte, 8)...), body...)
	if err := unix.Sendto(fd, m, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return err
	}
	if n < unix.NLMSG_HDRLEN+4 {
		return errors.New("no acknowledgment")
	}
	if errno := -int32(binary.NativeEndian.Uint32(answer[unix.NLMSG_HDRLEN:])); errno != 0 {
		return unix.Errno(errno)
	}
	return nil
}

func attribute(b []byte, kind uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofNlAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	return append(append(b, value...), make([]byte, -len(value)&3)...)
}

// configure makes a request of netdevice(7).
func configure(t testing.TB, name string, what uint, set func(*unix.Ifreq)) *unix.Ifreq {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(fd)
	request, err := unix.NewIfreq(name)
	require.NoError(t, err)
	set(request)
	require.NoError(t, unix.IoctlIfreq(fd, what, request))
	return request
}

func setMTU(t testing.TB, name string, mtu int) {
	t.Helper()
	configure(t, name, unix.SIOCSIFMTU, func(r *unix.Ifreq) { r.SetUint32(uint32(mtu)) })
}

func flagsOf(t testing.TB, name string) uint16 {
	t.Helper()
	return configure(t, name, unix.SIOCGIFFLAGS, func(*unix.Ifreq) {}).Uint16()
}

func setUp(t testing.TB, name string, up bool) {
	t.Helper()
	flags := flagsOf(t, name) &^ unix.IFF_UP
	if up {
		flags |= unix.IFF_UP
	}
	configure(t, name, unix.SIOCSIFFLAGS, func(r *unix.Ifreq) { r.SetUint16(flags) })
}

// marker starts every frame of ours, which is addressed to no host: the kernel's own frames do not count.
var marker = []byte{2, 0x66, 0x66, 0x66, 0x66, 0x66}

// plainFrame returns a frame that differs from those of other numbers and sizes. It has at least 18 bytes.
func plainFrame(number, size int) []byte {
	b := bytes.Repeat([]byte{byte(number)}, size)
	copy(b, marker)
	copy(b[6:], []byte{2, 0, 0, 0, 0, 1, 0x88, 0xb5})
	binary.BigEndian.PutUint32(b[14:], uint32(number))
	return b
}

// withTag returns a frame with a tag put in.
func withTag(frame []byte, vlan uint16) []byte {
	b := binary.BigEndian.AppendUint16(append(bytes.Clone(frame[:12]), 0x81, 0), vlan)
	return append(b, frame[12:]...)
}

// a reader sees what arrives at an interface, or leaves by it.
type reader struct {
	t   testing.TB
	fd  int
	buf []byte
}

// read starts to read an interface.
func read(t testing.TB, name string) *reader {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = unix.Close(fd) })
	require.NoError(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20))
	require.NoError(t, unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1))
	require.NoError(t, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 120}))
	at, err := net.InterfaceByName(name)
	require.NoError(t, err)
	all := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ALL >> 8, unix.ETH_P_ALL})
	require.NoError(t, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: at.Index}))
	return &reader{t: t, fd: fd, buf: make([]byte, 1<<17)}
}

// next returns the next frame of ours, with the tag that the kernel took off.
func (r *reader) next() []byte {
	r.t.Helper()
	for {
		frame, err := r.receive(0)
		if err != nil {
			stats, _ := unix.GetsockoptTpacketStats(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
			require.NoError(r.t, err, "no frame arrived; of all since the last one the socket counts %+v", stats)
		}
		if bytes.HasPrefix(frame, marker) {
			return frame
		}
	}
}

// expect waits for n more frames of ours, and requires that no further ones have arrived.
func (r *reader) expect(n uint64) {
	r.t.Helper()
	for range n {
		r.next()
	}
	require.Zero(r.t, r.drain())
}

// drain returns how many frames of ours have arrived and were not read.
func (r *reader) drain() (n uint64) {
	for {
		frame, err := r.receive(unix.MSG_DONTWAIT)
		if err != nil {
			return n
		}
		if bytes.HasPrefix(frame, marker) {
			n++
		}
	}
}

func (r *reader) receive(flags int) ([]byte, error) {
	oob := make([]byte, 256)
	n, oobn, _, _, err := unix.Recvmsg(r.fd, r.buf, oob, flags)
	for errors.Is(err, unix.EINTR) { // signals end a call that has a timeout: signal(7)
		n, oobn, _, _, err = unix.Recvmsg(r.fd, r.buf, oob, flags)
	}
	if err != nil {
		return nil, err
	}
	controls, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return nil, err
	}
	frame := bytes.Clone(r.buf[:n])
	for _, c := range controls {
		const status, tci = 0, 16 // of struct tpacket_auxdata
		if c.Header.Type == unix.PACKET_AUXDATA && binary.NativeEndian.Uint32(c.Data[status:])&unix.TP_STATUS_VLAN_VALID != 0 {
			frame = withTag(frame, binary.NativeEndian.Uint16(c.Data[tci:]))
		}
	}
	return frame, nil
}

// taken is how many frames a target was given.
func taken(c tx.Counts) uint64 {
	n := c.Frames
	for _, dropped := range c.Dropped {
		n += dropped
	}
	return n
}

// A place is a target with the end where its frames arrive.
type place struct {
	kind string
	name string // of the target's interface
	far  string // where its frames arrive
	open func(testing.TB, iface.Config) tx.Target
}

// places are all kinds of targets here. Their interfaces are made by open.
func places() []place {
	veth := func(t testing.TB, cfg iface.Config) tx.Target {
		t.Helper()
		addVeth(t, "near", "far")
		target, err := iface.Open("near", cfg)
		require.NoError(t, err)
		return target
	}
	tap := func(t testing.TB, cfg iface.Config) tx.Target {
		t.Helper()
		if unix.Access("/dev/net/tun", unix.R_OK|unix.W_OK) != nil {
			t.Skip("needs /dev/net/tun")
		}
		target, err := iface.OpenTap("mirror0", cfg)
		require.NoError(t, err)
		return target
	}
	return []place{
		{"iface", "near", "far", veth},
		{"iface that is read itself", "near", "near", veth},
		{"tap", "mirror0", "mirror0", tap},
	}
}

// onEach runs a test at all places, each in a namespace of its own.
func onEach(t *testing.T, test func(t *testing.T, p place)) {
	for _, p := range places() {
		t.Run(p.kind, func(t *testing.T) {
			txtest.Namespace(t)
			test(t, p)
		})
	}
}

// openOut opens a target and an Out to it.
func (p place) openOut(t testing.TB, cfg iface.Config) (tx.Target, tx.Out) {
	t.Helper()
	target := p.open(t, cfg)
	out, err := target.Open()
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, out.Close())
		require.NoError(t, target.Close())
	})
	return target, out
}

// await tries until it succeeds, in the test's own goroutine.
func await(t testing.TB, try func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !try(); time.Sleep(20 * time.Millisecond) {
		require.True(t, time.Now().Before(end), "it never succeeded")
	}
}

// inOrder keeps the test on one processor: frames that are sent into a veth from several may overtake one another.
func inOrder(t testing.TB) {
	t.Helper()
	var was, one unix.CPUSet
	require.NoError(t, unix.SchedGetaffinity(0, &was))
	for cpu := 0; one.Count() == 0; cpu++ {
		if was.IsSet(cpu) {
			one.Set(cpu)
		}
	}
	require.NoError(t, unix.SchedSetaffinity(0, &one))
}
