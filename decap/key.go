package decap

import "bytes"

// A Key identifies a flow. Both directions have the same key. It is comparable, holds no pointer and has no gap, so it can be hashed and
// compared as it lies in memory.
type Key struct {
	Lo, Hi         Addr   // the two addresses, in the order of (address, port)
	LoPort, HiPort uint16 // ports; for ICMP the values that Community ID uses in their place
	Tunnel         uint32 // Packet.Tunnel, so that tunneled networks with equal addresses stay apart
	Session        uint16 // the mirror session, as the worker numbers (outer source, VNI)
	Proto          uint8
	Version        uint8 // 4 or 6, possibly with FragmentKey
}

// FragmentKey is set in Key.Version for fragments that were not reassembled, which are accounted by their addresses alone.
const FragmentKey = 0x80

// Key returns the packet's flow key in a mirror session; reverse reports that the packet's source is the key's Hi side.
func (p *Packet) Key(session uint16) (k Key, reverse bool) {
	sport, dport := p.SrcPort, p.DstPort
	oneWay := false
	if p.Proto == ICMP || p.Proto == ICMPv6 {
		sport, dport, oneWay = p.icmpPorts()
	}
	k.Session, k.Tunnel, k.Proto, k.Version = session, p.Tunnel, p.Proto, p.Version
	c := bytes.Compare(p.Src[:], p.Dst[:])
	if oneWay || c < 0 || c == 0 && sport <= dport {
		k.Lo, k.Hi, k.LoPort, k.HiPort = p.Src, p.Dst, sport, dport
		return k, false
	}
	k.Lo, k.Hi, k.LoPort, k.HiPort = p.Dst, p.Src, dport, sport
	return k, true
}

// icmpPorts maps an ICMP type and code to ports as the Community ID specification (version 1) does: a request and its
// reply become each other's counterpart. A type without a counterpart is a one-way flow of its type and code.
func (p *Packet) icmpPorts() (sport, dport uint16, oneWay bool) {
	for _, pair := range p.icmpCounterparts() {
		if pair[0] == p.ICMPType {
			return uint16(pair[0]), uint16(pair[1]), false
		}
		if pair[1] == p.ICMPType {
			return uint16(pair[1]), uint16(pair[0]), false
		}
	}
	return uint16(p.ICMPType), uint16(p.ICMPCode), true
}

// Request and reply types, from the Community ID specification.
var (
	icmp4Counterparts = [...][2]uint8{{8, 0}, {13, 14}, {15, 16}, {17, 18}, {10, 9}}
	icmp6Counterparts = [...][2]uint8{{128, 129}, {133, 134}, {135, 136}, {130, 131}, {139, 140}, {144, 145}}
)

// icmpCounterparts returns the pairs of request and reply types of the packet's ICMP version.
func (p *Packet) icmpCounterparts() [][2]uint8 {
	if p.Proto == ICMPv6 {
		return icmp6Counterparts[:]
	}
	return icmp4Counterparts[:]
}

// ICMPRequest reports whether an ICMP packet is a request. known is false for types that are neither requests nor replies.
func (p *Packet) ICMPRequest() (request, known bool) {
	for _, pair := range p.icmpCounterparts() {
		if p.ICMPType == pair[0] || p.ICMPType == pair[1] {
			return p.ICMPType == pair[0], true
		}
	}
	return false, false
}
