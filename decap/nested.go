package decap

import "github.com/mirrorsink/mirrorsink/decap/wire"

// nested decodes an Ethernet frame in an Ethernet frame: a pseudowire, a provider's backbone, a service chain. network is as of tunnel.
func (d decoder) nested(network uint32, b []byte, missing int) Reason {
	if d.p.Depth == MaxDepth {
		return TooDeep
	}
	d.p.Depth++
	if network != 0 {
		d.p.fold(network)
	}
	return d.ethernet(b, missing)
}

// backbone decodes what follows the EtherType of a provider's backbone (IEEE 802.1ah): priority and flags (8), the number of the service (24),
// and the customer's frame.
//
//	| PCP |D|U|r|rr |            service            |
func (d decoder) backbone(b []byte, missing int) Reason {
	const reserved = 0x03 << 24
	c := wire.New(b)
	tag := c.U32()
	switch {
	case !c.OK():
		return ShortFrame
	case tag&reserved != 0:
		return NotIP
	}
	return d.nested(networkPBB|tag&MaxVNI, c.Rest(), missing)
}

// serviceChain decodes a Network Service Header (RFC 8300 section 2), or several. The length is in units of four bytes and includes these
// eight. Paths differ between the directions, and are no part of the flow's identity.
//
//	|Ver|O|U|    TTL    |   length  |U|U|U|U|  type | next protocol |
//	|                path                           |     index     |
func (d decoder) serviceChain(b []byte, missing int) Reason {
	const versionBits, oam, word, fixedLen = 0xc000, 0x2000, 4, 8
	for c := wire.New(b); ; {
		first, _, next := c.U16(), c.U8(), c.U8()
		c.Skip(4)
		n := word * int(first&0x3f)
		if c.OK() && n < fixedLen {
			return BadIP
		}
		c.Skip(n - fixedLen)
		switch {
		case !c.OK():
			return ShortFrame
		case first&versionBits != 0:
			d.p.TunnelSkip = TunnelVersion
			return NotIP
		case first&oam != 0:
			return NotIP
		}
		switch next {
		case 1:
			return d.ipv4(c.Rest(), missing)
		case 2:
			return d.ipv6(c.Rest(), missing)
		case 3:
			return d.nested(0, c.Rest(), missing)
		case 4: // another header
		case 5:
			return d.mpls(c.Rest(), missing)
		default:
			return NotIP
		}
	}
}

// tags skips tags, and returns the EtherType and the payload behind them. VLAN tags are recorded. Those of switch ports (Cisco's VN-Tag and IEEE
// 802.1BR's E-tag) differ between the directions.
func (d decoder) tags(t uint16, b []byte) (uint16, []byte, bool) {
	const portTagLen, extenderTagLen = 6, 8
	for {
		n := VLANLen
		switch t {
		case EtherVLAN, EtherQinQ, EtherOldQinQ:
		case etherVNTag:
			n = portTagLen
		case etherETag:
			n = extenderTagLen
		default:
			return t, b, true
		}
		c := wire.New(b)
		tag := c.Bytes(n - 2)
		next := c.U16()
		if !c.OK() {
			return 0, nil, false
		}
		if n == VLANLen {
			d.p.addVLAN(uint16At(tag, 0) & 0x0fff)
		}
		t, b = next, c.Rest()
	}
}
