package event

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"

	"github.com/mirrorsink/mirrorsink/decap"
)

// AppendCommunityID appends the event's Community ID, version 1 with seed 0, as Zeek, Suricata and others print it: a hash of
// addresses, protocol and ports that is the same for both directions and at every sensor that sees the flow. See
// https://github.com/corelight/community-id-spec. For incomplete fragments, whose ports are not known, it is the ID of their
// addresses and protocol.
func (e *Event) AppendCommunityID(dst []byte) []byte {
	p := decap.Packet{
		Src: e.Src, Dst: e.Dst, SrcPort: e.SrcPort, DstPort: e.DstPort,
		Proto: e.IPProto, ICMPType: e.ICMPType, ICMPCode: e.ICMPCode,
	}
	if e.reversed() {
		p.Src, p.Dst = p.Dst, p.Src
	}
	key, _ := p.Key(0) // orders the two ends, and maps ICMP types to ports, as the specification does

	var buf [2 + 16 + 16 + 2 + 4]byte
	in := append(buf[:0], 0, 0) // the seed
	in = appendAddr(in, key.Lo, e.IPVersion)
	in = appendAddr(in, key.Hi, e.IPVersion)
	in = append(in, e.IPProto, 0)
	if (e.HasPorts() || e.IsICMP()) && !e.Flow.Fragments {
		in = binary.BigEndian.AppendUint16(in, key.LoPort)
		in = binary.BigEndian.AppendUint16(in, key.HiPort)
	}
	sum := sha1.Sum(in)
	return base64.StdEncoding.AppendEncode(append(dst, "1:"...), sum[:])
}

// reversed reports whether Dst sent the ICMP message whose type the event has: the first packet was a reply, and its receiver is
// the client.
func (e *Event) reversed() bool {
	return e.Initiator == ByICMPType && e.isICMPReply()
}

func (e *Event) isICMPReply() bool {
	switch e.IPProto {
	case decap.ICMP:
		switch e.ICMPType {
		case 0, 14, 16, 18, 9: // echo, timestamp, information, address mask, router advertisement
			return true
		}
	case decap.ICMPv6:
		switch e.ICMPType {
		case 129, 134, 136, 131, 140, 145: // echo, router, neighbor, listener, node information, home agent
			return true
		}
	}
	return false
}

func appendAddr(dst []byte, a decap.Addr, version uint8) []byte {
	if ip := a.Netip(); ip.Is4() && version != 6 {
		v4 := ip.As4()
		return append(dst, v4[:]...)
	}
	return append(dst, a[:]...)
}
