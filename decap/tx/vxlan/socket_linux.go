package vxlan

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
	"github.com/mirrorsink/mirrorsink/decap/tx/internal/outbox"
)

// sendBuffer is how many bytes a socket may have on their way to the network: a batch of jumbo frames of one flow, with the
// kernel's own structures around them, some 16 KiB each.
const sendBuffer = 2 << 20

// A socket is an unconnected UDP socket, with a port that the kernel chose, and the datagrams that are pending for it.
type socket struct {
	fd      int
	n       int
	suspect int // the datagram whose error may be due to an earlier one; -1 for none
	addrs   []unix.RawSockaddrInet6
	msgs    [maxBatch]mmsg.Header
	iovs    [maxBatch][3]unix.Iovec
	headers [maxBatch][decap.VXLANLen]byte
	pending [maxBatch]pending
	fate    outbox.Fate
	heads   *[maxBatch][decap.MaxHead]byte // of segments; allocated when first needed
}

// openSocket opens a socket that sends to the addresses that sockaddrs made.
func openSocket(ipv4 bool, addrs []unix.RawSockaddrInet6) (*socket, error) {
	family := unix.AF_INET6
	if ipv4 {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open a UDP socket: %w", err)
	}
	s := &socket{fd: fd, addrs: addrs, suspect: -1}
	if err := s.prepare(ipv4); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return s, nil
}

// socketOptions are set on every socket: nothing is fragmented, and the system reports what it dropped before the wire.
var socketOptions = []struct {
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

func (s *socket) prepare(ipv4 bool) error {
	for _, o := range socketOptions {
		if o.ipv6 && ipv4 {
			continue
		}
		if err := unix.SetsockoptInt(s.fd, o.level, o.option, o.value); err != nil {
			return fmt.Errorf("set %s: %w", o.name, err)
		}
	}
	if err := mmsg.SetSendBuffer(s.fd, sendBuffer); err != nil {
		return fmt.Errorf("set SO_SNDBUF: %w", err)
	}
	var any unix.Sockaddr = &unix.SockaddrInet6{}
	if ipv4 {
		any = &unix.SockaddrInet4{}
	}
	if err := unix.Bind(s.fd, any); err != nil { // now, so that the port is the same for all hosts from the first frame on
		return fmt.Errorf("bind a UDP socket: %w", err)
	}
	return nil
}

// buffer returns the size of the send buffer in bytes. The kernel adds as much for its own structures.
func (s *socket) buffer() int {
	doubled, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
	if err != nil {
		return 0
	}
	return doubled / 2
}

// put adds a frame behind a VXLAN header. It keeps references to head and tail. There must be room.
func (s *socket) put(head, tail []byte, vni uint32, p pending) {
	i := s.n
	s.n++
	s.pending[i] = p
	s.headers[i] = header(vni)
	iov := &s.iovs[i]
	mmsg.Point(&iov[0], s.headers[i][:])
	parts := 1
	for _, part := range [...][]byte{head, tail} {
		if len(part) > 0 {
			mmsg.Point(&iov[parts], part)
			parts++
		}
	}
	m := &s.msgs[i].Msghdr
	m.Name = (*byte)(unsafe.Pointer(&s.addrs[p.host]))
	m.Namelen = uint32(unsafe.Sizeof(s.addrs[p.host]))
	m.Iov = &iov[0]
	m.SetIovlen(parts)
}

// space returns where the head of the next segment is written.
func (s *socket) space() []byte {
	if s.heads == nil {
		s.heads = new([maxBatch][decap.MaxHead]byte)
	}
	return s.heads[s.n][:0]
}

// send sends datagrams from the one numbered from on, without waiting, and returns how many. An error concerns the next one.
func (s *socket) send(from int) (int, error) {
	return mmsg.Send(s.fd, s.msgs[from:s.n], unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// reset drops the datagrams and the references to what they lie in, which may be unmapped.
func (s *socket) reset() {
	clear(s.iovs[:s.n])
	s.n, s.suspect = 0, -1
}

// wait waits until the socket has room, or a moment.
func (s *socket) wait() {
	fds := [1]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLOUT}}
	if _, err := unix.Poll(fds[:], 100); err == nil && fds[0].Revents&unix.POLLERR != 0 {
		s.drain()
	}
}

// drain discards what the network answered to earlier datagrams. Losses beyond this host are not counted.
func (s *socket) drain() {
	var none [1]byte
	for {
		if _, _, _, _, err := unix.Recvmsg(s.fd, none[:], nil, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT); err != nil {
			return
		}
	}
}

func (s *socket) close() error { return unix.Close(s.fd) }

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

// pathMTU returns the longest IP packet that the path to an address takes, as far as the system knows. It fails if there is no
// route.
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
		return 0 // sending will fail for want of a route
	}
	return uint32(i.Index)
}
