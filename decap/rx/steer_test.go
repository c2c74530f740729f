package rx

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/bpf"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
)

// steerFrame describes a synthetic mirrored packet.
type steerFrame struct {
	src, dst         []byte // 4 or 16 bytes
	srcPort, dstPort uint16
	proto            byte
	tags             []uint16 // EtherTypes of the VLAN tags
	options          int      // 32-bit words of IPv4 options
	fragment         uint16   // IPv4 flags and offset
}

// reverse returns the same packet in the other direction.
func (f steerFrame) reverse() steerFrame {
	f.src, f.dst, f.srcPort, f.dstPort = f.dst, f.src, f.dstPort, f.srcPort
	return f
}

func (f steerFrame) etherType() uint16 {
	if len(f.src) == 4 {
		return 0x0800
	}
	return 0x86dd
}

func (f steerFrame) ip() []byte {
	b := make([]byte, 12, 128)
	if f.etherType() == 0x0800 {
		b[0], b[9] = 0x45+byte(f.options), f.proto
		binary.BigEndian.PutUint16(b[6:], f.fragment)
		b = append(append(b, f.src...), f.dst...)
		b = append(b, make([]byte, 4*f.options)...)
	} else {
		b = b[:8]
		b[0], b[6] = 0x60, f.proto
		b = append(append(b, f.src...), f.dst...)
	}
	b = binary.BigEndian.AppendUint16(b, f.srcPort)
	b = binary.BigEndian.AppendUint16(b, f.dstPort)
	return append(b, "the rest of the packet"...)
}

func (f steerFrame) ethernet() []byte {
	b := make([]byte, 12, 192)
	for i, tag := range f.tags {
		b = binary.BigEndian.AppendUint16(b, tag)
		b = binary.BigEndian.AppendUint16(b, uint16(i+1))
	}
	b = binary.BigEndian.AppendUint16(b, f.etherType())
	return append(b, f.ip()...)
}

func (f steerFrame) vxlan(vni uint32) []byte {
	b := binary.BigEndian.AppendUint32([]byte{8, 0, 0, 0}, vni<<8)
	return append(b, f.ethernet()...)
}

// geneve puts a payload into GENEVE with that many 32-bit words of options.
func geneve(options int, etherType uint16, payload []byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{byte(options), 0}, etherType)
	b = append(b, make([]byte, 4+4*options)...)
	return append(b, payload...)
}

// gateway puts a mirrored packet into GENEVE as a Gateway Load Balancer endpoint does: IP, UDP, VXLAN.
func (f steerFrame) gateway(options int, outer steerFrame) []byte {
	outer.proto, outer.dstPort, outer.fragment = decap.UDP, decap.PortVXLAN, 0
	ip := outer.ip()
	udp := ip[:len(ip)-len("the rest of the packet")]
	return geneve(options, outer.etherType(), append(append(udp, 0, 0, 0, 0), f.vxlan(7)...))
}

func drawSteerFrame(t *rapid.T, label string) steerFrame {
	length := rapid.SampledFrom([]int{4, 16}).Draw(t, label+" address length")
	address := rapid.SliceOfN(rapid.Byte(), length, length)
	port := rapid.OneOf(rapid.Uint16(), rapid.SampledFrom(decap.SteerTunnelPorts[:]))
	return steerFrame{
		src:      address.Draw(t, label+" source"),
		dst:      address.Draw(t, label+" destination"),
		srcPort:  port.Draw(t, label+" source port"),
		dstPort:  port.Draw(t, label+" destination port"),
		proto:    rapid.SampledFrom([]byte{decap.TCP, decap.UDP, decap.SCTP, decap.ICMP, 44, 47}).Draw(t, label+" protocol"),
		tags:     rapid.SliceOfN(rapid.SampledFrom([]uint16{0x8100, 0x88a8, 0x9100}), 0, 3).Draw(t, label+" tags"),
		options:  rapid.IntRange(0, 10).Draw(t, label+" options"),
		fragment: rapid.SampledFrom([]uint16{0, 0, 0x4000, 0x2000, 185, 0x20b9, 0x8000}).Draw(t, label+" fragment"),
	}
}

// drawSteerDatagram returns what a socket of a link would receive, for a packet and for one that answers it.
func drawSteerDatagram(t *rapid.T, link decap.Link) (there, back []byte) {
	f := drawSteerFrame(t, "inner")
	if link == decap.LinkVXLAN {
		return f.vxlan(1), f.reverse().vxlan(2)
	}
	options := rapid.IntRange(0, 63).Draw(t, "GENEVE options")
	switch rapid.SampledFrom([]string{"gateway", "ethernet", "ip", "other"}).Draw(t, "in GENEVE") {
	case "gateway":
		return f.gateway(options, drawSteerFrame(t, "outer")), f.reverse().gateway(options/2, drawSteerFrame(t, "outer back"))
	case "ethernet":
		return geneve(options, 0x6558, f.ethernet()), geneve(0, 0x6558, f.reverse().ethernet())
	case "ip":
		f.proto = decap.TCP // a UDP packet to 4789 would be taken for the mirror's
		return geneve(options, f.etherType(), f.ip()), geneve(0, f.etherType(), f.reverse().ip())
	default:
		return geneve(options, 0x8847, f.ip()), geneve(0, 0x8847, f.reverse().ip())
	}
}

