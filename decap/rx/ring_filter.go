package rx

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/bpf"

	"github.com/mirrorsink/mirrorsink/decap"
)

// destinations are the outer addresses and the port at which mirrored datagrams are taken.
type destinations struct {
	any4, any6 bool // every address of a family
	addrs      []netip.Addr
	port       uint16
}

// destinationsOf returns what a UDP socket with this address would receive.
func destinationsOf(addr netip.AddrPort) destinations {
	d := destinations{port: addr.Port()}
	switch a := addr.Addr(); {
	case !a.IsUnspecified():
		d.addrs = []netip.Addr{a}
	case a.Is4():
		d.any4 = true
	default:
		d.any4, d.any6 = true, true
	}
	return d
}

// Values of the Linux kernel that a program compares with.
const (
	packetHost = 0      // PACKET_HOST: the frame's destination is the interface's own MAC address
	wholeFrame = 262144 // how much of a frame is to be kept: more than there is
)

// acceptProgram returns a classic BPF program that gives yes for a packet with UDP to one of the destinations, else no. The
// outer IP header is at start. It never reads beyond the end, where the kernel would give 0 in its place.
//
// The first fragment of an IP packet is accepted, since it has all headers. The others have no port.
func acceptProgram(start uint32, to destinations, yes, no uint32) []bpf.Instruction {
	a := &accepting{start: start, to: to}
	a.toNo, a.toYes, a.toIPv6 = a.newLabel(), a.newLabel(), a.newLabel()
	a.require(start + decap.IPv4Len + decap.UDPLen)
	a.emit(bpf.LoadAbsolute{Off: start, Size: 1}, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf0})
	a.jumpIf(bpf.JumpNotEqual, ipv4Version, a.toIPv6)
	a.ipv4()
	a.place(a.toIPv6)
	a.jumpIf(bpf.JumpNotEqual, ipv6Version, a.toNo)
	a.ipv6()
	a.place(a.toYes)
	a.emit(bpf.RetConstant{Val: yes})
	a.place(a.toNo)
	a.emit(bpf.RetConstant{Val: no})
	return a.program()
}

// received guards a program that would take a frame of the outgoing direction, one for another station, or one that is no
// IP but looks so. Only the kernel can run what it returns.
func received(no uint32, program []bpf.Instruction) []bpf.Instruction {
	guard := []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtType},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: packetHost, SkipTrue: 3},
		bpf.LoadExtension{Num: bpf.ExtProto},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: decap.EtherIPv4, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: decap.EtherIPv6, SkipTrue: 1},
		bpf.RetConstant{Val: no},
	}
	return append(guard, program...)
}

// accepting writes the program.
type accepting struct {
	assembler
	start               uint32
	to                  destinations
	toNo, toYes, toIPv6 label
}

// The fragment offset in the outer headers.
const (
	ipv4OffsetBits = 0x1fff // of the fragment offset, behind the flags
	ipv6OffsetBits = 0xfff8 // of the fragment offset, before the flags
	ipv6FragOffset = decap.IPv6Len + 2
)

// require leads to no if there are fewer than n bytes.
func (a *accepting) require(n uint32) {
	a.emit(bpf.LoadExtension{Num: bpf.ExtLen})
	a.jumpIf(bpf.JumpLessThan, n, a.toNo)
}

func (a *accepting) ipv4() {
	a.emit(bpf.LoadAbsolute{Off: a.start + ipv4ProtocolOff, Size: 1})
	a.jumpIf(bpf.JumpNotEqual, decap.UDP, a.toNo)
	a.emit(bpf.LoadAbsolute{Off: a.start + ipv4FragmentOff, Size: 2})
	a.jumpIf(bpf.JumpBitsSet, ipv4OffsetBits, a.toNo)
	if !a.to.any4 {
		a.address(ipv4DestOff, netip.Addr.Is4)
	}
	a.emit(bpf.LoadMemShift{Off: a.start}, bpf.LoadExtension{Num: bpf.ExtLen},
		bpf.ALUOpConstant{Op: bpf.ALUOpSub, Val: a.start + decap.UDPLen})
	a.jumpIfX(bpf.JumpLessThan, a.toNo) // options up to the end
	a.port(0)
}

func (a *accepting) ipv6() {
	plain := a.newLabel()
	a.require(a.start + decap.IPv6Len + decap.UDPLen)
	a.emit(bpf.LoadConstant{Dst: bpf.RegX, Val: 0}, bpf.LoadAbsolute{Off: a.start + ipv6NextOff, Size: 1})
	a.jumpIf(bpf.JumpNotEqual, decap.ProtoFragment, plain)
	a.require(a.start + decap.IPv6Len + ipv6FragmentLen + decap.UDPLen)
	a.emit(bpf.LoadAbsolute{Off: a.start + ipv6FragOffset, Size: 2})
	a.jumpIf(bpf.JumpBitsSet, ipv6OffsetBits, a.toNo)
	a.emit(bpf.LoadConstant{Dst: bpf.RegX, Val: ipv6FragmentLen}, bpf.LoadAbsolute{Off: a.start + decap.IPv6Len, Size: 1})
	a.place(plain)
	a.jumpIf(bpf.JumpNotEqual, decap.UDP, a.toNo)
	if !a.to.any6 {
		a.address(ipv6DestOff, netip.Addr.Is6)
	}
	a.port(decap.IPv6Len)
}

// address leads to no if the address at off is none of the family's destinations.
func (a *accepting) address(off uint32, family func(netip.Addr) bool) {
	found := a.newLabel()
	for _, addr := range a.to.addrs {
		if !family(addr) {
			continue
		}
		other := a.newLabel()
		for b, at := addr.AsSlice(), a.start+off; len(b) > 0; b, at = b[4:], at+4 {
			a.emit(bpf.LoadAbsolute{Off: at, Size: 4})
			a.jumpIf(bpf.JumpNotEqual, binary.BigEndian.Uint32(b), other)
		}
		a.jump(found)
		a.place(other)
	}
	a.jump(a.toNo)
	a.place(found)
}

// port compares the destination port of the UDP header that is X bytes behind off.
func (a *accepting) port(off uint32) {
	a.emit(bpf.LoadIndirect{Off: a.start + off + destPortOff, Size: 2})
	a.jumpIf(bpf.JumpEqual, uint32(a.to.port), a.toYes)
	a.jump(a.toNo)
}
