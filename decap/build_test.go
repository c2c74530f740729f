package decap_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/mirrorsink/mirrorsink/decap"
)

// The addresses of the frames that tests make.
var (
	outerV4  = netip.MustParseAddrPort("10.9.8.7:65409")
	clientV4 = netip.MustParseAddr("10.1.2.3")
	serverV4 = netip.MustParseAddr("192.0.2.80")
	clientV6 = netip.MustParseAddr("2001:db8::3")
	serverV6 = netip.MustParseAddr("2001:db8::80")
)

// fromHex reads hexadecimal digits; what follows a # on a line is a comment.
func fromHex(s string) []byte {
	var digits strings.Builder
	for line := range strings.Lines(s) {
		line, _, _ = strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(line), ""))
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		panic(err)
	}
	return b
}

// join concatenates headers, each given as hexadecimal digits or as bytes.
func join(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			b = append(b, fromHex(p)...)
		case []byte:
			b = append(b, p...)
		}
	}
	return b
}

func uint16Bytes(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }

// ether makes an Ethernet frame.
func ether(etherType uint16, parts ...any) []byte {
	return join("020000000002 020000000001", uint16Bytes(etherType), join(parts...))
}

// v4 makes an IPv4 packet from clientV4 to serverV4 with a right length and checksum.
func v4(proto uint8, parts ...any) []byte {
	b := join(parts...)
	h := join("4500", uint16Bytes(uint16(20+len(b))), "0001 0000 3f", []byte{proto}, "0000",
		clientV4.AsSlice(), serverV4.AsSlice())
	binary.BigEndian.PutUint16(h[10:], ^onesSum(h))
	return append(h, b...)
}

// v6 makes an IPv6 packet from clientV6 to serverV6.
func v6(next uint8, parts ...any) []byte {
	b := join(parts...)
	return join("60000000", uint16Bytes(uint16(len(b))), []byte{next, 62}, clientV6.AsSlice(), serverV6.AsSlice(), b)
}

// udp makes a UDP packet without a checksum.
func udp(sport, dport uint16, parts ...any) []byte {
	b := join(parts...)
	return join(uint16Bytes(sport), uint16Bytes(dport), uint16Bytes(uint16(8+len(b))), "0000", b)
}

// tcp makes a TCP segment with PSH and ACK and without a checksum.
func tcp(sport, dport uint16, payload string) []byte {
	return join(uint16Bytes(sport), uint16Bytes(dport), "00000001 00000002 5018 0200 0000 0000", []byte(payload))
}

// vxlan puts a frame into VXLAN.
func vxlan(vni uint32, frame []byte) []byte {
	return append(binary.BigEndian.AppendUint32(fromHex("08000000"), vni<<8), frame...)
}

// onesSum is the checksum's sum, two bytes at a time as RFC 1071 has it first.
func onesSum(b []byte) uint16 {
	var s uint32
	for i, x := range b {
		s += uint32(x) << (8 * (1 - i%2))
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// datagram makes a Datagram of whole bytes, whose slice ends where they end: a read behind them panics.
func datagram(link decap.Link, b []byte) decap.Datagram {
	d := decap.Datagram{Data: slices.Clip(slices.Clone(b)), WireLen: len(b), Link: link}
	if link == decap.LinkVXLAN || link == decap.LinkGENEVE {
		d.Outer = outerV4
	}
	return d
}

// describe returns a packet as text, without fields that are zero.
func describe(p *decap.Packet, r decap.Reason) string {
	var s []string
	add := func(say bool, format string, args ...any) {
		if say {
			s = append(s, fmt.Sprintf(format, args...))
		}
	}
	add(true, "%v", r)
	add(p.Mirrored, "%v vni %d", p.Outer, p.VNI)
	add(p.ReservedBits, "reserved")
	if r != decap.OK && r != decap.Fragment {
		return strings.Join(s, " ")
	}
	add(p.NumVLANs > 0, "vlan %v", p.VLANs[:p.NumVLANs])
	add(p.Depth > 0, "depth %d", p.Depth)
	add(p.Tunnel != 0, "net")
	switch {
	case p.HasPorts:
		add(true, "%v > %v", netip.AddrPortFrom(p.Src.Netip(), p.SrcPort), netip.AddrPortFrom(p.Dst.Netip(), p.DstPort))
	default:
		add(true, "%v > %v", p.Src.Netip(), p.Dst.Netip())
	}
	add(true, "proto %d ip %d", p.Proto, p.IPLen)
	add(p.HasTCP, "flags %02x seq %d ack %d", p.TCPFlags, p.Seq, p.Ack)
	add(p.ICMPType|p.ICMPCode != 0 || p.ICMPID != 0, "icmp %d/%d id %d", p.ICMPType, p.ICMPCode, p.ICMPID)
	add(r == decap.Fragment, "id %d off %d more %v", p.FragID, p.FragOff, p.MoreFrags)
	add(true, "payload %d/%d", len(p.Payload), p.PayloadLen)
	add(p.Truncated, "truncated")
	return strings.Join(s, " ")
}