// drawOuterHeaders returns what may stand before a VXLAN or GENEVE header: IPv4 with options, IPv6, also a first fragment.
func drawOuterHeaders(t *rapid.T) []byte {
	f := drawSteerFrame(t, "outer")
	f.proto, f.fragment = decap.UDP, 0x2000
	b := f.ip()
	ip := len(b) - len("the rest of the packet") - decap.PortsLen
	if f.etherType() == decap.EtherIPv6 && rapid.Bool().Draw(t, "outer fragment") {
		b[ipv6NextOff] = decap.ProtoFragment
		b = append(b[:ip:ip], decap.UDP, 0, 0, 1, 0, 0, 0, 7)
		return append(b, make([]byte, decap.UDPLen)...)
	}
	return append(b[:ip:ip], make([]byte, decap.UDPLen)...)
}

func steerVM(t testing.TB, link decap.Link, start steerStart, workers int) *bpf.VM {
	vm, err := bpf.NewVM(steerProgram(link, start, workers))
	require.NoError(t, err)
	return vm
}

// TestSteerProgramEqualsReference compares whole, cut and damaged datagrams.
func TestSteerProgramEqualsReference(t *testing.T) {
	const workers = 13
	for _, start := range []steerStart{atPayload, behindOuter} {
		vms := map[decap.Link]*bpf.VM{}
		for _, link := range []decap.Link{decap.LinkVXLAN, decap.LinkGENEVE} {
			vms[link] = steerVM(t, link, start, workers)
		}
		rapid.Check(t, func(t *rapid.T) {
			link := rapid.SampledFrom([]decap.Link{decap.LinkVXLAN, decap.LinkGENEVE}).Draw(t, "link")
			datagram, _ := drawSteerDatagram(t, link)
			for range rapid.IntRange(0, 3).Draw(t, "damages") {
				datagram[rapid.IntRange(0, len(datagram)-1).Draw(t, "damaged byte")] = rapid.Byte().Draw(t, "value")
			}
			if rapid.Bool().Draw(t, "cut") {
				datagram = datagram[:rapid.IntRange(0, len(datagram)).Draw(t, "length")]
			}
			packet := datagram
			if start == behindOuter {
				packet = append(drawOuterHeaders(t), datagram...)
			}
			got, err := vms[link].Run(packet)
			require.NoError(t, err)
			assert.Equal(t, decap.SteerTo(steerHash(datagram, link), workers), got)
		})
	}
}

func TestSteerProgramKeepsConversationsTogether(t *testing.T) {
	for _, link := range []decap.Link{decap.LinkVXLAN, decap.LinkGENEVE} {
		vm := steerVM(t, link, atPayload, 16)
		rapid.Check(t, func(t *rapid.T) {
			there, back := drawSteerDatagram(t, link)
			a, err := vm.Run(there)
			require.NoError(t, err)
			b, err := vm.Run(back)
			require.NoError(t, err)
			assert.Equal(t, a, b)
		})
	}
}

// TestSteerProgramReadsBeyondTheEnd holds what becomes of datagrams that have no whole IP header.
func TestSteerProgramReadsBeyondTheEnd(t *testing.T) {
	f := steerFrame{src: []byte{10, 0, 0, 1}, dst: []byte{10, 0, 0, 3}, srcPort: 1025, dstPort: 53, proto: decap.UDP}
	whole := f.vxlan(1)
	vm := steerVM(t, decap.LinkVXLAN, atPayload, 4096)
	run := func(n int) int {
		worker, err := vm.Run(whole[:n])
		require.NoError(t, err)
		return worker
	}
	const header, withPorts = decap.VXLANLen + decap.EthernetLen + 20, decap.VXLANLen + decap.EthernetLen + 20 + decap.PortsLen
	for n := range header {
		assert.Zero(t, run(n), "%d bytes", n)
	}
	for n := header; n < withPorts; n++ {
		assert.Equal(t, run(header), run(n), "%d bytes", n)
	}
	assert.NotZero(t, run(header))
	assert.NotEqual(t, run(header), run(withPorts))
	for n := withPorts; n <= len(whole); n++ {
		assert.Equal(t, run(withPorts), run(n), "%d bytes", n)
	}
}
