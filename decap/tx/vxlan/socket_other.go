//go:build !linux

package vxlan

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/tx/internal/outbox"
)

// sendBuffer is the system's own.
const sendBuffer = 0

// A socket is an unconnected UDP socket, with a port that the system chose, and the datagrams that are pending for it. On this system
// each datagram is a copy and a system call, and the system decides whether long ones are fragmented.
type socket struct {
	conn    *net.UDPConn
	n       int
	suspect int
	addrs   []netip.AddrPort
	packets [maxBatch][]byte
	pending [maxBatch]pending
	fate    outbox.Fate
	head    [decap.MaxHead]byte
}

func openSocket(ipv4 bool, addrs []netip.AddrPort) (*socket, error) {
	network := "udp"
	if ipv4 {
		network = "udp4"
	}
	conn, err := net.ListenUDP(network, nil)
	if err != nil {
		return nil, fmt.Errorf("open a UDP socket: %w", err)
	}
	return &socket{conn: conn, addrs: addrs, suspect: -1}, nil
}

func (s *socket) buffer() int { return sendBuffer }

// put adds a copy of a frame behind a VXLAN header. There must be room.
func (s *socket) put(head, tail []byte, vni uint32, p pending) {
	i := s.n
	s.n++
	h := header(vni)
	s.packets[i] = append(append(append(s.packets[i][:0], h[:]...), head...), tail...)
	s.pending[i] = p
}

// space returns where the head of the next segment is written.
func (s *socket) space() []byte { return s.head[:0] }

// send sends datagrams from the one numbered from on, and returns how many. An error concerns the next one.
func (s *socket) send(from int) (int, error) {
	for i := from; i < s.n; i++ {
		if _, err := s.conn.WriteToUDPAddrPort(s.packets[i], s.addrs[s.pending[i].host]); err != nil {
			return i - from, err
		}
	}
	return s.n - from, nil
}

func (s *socket) reset() { s.n, s.suspect = 0, -1 }

// wait has nothing to do: a send waits by itself.
func (s *socket) wait() {}

// drain has nothing to do: each error is reported once.
func (s *socket) drain() {}

func (s *socket) close() error { return s.conn.Close() }

func sockaddrs(sensors []*sensor, _ bool) []netip.AddrPort {
	addrs := make([]netip.AddrPort, len(sensors))
	for i, s := range sensors {
		addrs[i] = s.addr
	}
	return addrs
}

// pathMTU returns 0: the system does not report it. It fails if there is no route to the address.
func pathMTU(addr netip.AddrPort) (int, error) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return 0, err
	}
	return 0, c.Close()
}
