//go:build !linux

package tx

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
)

// sendBuffer is the system's own.
const sendBuffer = 0

// A lane is an unconnected socket, with a port that the system chose, and the frames that are to be sent from it. On this system
// each frame is a copy and a system call, and whether long ones are fragmented is the system's choice.
type lane struct {
	conn    *net.UDPConn
	n       int
	suspect int
	addrs   []netip.AddrPort
	packets [burst][]byte
	slots   [burst]slot
	torn    bool // a piece of the frame of which more pieces follow was dropped
	tornBy  Loss
	head    [decap.MaxHead]byte
}

func openLane(ipv4 bool, addrs []netip.AddrPort) (*lane, error) {
	network := "udp"
	if ipv4 {
		network = "udp4"
	}
	conn, err := net.ListenUDP(network, nil)
	if err != nil {
		return nil, fmt.Errorf("open a UDP socket: %w", err)
	}
	return &lane{conn: conn, addrs: addrs, suspect: -1}, nil
}

func (l *lane) buffer() int { return sendBuffer }

// put adds a copy of a frame. There must be room.
func (l *lane) put(f *Frame, vni uint32, s slot) {
	i := l.n
	l.n++
	header := vxlanHeader(vni)
	b := append(l.packets[i][:0], header[:]...)
	l.packets[i] = append(append(b, f.Head...), f.Tail...)
	l.slots[i] = s
}

// space returns where the head of the next frame can be made.
func (l *lane) space() []byte { return l.head[:0] }

// send sends frames from the one numbered from on, and returns how many. An error is about the next one.
func (l *lane) send(from int) (int, error) {
	for i := from; i < l.n; i++ {
		if _, err := l.conn.WriteToUDPAddrPort(l.packets[i], l.addrs[l.slots[i].host]); err != nil {
			return i - from, err
		}
	}
	return l.n - from, nil
}

func (l *lane) reset() { l.n, l.suspect = 0, -1 }

// wait has nothing to do: a send waits by itself.
func (l *lane) wait() {}

// drain has nothing to do: each error is told once.
func (l *lane) drain() {}

func (l *lane) close() error { return l.conn.Close() }

func sockaddrs(sensors []*sensor, _ bool) []netip.AddrPort {
	addrs := make([]netip.AddrPort, len(sensors))
	for i, s := range sensors {
		addrs[i] = s.addr
	}
	return addrs
}

// pathMTU returns 0, since the system does not say; an error says that there is no way to the address.
func pathMTU(addr netip.AddrPort) (int, error) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return 0, err
	}
	return 0, c.Close()
}
