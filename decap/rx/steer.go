package rx

import (
	"golang.org/x/net/bpf"

	"github.com/mirrorsink/mirrorsink/decap"
)

// steerProgram returns a classic BPF program that chooses one of the workers 0 to workers-1 for a datagram, as
// decap.SteerTo does for the hash of decap.SteerFlow. start is where the VXLAN or GENEVE header is in what the kernel runs it on.
//
// The ports count for unfragmented TCP, UDP and SCTP directly behind the IP header. Tunnels on decap.SteerTunnelPorts and all else are
// hashed by the addresses alone. GENEVE that carries the VXLAN of a Gateway Load Balancer endpoint is unwrapped.
//
// The X register holds that offset when the program proper begins, and all its loads are relative to X. A load beyond the
// end of a datagram ends a classic BPF program with result 0: what is too short to have a whole IP header goes to worker 0,
// and so does what is no IP. If only the ports are missing, because the session cuts its copies short, the addresses alone
// decide.
func steerProgram(link decap.Link, start steerStart, workers int) []bpf.Instruction {
	p := newSteering()
	if start == behindOuter {
		p.outer()
	} else {
		p.emit(bpf.LoadConstant{Dst: bpf.RegX, Val: 0})
	}
	if link == decap.LinkGENEVE {
		p.geneve()
	}
	p.place(p.toVXLAN)
	p.advance(decap.VXLANLen)
	p.ethernet()
	p.ipv4()
	p.ipv6()
	p.ports()
	p.choose(uint32(workers))
	return p.program()
}

// A steerStart is what the kernel runs a steering program on.
type steerStart uint8

const (
	atPayload   steerStart = iota // a SO_REUSEPORT group: the outer IP and UDP headers have been taken off
	behindOuter                   // a fan-out of packet sockets: from the outer IP header on, also where a socket reads from Ethernet
)

// Offsets from X of the fields that the program reads, in bytes.
const (
	ethernetTypeOff = 12

	geneveProtocolOff = 2

	ipv4FragmentOff = 6
	ipv4ProtocolOff = 9
	ipv4SourceOff   = 12
	ipv4DestOff     = 16
	ipv4Words       = 1 // of 32 bits in an address

	ipv6NextOff   = 6
	ipv6SourceOff = 8
	ipv6DestOff   = 24
	ipv6Words     = 4

	ipv6FragmentLen = 8

	ipv4Version = 0x40 // in the upper half of the first byte
	ipv6Version = 0x60

	destPortOff = 2 // in TCP, UDP and SCTP
)

// Scratch memory of the program.
const (
	heldX     = iota // X, while the register is needed for something else
	protocol         // EtherType, then the transport's protocol number
	sourceEnd        // each end's share of the hash
	destEnd
	sourcePort // 0 where ports do not count
	destPort
)

// steering writes the program. Each header has a method; they are in the order of the program.
type steering struct {
	assembler
	toVXLAN, toEthernet, toIPv4, toIPv6 label // X is where that header is
	toPorts                             label // X is where the ports would be, protocol and both ends are known
	toChoose                            label // ends and ports are known
}

func newSteering() *steering {
	p := &steering{}
	for _, l := range []*label{&p.toVXLAN, &p.toEthernet, &p.toIPv4, &p.toIPv6, &p.toPorts, &p.toChoose} {
		*l = p.newLabel()
	}
	return p
}

// advance adds n to X.
func (p *steering) advance(n uint32) {
	p.emit(bpf.TXA{}, bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: n}, bpf.TAX{})
}

// advanceBy adds the number of 32-bit words that the low bits of the byte at X give, and n, to X.
func (p *steering) advanceBy(mask, n uint32) {
	p.emit(bpf.LoadIndirect{Off: 0, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 2},
		bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: n},
		bpf.ALUOpX{Op: bpf.ALUOpAdd},
		bpf.TAX{})
}

// outer makes X the offset of what the outer IP and UDP headers carry, options and an IPv6 fragment header included.
func (p *steering) outer() {
	known, ipv6 := p.newLabel(), p.newLabel()
	p.emit(bpf.LoadAbsolute{Off: 0, Size: 1}, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf0})
	p.jumpIf(bpf.JumpEqual, ipv6Version, ipv6)
	p.emit(bpf.LoadMemShift{Off: 0})
	p.jump(known)
	p.place(ipv6)
	p.emit(bpf.LoadConstant{Dst: bpf.RegX, Val: decap.IPv6Len}, bpf.LoadAbsolute{Off: ipv6NextOff, Size: 1})
	p.jumpIf(bpf.JumpNotEqual, decap.ProtoFragment, known)
	p.emit(bpf.LoadConstant{Dst: bpf.RegX, Val: decap.IPv6Len + ipv6FragmentLen})
	p.place(known)
	p.advance(decap.UDPLen)
}

