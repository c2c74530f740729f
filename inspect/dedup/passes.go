package dedup

import (
	"encoding/binary"
	"math/bits"
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
)

// PassSpan is how much later a router may send what it received, in packet time. The copies of both are made at one machine.
const PassSpan = 100 * time.Millisecond

// Passes finds the copies that one mirror session makes of a packet twice: when its interface receives it, and when it sends it on, as the
// interface of a router, an appliance or a load balancer's target does. Its memory is fixed, and newer packets take the place of older ones.
// It is not safe for concurrent use.
type Passes struct {
	sets []set
}

// set holds packets whose identities belong to the same place of the table. It is a cache line.
type set [4]pass

// pass is a packet on its way through an interface.
type pass struct {
	tag           uint32 // of its identity: 24 bits, which with the place of the set are 36; below them the hop limit
	at            uint32 // the time in passUnits, modulo 2^32
	frame, tunnel ends   // of the Ethernet header, and of the IP header around a tunnel
}

func (a *pass) ttl() uint8 { return uint8(a.tag) }

// same reports whether two packets have the same identity.
func (a *pass) same(b *pass) bool { return (a.tag^b.tag)>>8 == 0 }

// passUnit is the resolution of times, in nanoseconds.
const passUnit = 1 << 17

// ends are hashes of the two addresses of a header; 0 if there is none.
type ends struct{ src, dst uint16 }

// turns reports whether one of two packets comes from where the other went to.
func (a ends) turns(b ends) bool { return a != b && (a.dst == b.src || a.src == b.dst) }

// passSets is enough for the packets of a busy interface within PassSpan that are looked at: see Tracker. The table takes 256 KiB, of which
// only what is used costs memory.
const passSets = 1 << 12

// NewPasses returns a Passes without packets.
func NewPasses() *Passes { return &Passes{sets: make([]set, passSets)} }

// Again reports whether a packet is one that its session has sent a copy of before, on its other way. seed is of its flow and direction. A
// retransmission has another IPv4 identification, and comes the same way as the first transmission.
func (t *Passes) Again(p *decap.Packet, seed uint64, nanos int64) bool {
	id := passID(p, seed)
	next := pass{tag: uint32(id>>32)&^0xff | uint32(p.TTL), at: uint32(nanos / passUnit)}
	next.frame, next.tunnel = endsOf(p)
	places := &t.sets[id%passSets]
	for i := range places {
		before := &places[i]
		if before.same(&next) && near(before.at, next.at) {
			again := before.leadsTo(&next)
			if !again {
				before.at = next.at
			}
			return again
		}
	}
	copy(places[1:], places[:]) // the last one is the oldest
	places[0] = next
	return false
}

// near reports whether two times are within PassSpan.
func near(a, b uint32) bool {
	return min(a-b, b-a) <= uint32(PassSpan/passUnit)
}

// leadsTo reports whether an interface that receives one of two equal packets sends the other, or the reverse: one comes from where the
// other went to, or a router took from the hop limit. The copies may come in either order, if the frames show that they are two.
func (a *pass) leadsTo(b *pass) bool {
	switch {
	case a.frame.turns(b.frame) || a.tunnel.turns(b.tunnel):
		return true
	case a.frame.src != b.frame.src && a.frame.dst != b.frame.dst:
		return a.ttl() != b.ttl()
	default:
		return b.ttl() < a.ttl()
	}
}

// endsOf returns the addresses that show where the interface sent a frame, or received it from.
func endsOf(p *decap.Packet) (frame, tunnel ends) {
	f, ip := p.Frame, 0
	if !p.FrameIsIP && len(f) >= decap.EthernetLen {
		frame = ends{endHash(f[6:12]), endHash(f[:6])}
		ip = decap.EthernetLen + decap.VLANLen*int(p.NumVLANs)
	}
	if p.Depth == 0 {
		return frame, tunnel
	}
	switch f = f[min(ip, len(f)):]; {
	case len(f) >= decap.IPv4Len && f[0]>>4 == 4:
		tunnel = ends{endHash(f[12:16]), endHash(f[16:20])}
	case len(f) >= decap.IPv6Len && f[0]>>4 == 6:
		tunnel = ends{endHash(f[8:24]), endHash(f[24:40])}
	}
	return frame, tunnel
}

// endHash returns a number for an address.
func endHash(address []byte) uint16 {
	h := uint64(len(address))
	for ; len(address) >= 4; address = address[4:] {
		h = (h ^ uint64(binary.LittleEndian.Uint32(address))) * passMul1
	}
	if len(address) >= 2 {
		h = (h ^ uint64(binary.LittleEndian.Uint16(address))) * passMul1
	}
	return uint16(h >> 48)
}

const passMul1, passMul2 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db

// passID returns a number that the copies of a packet share. It is cheaper than Window.Identity, and includes the transport's checksum, which
// a router leaves as it is: so it covers all of the packet.
func passID(p *decap.Packet, seed uint64) uint64 {
	var head [headBytes]byte
	copy(head[:], p.Payload)
	numbers := uint64(p.IPID()) | uint64(p.TCPFlags)<<16 | uint64(p.ICMPType)<<24 | uint64(p.TransportSum())<<32 | uint64(uint16(p.PayloadLen))<<48
	h := mix(seed^passMul1, (uint64(p.Seq)<<32|uint64(p.Ack))^passMul2)
	h = mix(h^numbers, binary.LittleEndian.Uint64(head[:])^passMul2)
	return mix(h^passMul2, binary.LittleEndian.Uint64(head[8:])^passMul1)
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
