package decap

import "encoding/binary"

// A fixPlan is what has to be written into an IP packet. The zero fixPlan is empty.
type fixPlan struct {
	at, end int  // where in the frame the IP packet starts, and where what changes ends
	lengths bool // of the IP header, and of UDP
	header  bool // the checksum of the IPv4 header
	segment bool // the transport's checksum
}

// planFix returns what Fix has to write, and what that fixes.
func (p *Packet) planFix(m Fixes) (r fixPlan, did Fixed) {
	if m.Lengths && p.AnyTruncated() {
		if !p.lengthsFixable() {
			return r, Unfixable
		}
		return p.locate(fixPlan{lengths: true, header: p.header > 0, segment: true}), FixedLengths
	}
	if m.Lengths && p.lengthMissing() && p.lengthsFixable() {
		r.lengths, r.header = true, p.header > 0
		did = FixedLengths
	}
	if m.Checksums && p.sumsFixable(&r) {
		did |= FixedChecksums
	}
	if did == 0 {
		return fixPlan{}, 0
	}
	return p.locate(r), did
}

// lengthMissing reports whether the IP header has no length, and no option with the length instead.
func (p *Packet) lengthMissing() bool {
	switch h := p.packet; {
	case h == nil:
		return false
	case p.Version == 4:
		return h[2]|h[3] == 0
	default:
		return h[4]|h[5] == 0 && len(h) > IPv6Len && h[6] != ProtoHopByHop
	}
}

// lengthsFixable reports whether the captured part of the packet can be made a packet of its own.
func (p *Packet) lengthsFixable() bool {
	at := p.offset()
	if p.Depth > 0 || p.isFragment() || !p.reachable(at) || !p.plainLink(at) {
		return false
	}
	if p.Version == 4 && (p.header == 0 || len(p.packet) > maxIPLength) {
		return false
	}
	if p.Version == 6 && (len(p.packet)-IPv6Len > maxIPLength || p.isJumbogram()) {
		return false
	}
	_, whole := p.sumField()
	return whole
}

// isJumbogram reports whether an IPv6 packet's length is in an option (RFC 2675).
func (p *Packet) isJumbogram() bool {
	return p.packet[4]|p.packet[5] == 0 && p.packet[6] == ProtoHopByHop
}

// sumsFixable sets in r which checksums are wrong and can be fixed, and reports whether there are any.
func (p *Packet) sumsFixable(r *fixPlan) bool {
	if p.covered || p.packet == nil {
		return false
	}
	header := !p.headerOK()
	segment := p.BadChecksum && !p.Truncated && !p.isFragment() && !p.segmentOK()
	if !header && !segment || !p.reachable(p.offset()) {
		return false
	}
	r.header, r.segment = r.header || header, segment
	return true
}

// reachable reports whether everything that may change in the packet at an offset of the frame fits into a head.
func (p *Packet) reachable(at int) bool {
	const mostBefore, lastSum = EthernetLen + (1+MaxVLANs)*VLANLen, 18 // the longest link header; where TCP's checksum ends
	return at >= 0 && at+p.transport+lastSum+mostBefore <= MaxHead
}

// locate returns r with its offsets in the frame.
func (p *Packet) locate(r fixPlan) fixPlan {
	const lengths6 = 6 // where IPv6's length ends
	r.at = p.offset()
	r.end = r.at + max(p.header, lengths6)
	if field, _ := p.sumField(); r.segment && field >= 0 {
		r.end = r.at + p.transport + field + 2
	}
	return r
}

// sumField returns the offset of the transport's checksum in its segment, -1 if there is no known one, and whether the transport's header is
// complete.
func (p *Packet) sumField() (at int, whole bool) {
	n := len(p.packet) - p.transport
	switch p.Proto {
	case TCP:
		_, whole = p.tcpHeader()
		return 16, whole
	case UDP:
		return 6, n >= UDPLen
	case ICMP, ICMPv6:
		if p.Proto == ICMPv6 && p.Version == 4 {
			return -1, true
		}
		return 2, n >= icmpLen
	default:
		return -1, !p.extendedBy(p.Proto)
	}
}

// apply writes the plan into ip, a copy of the packet up to where the plan ends.
func (p *Packet) apply(r fixPlan, ip []byte) {
	if r.lengths && p.Version == 4 {
		binary.BigEndian.PutUint16(ip[2:], uint16(len(p.packet)))
	} else if r.lengths {
		binary.BigEndian.PutUint16(ip[4:], uint16(len(p.packet)-IPv6Len))
	}
	if r.header {
		putHeaderSum(ip[:p.header])
	}
	if r.segment {
		p.applySegment(r, ip)
	}
}

// applySegment sets UDP's length and the transport's checksum.
func (p *Packet) applySegment(r fixPlan, ip []byte) {
	field, _ := p.sumField()
	if field < 0 {
		return
	}
	h, s := ip[p.transport:], p.packet[p.transport:]
	if p.Proto == UDP {
		if n := int(binary.BigEndian.Uint16(h[4:])); r.lengths && (n == 0 || n > len(s)) {
			binary.BigEndian.PutUint16(h[4:], uint16(len(s)))
		} else {
			s = udpOf(s)
		}
		if p.Version == 4 && h[6]|h[7] == 0 {
			return
		}
	}
	h[field], h[field+1] = 0, 0
	total := add(sum(h), sum(s[len(h):])) // all fields end at an even offset
	if p.Proto != ICMP {
		total = add(total, p.pseudoHeader(len(s)))
	}
	c := ^fold16(total)
	if p.Proto == UDP && c == 0 {
		c = 0xffff // 0 is for none (RFC 768)
	}
	binary.BigEndian.PutUint16(h[field:], c)
}
