package sim

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
)

// A Gateway is a Gateway Load Balancer: it wraps the mirrored packet, from its IP header, in GENEVE.
type Gateway struct {
	// Source is the load balancer's address and Appliance the sink's; both are IPv4, always.
	Source, Appliance netip.Addr
	// Endpoint and Attachment are the identifiers in GENEVE's options.
	Endpoint, Attachment uint64
}

func (g *Gateway) check() error {
	if !g.Source.Is4() || !g.Appliance.Is4() {
		return errors.New("gateway: source and appliance must be IPv4 addresses")
	}
	return nil
}

// geneveLen is the length of the GENEVE header with its three options, in bytes.
const geneveLen = decap.GENEVELen + 12 + 12 + 8

// Outer MAC addresses, locally administered: AWS has the router's and the target's there.
var (
	routerMAC = [6]byte{0x02, 0, 0, 0, 0xff, 0x01}
	targetMAC = [6]byte{0x02, 0, 0, 0, 0xff, 0x02}
)

// An outer writes what AWS puts around a frame: TTL 255, identification 0, fragmentation allowed, no UDP checksum, and of
// the VXLAN header's flags only I.
type outer struct {
	cfg  *Config
	from netip.AddrPort
	vni  uint32
}

// write fills in a copy of the frame, which it cuts to the target's MTU. What that does to the checksums within stays.
func (o *outer) write(c *Copy, frame []byte) {
	ipLen := decap.IPv4Len
	if o.cfg.Target.Is6() {
		ipLen = decap.IPv6Len
	}
	limit, payload := o.cfg.MTU, decap.EthernetLen+ipLen+decap.UDPLen
	if o.cfg.Gateway != nil {
		limit = min(limit, MaxMTU-decap.IPv4Len-decap.UDPLen-geneveLen)
		payload = decap.EthernetLen + decap.IPv4Len + decap.UDPLen
	}
	frame = frame[:min(len(frame), limit-ipLen-decap.UDPLen-decap.VXLANLen)]

	to := netip.AddrPortFrom(o.cfg.Target, decap.PortVXLAN)
	c.From, c.To = o.from, to
	b := o.ethernet(c.Frame[:0])
	if g := o.cfg.Gateway; g != nil {
		c.From = netip.AddrPortFrom(g.Source, o.from.Port())
		c.To = netip.AddrPortFrom(g.Appliance, decap.PortGENEVE)
		b = appendUDP(b, c.From, c.To, geneveLen+ipLen+decap.UDPLen+decap.VXLANLen+len(frame))
		b = g.appendGENEVE(b, o.cfg.Target.Is6(), uint32(o.from.Port()))
	}
	b = appendUDP(b, o.from, to, decap.VXLANLen+len(frame))
	b = append(b, 0x08, 0, 0, 0, byte(o.vni>>16), byte(o.vni>>8), byte(o.vni), 0)
	c.Frame = append(b, frame...)
	c.Payload = c.Frame[payload:]
}

func (o *outer) ethernet(b []byte) []byte {
	b = append(append(b, targetMAC[:]...), routerMAC[:]...)
	if o.cfg.Gateway == nil && o.cfg.Target.Is6() {
		return binary.BigEndian.AppendUint16(b, decap.EtherIPv6)
	}
	return binary.BigEndian.AppendUint16(b, decap.EtherIPv4)
}

// appendUDP appends the IP and UDP headers of n bytes of payload.
func appendUDP(b []byte, from, to netip.AddrPort, n int) []byte {
	if to.Addr().Is6() {
		b = append(b, 0x60, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(decap.UDPLen+n))
		b = append(b, decap.UDP, 255)
		src, dst := from.Addr().As16(), to.Addr().As16()
		b = append(append(b, src[:]...), dst[:]...)
	} else {
		start := len(b)
		b = append(b, 0x45, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(decap.IPv4Len+decap.UDPLen+n))
		b = append(b, 0, 0, 0, 0, 255, decap.UDP, 0, 0)
		src, dst := from.Addr().As4(), to.Addr().As4()
		b = append(append(b, src[:]...), dst[:]...)
		binary.BigEndian.PutUint16(b[start+10:], checksum(b[start:]))
	}
	b = binary.BigEndian.AppendUint16(b, from.Port())
	b = binary.BigEndian.AppendUint16(b, to.Port())
	b = binary.BigEndian.AppendUint16(b, uint16(decap.UDPLen+n))
	return append(b, 0, 0)
}

// appendGENEVE appends a GENEVE header (RFC 8926 section 3.4) with the options of class 0x0108, which is Amazon's. The
// packet within has no Ethernet header.
func (g *Gateway) appendGENEVE(b []byte, ipv6 bool, cookie uint32) []byte {
	etherType := uint16(decap.EtherIPv4)
	if ipv6 {
		etherType = decap.EtherIPv6
	}
	b = append(b, (geneveLen-decap.GENEVELen)/4, 0) // version 0, and the length of the options in words
	b = binary.BigEndian.AppendUint16(b, etherType)
	b = append(b, 0, 0, 0, 0) // the VNI is not used
	b = binary.BigEndian.AppendUint64(append(b, 0x01, 0x08, 1, 2), g.Endpoint)
	b = binary.BigEndian.AppendUint64(append(b, 0x01, 0x08, 2, 2), g.Attachment)
	return binary.BigEndian.AppendUint32(append(b, 0x01, 0x08, 3, 1), cookie)
}

// checksum is IPv4's, over a header whose checksum field is 0 (RFC 1071).
func checksum(header []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(header); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(header[i:]))
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}