// geneve continues with what the header carries: an Ethernet frame, IP, or UDP in IP with the mirror's VXLAN in it.
func (p *steering) geneve() {
	p.emit(bpf.LoadIndirect{Off: geneveProtocolOff, Size: 2}, bpf.StoreScratch{Src: bpf.RegA, N: protocol})
	p.advanceBy(0x3f, decap.GENEVELen)
	p.emit(bpf.StoreScratch{Src: bpf.RegX, N: heldX}, bpf.LoadScratch{Dst: bpf.RegA, N: protocol})
	p.jumpIf(bpf.JumpEqual, decap.EtherTEB, p.toEthernet)
	gateway6 := p.newLabel()
	p.jumpIf(bpf.JumpEqual, decap.EtherIPv6, gateway6)
	p.ignoreUnless(decap.EtherIPv4)

	p.emit(bpf.LoadIndirect{Off: ipv4ProtocolOff, Size: 1})
	p.jumpIf(bpf.JumpNotEqual, decap.UDP, p.toIPv4)
	p.jumpIfFragment(p.toIPv4)
	p.advanceBy(0x0f, 0)
	p.gateway(p.toIPv4)

	p.place(gateway6)
	p.emit(bpf.LoadIndirect{Off: ipv6NextOff, Size: 1})
	p.jumpIf(bpf.JumpNotEqual, decap.UDP, p.toIPv6)
	p.advance(decap.IPv6Len)
	p.gateway(p.toIPv6)
}

// gateway continues with the VXLAN header behind the UDP header at X if the port is VXLAN's, otherwise with the saved X.
func (p *steering) gateway(otherwise label) {
	other := p.newLabel()
	p.jumpIfCut(other)
	p.emit(bpf.LoadIndirect{Off: destPortOff, Size: 2})
	p.jumpIf(bpf.JumpNotEqual, decap.PortVXLAN, other)
	p.advance(decap.UDPLen)
	p.jump(p.toVXLAN)
	p.place(other)
	p.emit(bpf.LoadScratch{Dst: bpf.RegX, N: heldX})
	p.jump(otherwise)
}

func (p *steering) ethernet() {
	p.place(p.toEthernet)
	network := p.newLabel()
	for range decap.SteerVLANs {
		tag := p.newLabel()
		p.emit(bpf.LoadIndirect{Off: ethernetTypeOff, Size: 2})
		p.jumpIf(bpf.JumpEqual, decap.EtherVLAN, tag)
		p.jumpIf(bpf.JumpEqual, decap.EtherQinQ, tag)
		p.jumpIf(bpf.JumpNotEqual, decap.EtherOldQinQ, network)
		p.place(tag)
		p.advance(decap.VLANLen)
	}
	p.place(network)
	p.emit(bpf.LoadIndirect{Off: ethernetTypeOff, Size: 2}, bpf.StoreScratch{Src: bpf.RegA, N: protocol})
	p.advance(decap.EthernetLen)
	p.emit(bpf.LoadScratch{Dst: bpf.RegA, N: protocol})
	p.jumpIf(bpf.JumpEqual, decap.EtherIPv6, p.toIPv6)
	p.ignoreUnless(decap.EtherIPv4)
}

// ignoreUnless ends with worker 0 unless A is k.
func (p *steering) ignoreUnless(k uint32) {
	p.emit(bpf.JumpIf{Cond: bpf.JumpEqual, Val: k, SkipTrue: 1}, bpf.RetConstant{Val: 0})
}

func (p *steering) ipv4() {
	const mapped = 0xffff // the prefix of an IPv4-mapped address, as in decap.Addr
	before := uint32(mapped)
	before *= decap.SteerPrime
	p.place(p.toIPv4)
	p.addresses(ipv4SourceOff, ipv4Words, before)
	p.jumpIfFragment(p.toChoose)
	p.emit(bpf.LoadIndirect{Off: ipv4ProtocolOff, Size: 1}, bpf.StoreScratch{Src: bpf.RegA, N: protocol})
	p.advanceBy(0x0f, 0)
	p.jump(p.toPorts)
}

func (p *steering) ipv6() {
	p.place(p.toIPv6)
	p.addresses(ipv6SourceOff, ipv6Words, 0)
	p.emit(bpf.LoadIndirect{Off: ipv6NextOff, Size: 1}, bpf.StoreScratch{Src: bpf.RegA, N: protocol})
	p.advance(decap.IPv6Len)
}

