package decap

import "encoding/binary"

// TCPLen is the length of a TCP header without options, RFC 9293 section 3.1. The data offset is in units of four bytes:
//
//	 0 |          source port          |       destination port        |
//	 4 |                        sequence number                        |
//	 8 |                    acknowledgment number                      |
//	12 | offset| rsvd  |     flags     |            window             |
//	16 |           checksum            |        urgent pointer         |
const TCPLen = 20

// UDPLen is the length of a UDP header, RFC 768. The length in it includes the header:
//
//	0 |          source port          |       destination port        |
//	4 |            length             |           checksum            |
const UDPLen = 8

// ICMP and ICMPv6, RFC 792 and RFC 4443; the identifier is that of an echo:
//
//	0 |     type      |     code      |           checksum            |
//	4 |          identifier           |        sequence number        |
const icmpLen = 8

// SCTP's common header, RFC 9260 section 3.1: ports as TCP's, verification tag, CRC32c.
const sctpLen = 12

// PortsLen is how many bytes hold both ports of TCP, UDP and SCTP.
const PortsLen = 4

// transport decodes the header of an IP protocol, or what the protocol carries.
func (d decoder) transport(proto uint8, b []byte, missing int) Reason {
	p := d.p
	p.Proto = proto
	switch proto {
	case TCP:
		p.tcp(b, missing)
	case UDP:
		return d.udp(b, missing)
	case ICMP, ICMPv6:
		p.icmp(b, missing)
	case SCTP:
		p.ports(b)
		p.rest(sctpLen, b, missing)
	default:
		if p.extendedBy(proto) {
			return d.extensions(proto, b, missing)
		}
		p.rest(0, b, missing)
		return tunnelDecoder{d}.ipTunnel(proto, b, missing)
	}
	return OK
}

// opaque records a packet whose transport is not decoded.
func (d decoder) opaque(proto uint8, b []byte, missing int) Reason {
	p := d.p
	p.Proto = proto
	p.rest(0, b, missing)
	return OK
}

// clearTransport clears the transport of an outer packet, or of a fragment.
func (p *Packet) clearTransport() {
	p.SrcPort, p.DstPort, p.ICMPType, p.ICMPCode, p.ICMPID = 0, 0, 0, 0, 0
	p.TCPFlags, p.Seq, p.Ack = 0, 0, 0
	p.Payload, p.PayloadLen = nil, 0
	p.HasPorts, p.HasTCP, p.BadChecksum = false, false, false
	p.TunnelSkip = TunnelEntered
}

func hasPorts(proto uint8) bool { return proto == TCP || proto == UDP || proto == SCTP }

// ports reads the two ports if they were captured.
func (p *Packet) ports(b []byte) {
	if len(b) < PortsLen {
		return
	}
	p.SrcPort, p.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	p.HasPorts = true
}

// rest sets the payload to what follows a header of n bytes. If the header is incomplete, the payload is empty.
func (p *Packet) rest(n int, b []byte, missing int) {
	p.Payload = b[min(n, len(b)):]
	p.PayloadLen = max(0, len(b)+missing-n)
}

// tcp decodes a TCP header. If the fixed header is incomplete, or the data offset invalid, there is no payload.
func (p *Packet) tcp(b []byte, missing int) {
	p.ports(b)
	if len(b) < TCPLen {
		p.Payload, p.PayloadLen = b[len(b):], 0
		return
	}
	h := b[:TCPLen:TCPLen]
	p.HasTCP = true
	p.Seq, p.Ack = binary.BigEndian.Uint32(h[4:]), binary.BigEndian.Uint32(h[8:])
	p.TCPFlags = h[13]
	n := int(h[12]>>4) * 4
	if n < TCPLen {
		n = len(b) + missing
	}
	p.rest(n, b, missing)
}

// icmp decodes ICMP and ICMPv6. The packet that an error message quotes is payload.
func (p *Packet) icmp(b []byte, missing int) {
	if len(b) >= 2 {
		p.ICMPType, p.ICMPCode = b[0], b[1]
	}
	if len(b) >= icmpLen && isEcho(p.Proto, p.ICMPType) {
		p.ICMPID = binary.BigEndian.Uint16(b[4:])
	}
	p.rest(icmpLen, b, missing)
}

func isEcho(proto, icmpType uint8) bool {
	if proto == ICMPv6 {
		return icmpType == 128 || icmpType == 129
	}
	return icmpType == 8 || icmpType == 0
}

// udp decodes a UDP header and what UDP carries: in a capture's outermost packet the mirror's envelope, and tunnels everywhere.
func (d decoder) udp(b []byte, missing int) Reason {
	p := d.p
	p.ports(b)
	if len(b) < UDPLen {
		p.rest(UDPLen, b, missing)
		return OK
	}
	// A length below 8 is invalid, except 0 in a jumbogram (RFC 2675 section 4).
	if n := int(binary.BigEndian.Uint16(b[4:])); n >= UDPLen && n < len(b)+missing {
		b, missing = b[:min(n, len(b)):min(n, len(b))], max(0, n-len(b))
	}
	p.rest(UDPLen, b, missing)
	return d.carried(p.Payload, missing)
}

// carried decodes a UDP packet's payload if that is the mirror's envelope or a tunnel.
func (d decoder) carried(b []byte, missing int) Reason {
	if d.seeking {
		if r, ok := d.envelope(b, missing); ok {
			return r
		}
	}
	return tunnelDecoder{d}.udpTunnel(b, missing)
}
