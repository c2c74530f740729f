package rx

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/bpf"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
)

// outerSpec describes the outer headers of a mirrored datagram and what they carry.
type outerSpec struct {
	from, to netip.AddrPort // of one family
	options  int            // 32-bit words of IPv4 options
	fragment bool           // the first of several; the others are not there
	payload  []byte
	trailer  int // bytes of padding behind the IP packet
}

// packet returns the packet from its IP header on.
func (o outerSpec) packet() []byte {
	udp := binary.BigEndian.AppendUint16(nil, o.from.Port())
	udp = binary.BigEndian.AppendUint16(udp, o.to.Port())
	length := decap.UDPLen + len(o.payload)
	if o.fragment {
		length += 1000
	}
	udp = binary.BigEndian.AppendUint16(udp, uint16(length))
	udp = append(append(udp, 0, 0), o.payload...)
	if o.from.Addr().Is4() {
		udp = append(o.ipv4(len(udp)), udp...)
	} else {
		udp = append(o.ipv6(len(udp)), udp...)
	}
	return append(udp, make([]byte, o.trailer)...)
}

func (o outerSpec) ipv4(length int) []byte {
	header := decap.IPv4Len + 4*o.options
	b := []byte{0x45 + byte(o.options), 0, 0, 0, 0, 1, 0x40, 0, 64, 17, 0, 0}
	if o.fragment {
		b[6] = 0x20
	}
	binary.BigEndian.PutUint16(b[2:], uint16(header+length))
	b = append(append(b, o.from.Addr().AsSlice()...), o.to.Addr().AsSlice()...)
	for range o.options {
		b = append(b, 1, 1, 1, 1) // no operation
	}
	sum := uint32(0)
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(b[10:], ^uint16(sum>>16+sum))
	return b
}

func (o outerSpec) ipv6(length int) []byte {
	b := []byte{0x60, 0, 0, 0, 0, 0, 17, 64}
	if o.fragment {
		b[6] = decap.ProtoFragment
		length += ipv6FragmentLen
	}
	binary.BigEndian.PutUint16(b[4:], uint16(length))
	b = append(append(b, o.from.Addr().AsSlice()...), o.to.Addr().AsSlice()...)
	if o.fragment {
		b = append(b, 17, 0, 0, 1, 0, 0, 0, 9)
	}
	return b
}

// frame returns the packet in Ethernet, behind a VLAN tag if tag is not zero.
func (o outerSpec) frame(to, from [6]byte, tag uint16) []byte {
	b := append(append([]byte{}, to[:]...), from[:]...)
	if tag != 0 {
		b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, decap.EtherVLAN), tag)
	}
	kind := uint16(decap.EtherIPv6)
	if o.from.Addr().Is4() {
		kind = decap.EtherIPv4
	}
	return append(binary.BigEndian.AppendUint16(b, kind), o.packet()...)
}

func drawOuter(t *rapid.T, to []netip.AddrPort) outerSpec {
	o := outerSpec{
		to:       rapid.SampledFrom(to).Draw(t, "to"),
		fragment: rapid.IntRange(0, 9).Draw(t, "kind") == 0,
		payload:  rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "payload"),
		trailer:  rapid.SampledFrom([]int{0, 0, 1, 18}).Draw(t, "padding"),
	}
	size := len(o.to.Addr().AsSlice())
	addr, _ := netip.AddrFromSlice(rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "from"))
	o.from = netip.AddrPortFrom(addr, rapid.Uint16().Draw(t, "from port"))
	if o.to.Addr().Is4() {
		o.options = rapid.IntRange(0, 10).Draw(t, "options")
	}
	return o
}

var outerEnds = []netip.AddrPort{
	netip.MustParseAddrPort("10.1.0.5:4789"), netip.MustParseAddrPort("10.1.0.5:4790"), netip.MustParseAddrPort("10.1.0.6:4789"),
	netip.MustParseAddrPort("[2001:db8::5]:4789"), netip.MustParseAddrPort("[2001:db8::5]:6081"), netip.MustParseAddrPort("[2001:db8:0:1::5]:4789"),
}

// TestOuterReadsWhatWasBuilt holds the headers of a packet against what they were made from, cut anywhere.
func TestOuterReadsWhatWasBuilt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOuter(t, outerEnds)
		packet := o.packet()
		headers := len(packet) - len(o.payload) - o.trailer
		length := len(o.payload)
		if o.fragment {
			length += 1000
		}
		n := rapid.IntRange(0, len(packet)).Draw(t, "captured")
		got, ok := parseOuter(packet[:n:n])
		require.Equal(t, n >= headers, ok)
		if !ok {
			require.Zero(t, got)
			return
		}
		assert.Equal(t, o.from, got.from)
		assert.Equal(t, length, got.length)
		assert.Equal(t, o.payload[:min(len(o.payload), n-headers)], append([]byte{}, got.payload...))
	})
}

