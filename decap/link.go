package decap

import (
	"math/bits"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// framedPPP decodes a frame of a PPP link. pppd's captures have the direction in the place of HDLC's address byte (LINKTYPE_PPP_PPPD), others
// have it before the frame (LINKTYPE_PPP_WITH_DIR).
func (d decoder) framedPPP(link Link, b []byte, missing int) Reason {
	const control = 0x03
	if link == LinkPPPDirection {
		if len(b) < 2 {
			return ShortFrame
		}
		b = b[1:]
		if b[0] == control {
			b = b[1:]
		}
	}
	return d.ppp(b, missing)
}

// chdlc decodes a frame of Cisco HDLC: address, control, EtherType (RFC 1547 section 4.3.1).
func (d decoder) chdlc(link Link, b []byte, missing int) Reason {
	c := wire.New(b)
	if link == LinkCHDLCDirection {
		c.Skip(1)
	}
	address, _, etherType := c.U8(), c.U8(), c.U16()
	switch {
	case !c.OK():
		return ShortFrame
	case address != 0x0f && address != 0x8f || etherType < etherMin: // unicast, broadcast
		return NotIP
	}
	return d.etherType(etherType, c.Rest(), missing)
}

// nflog decodes a frame of Linux's netfilter log: family (1), version (1), group (2), and attributes of a length that includes these four
// bytes (2), a type (2) and a value padded to 32 bits. Lengths and types are in the byte order of the capturing host. The packet is
// one of the values.
func (d decoder) nflog(b []byte, missing int) Reason {
	const headLen, version = 4, 0
	if len(b) < headLen {
		return ShortFrame
	}
	if b[1] != version {
		return NotIP
	}
	packet, lost, ok := nflogPacket(b[headLen:], missing, false)
	if !ok {
		packet, lost, ok = nflogPacket(b[headLen:], missing, true)
	}
	if !ok || len(packet) > 0 && packet[0]>>4 != 4 && packet[0]>>4 != 6 { // such as ARP of a bridge
		return NotIP
	}
	return d.ip(packet, lost)
}

// nflogPacket returns the packet among the attributes, and how many bytes of it are missing.
func nflogPacket(b []byte, missing int, bigEndian bool) (packet []byte, lost int, ok bool) {
	const headLen, payload = 4, 9
	for c := wire.New(b); c.Len() >= headLen; {
		length, kind := c.U16LE(), c.U16LE()
		if bigEndian {
			length, kind = bits.ReverseBytes16(length), bits.ReverseBytes16(kind)
		}
		n := int(length) - headLen
		switch {
		case n < 0 || n > c.Len()+missing:
			return nil, 0, false
		case kind == payload:
			lost = max(0, n-c.Len())
			value := c.Upto(n)
			return value.Rest(), lost, true
		}
		c.Upto((n + 3) &^ 3)
	}
	return nil, 0, false
}
