package tx

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/mmsg"
)

// sendBuffer is how many bytes a socket may have on their way to the network: a batch of jumbo frames of one flow, with the
// kernel's own structures around them, some 16 KiB each.
const sendBuffer = 2 << 20

// A lane is an unconnected socket, with a port that the kernel chose, and the frames that are to be sent from it.
type lane struct {
	fd      int
	n       int
	suspect int // the frame whose error may be due to an earlier one; -1 for none
	addrs   []unix.RawSockaddrInet6
	msgs    [burst]mmsg.Header
	iovs    [burst][3]unix.Iovec
	headers [burst][vxlanHeaderLen]byte
	slots   [burst]slot
	torn    bool // a piece of the frame of which more pieces follow was dropped
	tornBy  Loss
	heads   *[burst][decap.MaxHead]byte // of pieces; made when first needed
}

// openLane opens a socket that sends to the addresses that sockaddrs made.
func openLane(ipv4 bool, addrs []unix.RawSockaddrInet6) (*lane, error) {
	family := unix.AF_INET6
	if ipv4 {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open a UDP socket: %w", err)
	}
	l := &lane{fd: fd, addrs: addrs, suspect: -1}
	if err := l.prepare(ipv4); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return l, nil
}

// laneOptions are set on every lane: nothing is fragmented, and the system tells of what it dropped before the wire.
var laneOptions = []struct {
	name                 string
	level, option, value int
	ipv6                 bool
}{
	{"IP_MTU_DISCOVER", unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO, false},
	{"IP_RECVERR", unix.IPPROTO_IP, unix.IP_RECVERR, 1, false},
	{"SO_NO_CHECK", unix.SOL_SOCKET, unix.SO_NO_CHECK, 1, false}, // over IPv4 as RFC 7348 section 4.1 wants it; IPv6 keeps its checksum
	{"IPV6_V6ONLY", unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0, true},
	{"IPV6_MTU_DISCOVER", unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_DO, true},
	{"IPV6_DONTFRAG", unix.IPPROTO_IPV6, unix.IPV6_DONTFRAG, 1, true},
	{"IPV6_RECVERR", unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1, true},
}

func (l *lane) prepare(ipv4 bool) error {
	for _, o := range laneOptions {
		if o.ipv6 && ipv4 {
			continue
		}
		if err := unix.SetsockoptInt(l.fd, o.level, o.option, o.value); err != nil {
			return fmt.Errorf("set %s: %w", o.name, err)
		}
	}
	if err := mmsg.SetSendBuffer(l.fd, sendBuffer); err != nil {
		return fmt.Errorf("set SO_SNDBUF: %w", err)
	}
	var any unix.Sockaddr = &unix.SockaddrInet6{}
	if ipv4 {
		any = &unix.SockaddrInet4{}
	}
	if err := unix.Bind(l.fd, any); err != nil { // at once, so that the port is the same for all hosts from the first frame on
		return fmt.Errorf("bind a UDP socket: %w", err)
	}
	return nil
}

// buffer returns how many bytes the kernel gave; it adds as much for its own structures.
func (l *lane) buffer() int {
	doubled, err := unix.GetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
	if err != nil {
		return 0
	}
	return doubled / 2
}

// put adds a frame, which it does not keep, but what it points to. There must be room.
func (l *lane) put(f *Frame, vni uint32, s slot) {
	i := l.n
	l.n++
	l.slots[i] = s
	l.headers[i] = vxlanHeader(vni)
	iov := &l.iovs[i]
	mmsg.Point(&iov[0], l.headers[i][:])
	parts := 1
	for _, part := range [...][]byte{f.Head, f.Tail} {
		if len(part) > 0 {
			mmsg.Point(&iov[parts], part)
			parts++
		}
	}
	m := &l.msgs[i].Msghdr
	m.Name = (*byte)(unsafe.Pointer(&l.addrs[s.host]))
	m.Namelen = uint32(unsafe.Sizeof(l.addrs[s.host]))
	m.Iov = &iov[0]
	m.SetIovlen(parts)
}

// space returns where the head of the next frame can be made.
func (l *lane) space() []byte {
	if l.heads == nil {
		l.heads = new([burst][decap.MaxHead]byte)
	}
	return l.heads[l.n][:0]
}

// send sends frames from the one numbered from on, without waiting, and returns how many. An error is about the next one.
func (l *lane) send(from int) (int, error) {
	return mmsg.Send(l.fd, l.msgs[from:l.n], unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// reset lets go of the frames: what they lie in may be unmapped.
func (l *lane) reset() {
	clear(l.iovs[:l.n])
	l.n, l.suspect = 0, -1
}

// wait waits until the socket has room, or a moment.
func (l *lane) wait() {
	fds := [1]unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLOUT}}
	if _, err := unix.Poll(fds[:], 100); err == nil && fds[0].Revents&unix.POLLERR != 0 {
		l.drain()
	}
}

// drain forgets what the network answered to earlier datagrams. That they were lost is the network's matter.
func (l *lane) drain() {
	var none [1]byte
	for {
		if _, _, _, _, err := unix.Recvmsg(l.fd, none[:], nil, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT); err != nil {
			return
		}
	}
}

func (l *lane) close() error { return unix.Close(l.fd) }

// sockaddrs returns the sensors' addresses as the kernel wants them: of IPv4 if all are, else of IPv6, with IPv4 mapped into it.
func sockaddrs(sensors []*sensor, ipv4 bool) []unix.RawSockaddrInet6 {
	addrs := make([]unix.RawSockaddrInet6, len(sensors))
	for i, s := range sensors {
		raw := &addrs[i]
		if ipv4 {
			raw4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(raw))
			raw4.Family, raw4.Addr = unix.AF_INET, s.addr.Addr().As4()
		} else {
			raw.Family, raw.Addr, raw.Scope_id = unix.AF_INET6, s.addr.Addr().As16(), scopeOf(s.addr.Addr())
		}
		port := (*[2]byte)(unsafe.Pointer(&raw.Port)) // at the same place in both, in network order
		binary.BigEndian.PutUint16(port[:], s.addr.Port())
	}
	return addrs
}

// pathMTU returns the longest IP packet that the way to an address takes, as far as the system knows. An error says that there is
// no way.
func pathMTU(addr netip.AddrPort) (int, error) {
	family, level, option := unix.AF_INET6, unix.IPPROTO_IPV6, unix.IPV6_MTU
	var to unix.Sockaddr = &unix.SockaddrInet6{Port: int(addr.Port()), Addr: addr.Addr().As16(), ZoneId: scopeOf(addr.Addr())}
	if addr.Addr().Is4() {
		family, level, option = unix.AF_INET, unix.IPPROTO_IP, unix.IP_MTU
		to = &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, to); err != nil {
		return 0, err
	}
	return unix.GetsockoptInt(fd, level, option)
}

// scopeOf returns the number of the interface that a link-local address names; 0 for others.
func scopeOf(addr netip.Addr) uint32 {
	if addr.Zone() == "" {
		return 0
	}
	if n, err := strconv.ParseUint(addr.Zone(), 10, 32); err == nil {
		return uint32(n)
	}
	i, err := net.InterfaceByName(addr.Zone())
	if err != nil {
		return 0 // sending says that there is no way
	}
	return uint32(i.Index)
}
