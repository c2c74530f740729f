package decap

import "encoding/binary"

// MaxHead is the longest head in bytes that Fix and Segments write. It holds an Ethernet header with several tags, and IP and
// TCP headers with all options that fit into them, four tunnels deep.
const MaxHead = 512

// maxIPLength is the largest length that an IP header holds: of an IPv4 packet, and of what follows an IPv6 header.
const maxIPLength = 65535

// Segments cuts one long TCP frame, as an interface with LRO, a stack with GRO or a jumbo MTU makes it, into frames that a
// smaller MTU takes, as the sender's stack would have. Their checksums are right even where the long frame's was not, since a
// sender that leaves the cutting to its interface leaves the checksums to it too. Segments allocates nothing, and is ready for
// Begin as it is.
type Segments struct {
	headers [MaxHead]byte // link, IP and TCP of the long frame
	link    int           // where in headers the IP packet begins
	segment int           // where TCP does
	n       int           // the bytes of headers
	payload []byte        // what is still to go
	size    int           // of the payload of a segment
	sent    uint32        // bytes of payload that went
	first   bool          // nothing went
	seq     uint32
	flags   uint8
	urgent  uint16
	id      uint16 // of IPv4
	pkt     Packet // the addresses, for the pseudo header
}

// Begin begins to cut a frame into such whose IP packets have mtu bytes at most, and says whether it can: the frame must be a
// whole TCP packet, neither fragmented nor within a tunnel, behind Ethernet, VLAN tags and an IP header that has no extension
// headers, and without SYN. IPv4's "don't fragment" does not matter, since it is TCP that is cut. A packet that fits
// makes one segment.
//
// head and tail are what Fix made of p (an empty head and the frame itself, if nothing); they begin with an Ethernet header, and
// must stay as they are until the last segment was made. BIG TCP, whose length does not fit into its IP header, is cut like any other.
func (s *Segments) Begin(p *Packet, head, tail []byte, mtu int) bool {
	s.payload, s.first = nil, false
	at := p.offset()
	if !p.segmentable() || !p.plainLink(at) || len(head)+len(tail) < len(p.Frame) {
		return false
	}
	s.link = at + len(head) + len(tail) - len(p.Frame)
	s.segment = s.link + p.transport
	s.n = s.link + len(p.packet) - len(p.Payload)
	s.size = min(mtu, maxIPLength) - (s.n - s.link)
	if s.link < EthernetLen || s.n > len(s.headers) || s.size < min(1, len(p.Payload)) {
		return false
	}
	copy(s.headers[copy(s.headers[:s.n], head):s.n], tail)
	s.payload, s.first, s.sent = p.Payload, true, 0
	s.pkt.Version, s.pkt.Proto, s.pkt.Src, s.pkt.Dst = p.Version, TCP, p.Src, p.Dst
	s.seq, s.flags, s.id = p.Seq, p.TCPFlags, p.IPID()
	s.urgent = binary.BigEndian.Uint16(s.headers[s.segment+18:])
	return true
}

// segmentable reports whether p is a packet that can be cut into segments, whatever is before its IP header.
func (p *Packet) segmentable() bool {
	if !p.HasTCP || p.TCPFlags&SYN != 0 || p.Depth != 0 || p.packet == nil || p.Truncated || p.isFragment() {
		return false
	}
	if p.Version == 4 && p.transport != p.header || p.Version == 6 && p.transport != IPv6Len {
		return false
	}
	_, ok := p.tcpHeader()
	return ok
}

// Next makes the next segment: it writes the headers into buf, for which a capacity of MaxHead is enough, and returns them with the
// payload that follows, which lies in the long frame. It reports false when all of the payload went.
func (s *Segments) Next(buf []byte) (head, payload []byte, ok bool) {
	if len(s.payload) == 0 && !s.first {
		return nil, nil, false
	}
	n := min(s.size, len(s.payload))
	payload, s.payload = s.payload[:n:n], s.payload[n:]
	head = append(buf[:0], s.headers[:s.n]...)
	s.ip(head[s.link:s.segment], s.n-s.link+n)
	s.tcp(head[s.segment:], payload)
	s.first = false
	s.sent += uint32(n)
	s.id++
	return head, payload, true
}

// ip writes into the IP header h of a segment what differs from the long packet's. The packet has total bytes.
func (s *Segments) ip(h []byte, total int) {
	if s.pkt.Version == 6 {
		binary.BigEndian.PutUint16(h[4:], uint16(total-IPv6Len))
		return
	}
	binary.BigEndian.PutUint16(h[2:], uint16(total))
	binary.BigEndian.PutUint16(h[4:], s.id)
	putHeaderSum(h)
}

// tcp does the same for the TCP header. FIN and PSH are about the last byte, CWR is said once (RFC 3168 section 6.1.2), and the
// urgent pointer counts from the segment's own start until the urgent data is over (RFC 9293 section 3.8.5).
func (s *Segments) tcp(h, payload []byte) {
	flags, urgent := s.flags, s.urgent
	if len(s.payload) > 0 {
		flags &^= FIN | PSH
	}
	if !s.first {
		flags &^= CWR
	}
	if flags&URG != 0 {
		if s.sent >= uint32(urgent) && !s.first {
			flags, urgent = flags&^URG, 0
		} else {
			urgent -= uint16(s.sent)
		}
	}
	h[13] = flags
	binary.BigEndian.PutUint32(h[4:], s.seq+s.sent)
	binary.BigEndian.PutUint16(h[18:], urgent)
	h[16], h[17] = 0, 0
	pseudo := s.pkt.pseudoHeader(len(h) + len(payload))
	binary.BigEndian.PutUint16(h[16:], ^fold16(add(add(sum(h), sum(payload)), pseudo)))
}

// tcpHeader returns the whole TCP header with its options, if it is there and its length can be.
func (p *Packet) tcpHeader() ([]byte, bool) {
	s := p.packet[p.transport:]
	if len(s) < TCPLen {
		return nil, false
	}
	n := int(s[12]>>4) * 4
	return s[:min(n, len(s))], n >= TCPLen && n <= len(s)
}

// putHeaderSum writes the checksum of a whole IPv4 header.
func putHeaderSum(h []byte) {
	h[10], h[11] = 0, 0
	binary.BigEndian.PutUint16(h[10:], ^fold16(sum(h)))
}
