package decap

import (
	"encoding/binary"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// capwap decodes a CAPWAP data packet (RFC 5415 section 4), which carries what an access point sent or received: an Ethernet frame, or an
// IEEE 802.11 frame if flag T is set. The length is in units of four bytes and includes what flags announce.
//
//	|  Ver  | Type  |  length |  radio  | binding |T|F|L|W|M|K|flags|
//	|          fragment             |        offset           | rsv |
func (d tunnelDecoder) capwap(b []byte, missing int) Reason {
	const dtls, fixedLen, reserved, native, fragmented, keepAlive, dot11 = 1, 8, 7, 0x100, 0x80, 8, 1
	c := wire.New(b)
	preamble, h, _ := c.U8(), c.U24(), c.U32()
	n, binding := 4*int(h>>19), h>>9&0x1f
	switch {
	case preamble == dtls && len(b) >= 4:
		return d.skip(TunnelEncrypted)
	case !c.OK():
		return d.skipShort(missing)
	case preamble != 0:
		return d.skip(TunnelVersion)
	case n < fixedLen || h&reserved != 0:
		return d.skip(TunnelMalformed)
	case h&keepAlive != 0:
		return OK
	case h&fragmented != 0:
		return d.skip(TunnelFragmented)
	}
	c.Skip(n - fixedLen)
	switch {
	case !c.OK():
		return d.skipShort(missing)
	case h&native == 0:
		return d.plainEthernet(c.Rest(), missing)
	case binding != dot11:
		return d.skip(TunnelNotIP)
	}
	return d.dot11(c.Rest(), missing)
}

// dot11 enters an IEEE 802.11 data frame with an IP packet. Some controllers swap the two bytes of the frame control.
//
//	frame control, duration, three addresses (18), sequence; then a fourth address, QoS control and HT control as frame control says
func (d tunnelDecoder) dot11(b []byte, missing int) Reason {
	const headLen, addressLen, qosLen, htLen = 24, 6, 2, 4
	const data, null, qos, toFromDS, protected, order, aggregate = 0x08, 0x40, 0x80, 0x03, 0x40, 0x80, 0x80
	c := wire.New(b)
	kind, flags := c.U8(), c.U8()
	c.Skip(headLen - 2)
	if kind&0x0f != data && flags&0x0f == data {
		kind, flags = flags, kind
	}
	switch {
	case !c.OK():
		return d.skipShort(missing)
	case kind&0x0f != data || kind&null != 0: // version 0, data, with data
		return d.skip(TunnelNotIP)
	}
	if flags&toFromDS == toFromDS {
		c.Skip(addressLen)
	}
	if kind&qos != 0 {
		control := c.Bytes(qosLen)
		if c.OK() && control[0]&aggregate != 0 {
			return d.skip(TunnelNotIP) // several packets
		}
		if flags&order != 0 {
			c.Skip(htLen)
		}
	}
	if !c.OK() {
		return d.skipShort(missing)
	}
	return d.snapPacket(c.Rest(), missing, flags&protected != 0)
}

// snapPacket enters an IP packet behind LLC and SNAP, VLAN tags included. Controllers that decrypt a frame may leave its flag set.
func (d tunnelDecoder) snapPacket(b []byte, missing int, protected bool) Reason {
	const snap = 0xaaaa03
	c := wire.New(b)
	llc, oui, etherType := c.U24(), c.U24(), c.U16()
	isSNAP := llc == snap && oui == 0
	switch {
	case !c.OK():
		return d.skipShort(missing)
	case protected && !isSNAP:
		return d.skip(TunnelEncrypted)
	case !isSNAP:
		return d.skip(TunnelNotIP)
	}
	packet, t := c.Rest(), etherType
	for isVLANTag(t) && len(packet) >= VLANLen {
		t, packet = binary.BigEndian.Uint16(packet[2:]), packet[VLANLen:]
	}
	switch {
	case plausibleOf(t, packet, missing):
		return d.tunnel(etherType, 0, c.Rest(), missing)
	case t != EtherIPv4 && t != EtherIPv6:
		return d.skip(TunnelNotIP)
	case len(packet) < IPv6Len:
		return d.skipShort(missing)
	default:
		return d.skip(TunnelMalformed)
	}
}
