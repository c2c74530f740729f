package decap

import "encoding/binary"

// MaxHead is the longest head in bytes that Fix and Segments write. It holds an Ethernet header with several tags, and IP and
// TCP headers with all options that fit into them, four tunnels deep.
const MaxHead = 512

// maxIPLength is the largest length that an IP header holds: of an IPv4 packet, and of what follows an IPv6 header.
const maxIPLength = 65535

// Segments cuts a long TCP frame, as LRO, GRO or a jumbo MTU make them, into frames for a smaller MTU, as the sender's stack would have.
// Their checksums are right even if the long frame's is not, since a sender that leaves segmentation to its interface leaves the checksums
// to it too. Segments allocates nothing. The zero Segments is ready for Begin.
type Segments struct {
	headers [MaxHead]byte // link, IP and TCP of the long frame
	link    int           // where in headers the IP packet begins
	segment int           // where TCP does
	n       int           // the bytes of headers
	payload []byte        // what is left
	size    int           // of the payload of a segment
	sent    uint32        // bytes of payload in the segments so far
	first   bool          // no segment was made yet
	seq     uint32
	flags   uint8
	urgent  uint16
	id      uint16 // of IPv4
	pkt     Packet // the addresses, for the pseudo header
}

// Begin starts to cut a frame into segments whose IP packets have mtu bytes at most, and reports whether it can. The frame must be a
// complete TCP packet without SYN, neither fragmented nor within a tunnel, behind Ethernet, VLAN tags and an IP header without extension
// headers. IPv4's "don't fragment" does not matter, since the TCP stream is cut. A packet that fits makes one segment.
//
// head and tail are what Fix returned for p (an empty head and the frame itself, if it changed nothing). They start with an Ethernet
// header, and must not change until the last segment was made. BIG TCP, whose length does not fit into its IP header, is cut as well.
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

// segmentable reports whether p can be cut into segments, whatever precedes its IP header.
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

// Next makes the next segment. It writes the headers into buf, for which a capacity of MaxHead is enough, and returns them with the
// payload, which lies in the long frame. It reports false after the last segment.
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

// ip sets the fields of a segment's IP header h that differ from the long packet's. The segment's IP packet has total bytes.
func (s *Segments) ip(h []byte, total int) {
	if s.pkt.Version == 6 {
		binary.BigEndian.PutUint16(h[4:], uint16(total-IPv6Len))
		return
	}
	binary.BigEndian.PutUint16(h[2:], uint16(total))
	binary.BigEndian.PutUint16(h[4:], s.id)
	putHeaderSum(h)
}

// tcp sets those of the TCP header. FIN and PSH belong to the last segment, and CWR to the first (RFC 3168 section 6.1.2). The urgent
// pointer counts from the segment's own start, up to the end of the urgent data (RFC 9293 section 3.8.5).
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

// tcpHeader returns the TCP header with its options, and reports whether it is complete and its length valid.
func (p *Packet) tcpHeader() ([]byte, bool) {
	s := p.packet[p.transport:]
	if len(s) < TCPLen {
		return nil, false
	}
	n := int(s[12]>>4) * 4
	return s[:min(n, len(s))], n >= TCPLen && n <= len(s)
}

// putHeaderSum sets the checksum of an IPv4 header.
func putHeaderSum(h []byte) {
	h[10], h[11] = 0, 0
	binary.BigEndian.PutUint16(h[10:], ^fold16(sum(h)))
}
