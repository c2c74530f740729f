package rx

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/mmsg"
)

// maxDatagram holds the largest UDP payload that IP's 16-bit lengths allow.
const maxDatagram = 64 << 10

// timestamp is the one control message that SO_TIMESTAMPNS adds.
type timestamp struct {
	unix.Cmsghdr
	time unix.Timespec
}

// messages is what recvmmsg fills: a batch of buffers, and for each the sender's address and the time of arrival. It is
// allocated once and used again for every call.
type messages struct {
	hdrs    [decap.BatchSize]mmsg.Header
	iovs    [decap.BatchSize]unix.Iovec
	names   [decap.BatchSize]unix.RawSockaddrInet6 // or RawSockaddrInet4, which is smaller
	times   [decap.BatchSize]timestamp
	buffers [decap.BatchSize][]byte
}

// newMessages returns messages with buffers of size bytes each. The buffers are mapped and not taken from Go's heap: pages
// that no datagram ever reached use no memory, and 4 MiB a socket do not count as live heap. They are unmapped when the
// messages are unreachable and not before, since a batch may be in use when its socket is closed.
func newMessages(size int) (*messages, error) {
	arena, err := unix.Mmap(-1, 0, size*decap.BatchSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("map receive buffers: %w", err)
	}
	m := &messages{}
	runtime.AddCleanup(m, func(arena []byte) { _ = unix.Munmap(arena) }, arena)
	for i := range m.hdrs {
		m.buffers[i] = arena[i*size:][:size:size]
		m.iovs[i].Base = &m.buffers[i][0]
		m.iovs[i].SetLen(size)
		h := &m.hdrs[i].Msghdr
		h.Name = (*byte)(unsafe.Pointer(&m.names[i]))
		h.Iov = &m.iovs[i]
		h.SetIovlen(1)
		h.Control = (*byte)(unsafe.Pointer(&m.times[i]))
	}
	m.rearm(decap.BatchSize)
	return m, nil
}

// rearm restores the lengths that the kernel overwrote in the first n headers.
func (m *messages) rearm(n int) {
	for i := range m.hdrs[:n] {
		h := &m.hdrs[i].Msghdr
		h.Namelen = uint32(unsafe.Sizeof(m.names[i]))
		h.SetControllen(int(unsafe.Sizeof(m.times[i])))
	}
}

// receive takes up to a batch of datagrams without waiting. It returns unix.EAGAIN if there are none.
func (m *messages) receive(fd int) (int, error) {
	return mmsg.Receive(fd, m.hdrs[:], unix.MSG_DONTWAIT|unix.MSG_TRUNC)
}

// fill describes the first n messages in b, and returns how many of them did not fit their buffers.
func (m *messages) fill(b *decap.Batch, n int, link decap.Link) (truncated int) {
	for i := range n {
		h, d := &m.hdrs[i], &b.D[i]
		wire := int(h.Len)
		if h.Flags&unix.MSG_TRUNC != 0 {
			truncated++
		}
		size := min(wire, len(m.buffers[i]))
		d.Data = m.buffers[i][:size:size]
		d.Outer = m.sender(i)
		d.Nanos = m.arrival(i)
		d.WireLen = wire
		d.VLAN = 0 // a socket does not report it
		d.Link = link
	}
	b.N = n
	m.rearm(n)
	return truncated
}

// sender returns the source of message i. IPv4 senders on an IPv6 socket are unmapped; scope IDs are left out.
func (m *messages) sender(i int) netip.AddrPort {
	name := &m.names[i]
	port := (*[2]byte)(unsafe.Pointer(&name.Port)) // in network order
	addr := netip.AddrFrom16(name.Addr).Unmap()
	if name.Family == unix.AF_INET {
		addr = netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(name)).Addr)
	}
	return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(port[:]))
}

// arrival returns the kernel's time of arrival of message i; the present where it gave none.
func (m *messages) arrival(i int) int64 {
	t := &m.times[i]
	if m.hdrs[i].Controllen == 0 || t.Level != unix.SOL_SOCKET || t.Type != unix.SCM_TIMESTAMPNS {
		return time.Now().UnixNano()
	}
	return t.time.Nano()
}