func TestOuterRefuses(t *testing.T) {
	for name, spoil := range map[string]func(ip4, ip6 []byte){
		"another version":            func(a, b []byte) { a[0], b[0] = 0x55, 0x40 },
		"another protocol":           func(a, b []byte) { a[9], b[6] = 6, 6 },
		"a later fragment":           func(a, b []byte) { a[7] = 1; b[6] = decap.ProtoFragment; b[40] = 17; b[42] = 1 },
		"UDP longer than IP":         func(a, b []byte) { a[20+5], b[40+5] = 200, 200 },
		"UDP shorter than UDP":       func(a, b []byte) { a[20+5], b[40+5] = 7, 7 },
		"an IP packet without UDP":   func(a, b []byte) { a[3], b[5] = 27, 7 },
		"an IP header of four words": func(a, b []byte) { a[0], b[0] = 0x44, 0 },
	} {
		t.Run(name, func(t *testing.T) {
			for i, to := range []netip.AddrPort{outerEnds[0], outerEnds[3]} {
				packet := outerSpec{from: to, to: to, payload: make([]byte, 50)}.packet()
				_, ok := parseOuter(packet)
				require.True(t, ok)
				both := [2][]byte{make([]byte, 64), make([]byte, 64)}
				both[i] = packet
				spoil(both[0], both[1])
				_, ok = parseOuter(packet)
				assert.False(t, ok, "family %d", i)
			}
		})
	}
}

func FuzzOuter(f *testing.F) {
	for _, to := range outerEnds {
		f.Add(outerSpec{from: to, to: to, payload: []byte("payload"), trailer: 3}.packet())
		f.Add(outerSpec{from: to, to: to, payload: []byte("payload"), fragment: true}.packet())
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		o, ok := parseOuter(packet)
		if !ok {
			require.Zero(t, o)
			return
		}
		require.LessOrEqual(t, len(o.payload), o.length)
		require.LessOrEqual(t, len(o.payload)+decap.UDPLen+decap.IPv4Len, len(packet))
		require.Equal(t, len(o.payload), cap(o.payload))
		require.True(t, o.from.IsValid())
	})
}

// acceptable is the reference of the filter.
func acceptable(packet []byte, to destinations) bool {
	if len(packet) < decap.IPv4Len+decap.UDPLen {
		return false
	}
	var header int
	var proto byte
	var any bool
	var address netip.Addr
	switch packet[0] >> 4 {
	case 4:
		if binary.BigEndian.Uint16(packet[6:])&0x1fff != 0 {
			return false
		}
		header, proto, any, address = 4*int(packet[0]&15), packet[9], to.any4, netip.AddrFrom4([4]byte(packet[16:20]))
	case 6:
		if len(packet) < 48 {
			return false
		}
		header, proto, any, address = decap.IPv6Len, packet[6], to.any6, netip.AddrFrom16([16]byte(packet[24:40]))
		if proto == 44 {
			if len(packet) < 56 || binary.BigEndian.Uint16(packet[42:])>>3 != 0 {
				return false
			}
			header, proto = header+8, packet[40]
		}
	default:
		return false
	}
	for _, a := range to.addrs {
		any = any || a == address
	}
	return proto == 17 && any && len(packet) >= header+decap.UDPLen && binary.BigEndian.Uint16(packet[header+2:]) == to.port
}

// TestAcceptProgramEqualsReference compares whole, cut and damaged packets. The program never ends by a load that fails,
// which would give neither of its results.
func TestAcceptProgramEqualsReference(t *testing.T) {
	const yes, no = 2, 0xffffffff
	for _, listen := range []string{"0.0.0.0:4789", "[::]:4789", "[::]:6081", "10.1.0.5:4789", "[2001:db8::5]:4789", "several"} {
		for _, start := range []uint32{0, 14} {
			to := destinations{addrs: []netip.Addr{outerEnds[0].Addr(), outerEnds[3].Addr(), outerEnds[5].Addr()}, port: 4789}
			if listen != "several" {
				to = destinationsOf(netip.MustParseAddrPort(listen))
			}
			vm, err := bpf.NewVM(acceptProgram(start, to, yes, no))
			require.NoError(t, err)
			rapid.Check(t, func(t *rapid.T) {
				packet := drawOuter(t, outerEnds).packet()
				for range rapid.IntRange(0, 2).Draw(t, "damages") {
					packet[rapid.IntRange(0, min(60, len(packet)-1)).Draw(t, "damaged byte")] = rapid.Byte().Draw(t, "value")
				}
				packet = packet[:rapid.IntRange(0, len(packet)).Draw(t, "length")]
				got, err := vm.Run(append(make([]byte, start), packet...))
				require.NoError(t, err)
				want := uint32(no)
				if acceptable(packet, to) {
					want = yes
				}
				require.Equal(t, want, uint32(got))
			})
		}
	}
}