// addresses hashes the two addresses of words 32-bit words each that follow one another at off, and clears the ports.
func (p *steering) addresses(off uint32, words int, before uint32) {
	p.emit(bpf.StoreScratch{Src: bpf.RegX, N: heldX},
		bpf.LoadConstant{Dst: bpf.RegA, Val: 0},
		bpf.StoreScratch{Src: bpf.RegA, N: sourcePort},
		bpf.StoreScratch{Src: bpf.RegA, N: destPort},
		bpf.LoadConstant{Dst: bpf.RegA, Val: before},
		bpf.StoreScratch{Src: bpf.RegA, N: sourceEnd},
		bpf.StoreScratch{Src: bpf.RegA, N: destEnd})
	for _, end := range []int{sourceEnd, destEnd} {
		for range words {
			p.emit(bpf.LoadIndirect{Off: off, Size: 4}, bpf.LoadScratch{Dst: bpf.RegX, N: end},
				bpf.ALUOpX{Op: bpf.ALUOpAdd},
				bpf.ALUOpConstant{Op: bpf.ALUOpMul, Val: decap.SteerPrime},
				bpf.StoreScratch{Src: bpf.RegA, N: end}, bpf.LoadScratch{Dst: bpf.RegX, N: heldX})
			off += 4
		}
	}
}

// jumpIfFragment jumps if the M flag or the fragment offset of the IPv4 header at X is not zero.
func (p *steering) jumpIfFragment(to label) {
	p.emit(bpf.LoadIndirect{Off: ipv4FragmentOff, Size: 2})
	p.jumpIf(bpf.JumpBitsSet, 0x3fff, to)
}

// jumpIfCut jumps if the four bytes of the ports at X were not captured.
func (p *steering) jumpIfCut(to label) {
	p.emit(bpf.LoadExtension{Num: bpf.ExtLen}, bpf.ALUOpConstant{Op: bpf.ALUOpSub, Val: decap.PortsLen})
	p.jumpIfX(bpf.JumpLessThan, to)
}

// ports reads the ports, if the transport has some, the copy has them, and they are not a tunnel's.
func (p *steering) ports() {
	p.place(p.toPorts)
	known, none := p.newLabel(), p.newLabel()
	p.emit(bpf.LoadScratch{Dst: bpf.RegA, N: protocol})
	p.jumpIf(bpf.JumpEqual, decap.TCP, known)
	p.jumpIf(bpf.JumpEqual, decap.UDP, known)
	p.jumpIf(bpf.JumpNotEqual, decap.SCTP, p.toChoose)
	p.place(known)
	p.jumpIfCut(p.toChoose)
	p.emit(bpf.LoadIndirect{Off: 0, Size: 2}, bpf.StoreScratch{Src: bpf.RegA, N: sourcePort},
		bpf.LoadIndirect{Off: destPortOff, Size: 2}, bpf.StoreScratch{Src: bpf.RegA, N: destPort},
		bpf.LoadScratch{Dst: bpf.RegA, N: protocol})
	p.jumpIf(bpf.JumpNotEqual, decap.UDP, p.toChoose)
	for _, port := range []int{sourcePort, destPort} {
		p.emit(bpf.LoadScratch{Dst: bpf.RegA, N: port})
		for _, tunnel := range decap.SteerTunnelPorts {
			p.jumpIf(bpf.JumpEqual, uint32(tunnel), none)
		}
	}
	p.jump(p.toChoose)
	p.place(none)
	p.emit(bpf.LoadConstant{Dst: bpf.RegA, Val: 0},
		bpf.StoreScratch{Src: bpf.RegA, N: sourcePort}, bpf.StoreScratch{Src: bpf.RegA, N: destPort})
}

// choose combines both ends to the hash and returns the worker.
func (p *steering) choose(workers uint32) {
	p.place(p.toChoose)
	p.end(sourceEnd, sourcePort)
	p.emit(bpf.StoreScratch{Src: bpf.RegA, N: sourceEnd})
	p.end(destEnd, destPort)
	p.emit(bpf.LoadScratch{Dst: bpf.RegX, N: sourceEnd}, bpf.ALUOpX{Op: bpf.ALUOpAdd},
		bpf.ALUOpConstant{Op: bpf.ALUOpMul, Val: decap.SteerPrime},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 16},
		bpf.ALUOpConstant{Op: bpf.ALUOpMul, Val: workers},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 16},
		bpf.RetA{})
}

// end mixes the port into one end's hash, in A.
func (p *steering) end(address, port int) {
	p.emit(bpf.LoadScratch{Dst: bpf.RegA, N: address}, bpf.LoadScratch{Dst: bpf.RegX, N: port},
		bpf.ALUOpX{Op: bpf.ALUOpAdd},
		bpf.ALUOpConstant{Op: bpf.ALUOpMul, Val: decap.SteerPrime},
		bpf.TAX{}, bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 16}, bpf.ALUOpX{Op: bpf.ALUOpXor})
}
