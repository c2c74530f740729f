package rx

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

// steerHash hashes the addresses and ports of the first IP header in data, so that both directions of a conversation have
// the same hash. It is the reference of the BPF program by which the kernel chooses a socket, and equals it in every bit.
// The VNI is not in it, so that the two copies of a packet that is mirrored at both ends meet.
//
// Ports count for unfragmented TCP, UDP and SCTP directly behind the IP header, if they were captured; tunnels on
// SteerTunnelPorts and all else is hashed by the addresses. GENEVE that carries the VXLAN of a Gateway Load Balancer
// endpoint is looked through. The hash is 0 if no IP header is found whole, and for links other than VXLAN, GENEVE,
// Ethernet and IP.
func steerHash(data []byte, link decap.Link) uint32 {
	switch link {
	case decap.LinkVXLAN:
		return steerEthernet(after(data, decap.VXLANLen))
	case decap.LinkGENEVE:
		return steerGENEVE(data)
	case decap.LinkEthernet:
		return steerEthernet(data)
	case decap.LinkIP:
		return steerIP(data)
	default:
		return 0
	}
}

func steerEthernet(frame []byte) uint32 {
	etherType := uint16At(frame, 12)
	for tags := 0; tags < decap.SteerVLANs && (etherType == decap.EtherVLAN || etherType == decap.EtherQinQ || etherType == decap.EtherOldQinQ); tags++ {
		frame = after(frame, decap.VLANLen)
		etherType = uint16At(frame, 12)
	}
	return steerNetwork(etherType, after(frame, decap.EthernetLen))
}

// steerIP goes by the version.
func steerIP(packet []byte) uint32 {
	if len(packet) > 0 && packet[0]>>4 == 6 {
		return steerNetwork(decap.EtherIPv6, packet)
	}
	return steerNetwork(decap.EtherIPv4, packet)
}

func steerNetwork(etherType uint16, b []byte) uint32 {
	ip, ok := steeredIP(etherType, b)
	if !ok {
		return 0
	}
	return ip.hash()
}

// steerGENEVE hashes what a GENEVE header (RFC 8926) carries: Ethernet, IP, or the mirror's VXLAN in UDP in IP.
func steerGENEVE(data []byte) uint32 {
	if len(data) < 4 {
		return 0
	}
	inner := after(data, decap.GENEVELen+4*int(data[0]&0x3f))
	protocol := uint16At(data, 2)
	if protocol == decap.EtherTEB {
		return steerEthernet(inner)
	}
	ip, ok := steeredIP(protocol, inner)
	if !ok {
		return 0
	}
	if ip.proto == decap.UDP && len(ip.transport) >= 4 && uint16At(ip.transport, 2) == decap.PortVXLAN {
		return steerEthernet(after(ip.transport, decap.UDPLen+decap.VXLANLen))
	}
	return ip.hash()
}

// steered is what the hash needs of an IP header.
type steered struct {
	src, dst  decap.Addr
	proto     uint8
	transport []byte // as far as it was captured; nil for a fragment
}

func steeredIP(etherType uint16, b []byte) (s steered, ok bool) {
	switch {
	case etherType == decap.EtherIPv4 && len(b) >= decap.IPv4Len:
		s.src, s.dst = decap.Addr(netip.AddrFrom4([4]byte(b[12:16])).As16()), decap.Addr(netip.AddrFrom4([4]byte(b[16:20])).As16())
		s.proto = b[9]
		if uint16At(b, 6)&0x3fff == 0 {
			s.transport = after(b, 4*int(b[0]&0x0f))
		}
		return s, true
	case etherType == decap.EtherIPv6 && len(b) >= decap.IPv6Len:
		return steered{src: decap.Addr(b[8:24]), dst: decap.Addr(b[24:40]), proto: b[6], transport: b[decap.IPv6Len:]}, true
	}
	return s, false
}

func (s *steered) hash() uint32 {
	srcPort, dstPort := s.ports()
	return decap.SteerFlow(s.src, s.dst, srcPort, dstPort)
}

func (s *steered) ports() (src, dst uint16) {
	if len(s.transport) < 4 {
		return 0, 0
	}
	src, dst = uint16At(s.transport, 0), uint16At(s.transport, 2)
	if !decap.SteeredByPorts(s.proto, src, dst) {
		return 0, 0
	}
	return src, dst
}

// after returns b without its first n bytes; nil if there are not as many.
func after(b []byte, n int) []byte {
	if n > len(b) {
		return nil
	}
	return b[n:]
}

// uint16At returns the big-endian number at b[i:], or 0 if b is too short.
func uint16At(b []byte, i int) uint16 {
	if i+2 > len(b) {
		return 0
	}
	return binary.BigEndian.Uint16(b[i:])
}

// steerBytes joins annotated lines of hex: what follows a | is a remark.
func steerBytes(t testing.TB, lines ...string) []byte {
	t.Helper()
	var digits strings.Builder
	for _, line := range lines {
		code, _, _ := strings.Cut(line, "|")
		digits.WriteString(strings.ReplaceAll(code, " ", ""))
	}
	b, err := hex.DecodeString(digits.String())
	require.NoError(t, err)
	return b
}

const (
	steerMACs  = "020000000001 020000000002 | Ethernet: destination, source"
	steerUDP4  = "45000020 00000000 40110000 0a000001 0a000002 | IPv4: UDP 10.0.0.1 > 10.0.0.2"
	steerTCP4  = "45000028 00000000 40060000 0a000001 0a000002 | IPv4: TCP 10.0.0.1 > 10.0.0.2"
	steerTCP6  = "60000000 00140640 20010db8000000000000000000000001 20010db8000000000000000000000002 | IPv6: TCP ::1 > ::2"
	steerPorts = "c000 01bb | ports 49152 > 443"
)

// steer10 is 10.0.0.x.
func steer10(x byte) decap.Addr { return decap.Addr{10: 0xff, 11: 0xff, 12: 10, 15: x} }

// steerDB8 is 2001:db8::x.
func steerDB8(x byte) decap.Addr { return decap.Addr{0x20, 0x01, 0x0d, 0xb8, 15: x} }

func TestSteerHashReadsWhatCounts(t *testing.T) {
	tcp4 := decap.SteerFlow(steer10(1), steer10(2), 49152, 443)
	hosts4 := decap.SteerFlow(steer10(1), steer10(2), 0, 0)
	tcp6 := decap.SteerFlow(steerDB8(1), steerDB8(2), 49152, 443)
	hosts6 := decap.SteerFlow(steerDB8(1), steerDB8(2), 0, 0)
	cases := []struct {
		name  string
		frame []string
		want  uint32
	}{
		{"TCP over IPv4", []string{steerMACs, "0800", steerTCP4, steerPorts}, tcp4},
		{"IPv4 options", []string{steerMACs, "0800", "46000028 00000000 40060000 0a000001 0a000002", "01010101", steerPorts}, tcp4},
		{"UDP", []string{steerMACs, "0800", steerUDP4, steerPorts}, tcp4},
		{"SCTP", []string{steerMACs, "0800", "45000028 00000000 40840000 0a000001 0a000002", steerPorts}, tcp4},
		{"ICMP has no ports", []string{steerMACs, "0800", "45000028 00000000 40010000 0a000001 0a000002", steerPorts}, hosts4},
		{"ports were cut off", []string{steerMACs, "0800", steerTCP4, "c00001"}, hosts4},
		{"first fragment", []string{steerMACs, "0800", "45000028 00002000 40110000 0a000001 0a000002", steerPorts}, hosts4},
		{"later fragment", []string{steerMACs, "0800", "45000028 00000001 40110000 0a000001 0a000002", steerPorts}, hosts4},
		{"do not fragment", []string{steerMACs, "0800", "45000028 00004000 40060000 0a000001 0a000002", steerPorts}, tcp4},
		{"one tag", []string{steerMACs, "8100 0007 0800", steerTCP4, steerPorts}, tcp4},
		{"two tags", []string{steerMACs, "88a8 0001 8100 0007 0800", steerTCP4, steerPorts}, tcp4},
		{"old QinQ", []string{steerMACs, "9100 0001 8100 0007 86dd", steerTCP6, steerPorts}, tcp6},
		{"three tags", []string{steerMACs, "88a8 0001 8100 0007 8100 0001 0800", steerTCP4, steerPorts}, 0},
		{"TCP over IPv6", []string{steerMACs, "86dd", steerTCP6, steerPorts}, tcp6},
		{"IPv6 fragment", []string{steerMACs, "86dd", strings.Replace(steerTCP6, "0640", "2c40", 1), "06000000", steerPorts}, hosts6},
		{"VXLAN inside", []string{steerMACs, "0800", steerUDP4, "c000 12b5"}, hosts4},
		{"GENEVE inside, the other way", []string{steerMACs, "0800", steerUDP4, "17c1 c000"}, hosts4},
		{"GTP-U inside", []string{steerMACs, "0800", steerUDP4, "0868 0868"}, hosts4},
		{"flannel inside", []string{steerMACs, "0800", steerUDP4, "c000 2118"}, hosts4},
		{"TCP on a tunnel's port", []string{steerMACs, "0800", steerTCP4, "c000 12b5"},
			decap.SteerFlow(steer10(1), steer10(2), 49152, 4789)},
		{"ARP", []string{steerMACs, "0806", "0001 0800 0604 0001"}, 0},
		{"no whole IP header", []string{steerMACs, "0800", "45000028 00000000 40060000 0a000001 0a0000"}, 0},
		{"nothing", nil, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			frame := steerBytes(t, c.frame...)
			assert.Equal(t, c.want, steerHash(frame, decap.LinkEthernet))
			vxlan := append(steerBytes(t, "08000000 00002a00"), frame...)
			assert.Equal(t, c.want, steerHash(vxlan, decap.LinkVXLAN))
			teb := append(steerBytes(t, "0100 6558 00002a00 01080100"), frame...) // one option of four bytes
			assert.Equal(t, c.want, steerHash(teb, decap.LinkGENEVE))
			gateway := append(steerBytes(t, "0000 0800 00000000", steerUDP4, "ff80 12b5 0000 0000"), vxlan...)
			assert.Equal(t, c.want, steerHash(gateway, decap.LinkGENEVE))
		})
	}
}

func TestSteerHashOfIP(t *testing.T) {
	want4, want6 := decap.SteerFlow(steer10(1), steer10(2), 49152, 443), decap.SteerFlow(steerDB8(1), steerDB8(2), 49152, 443)
	ip4, ip6 := steerBytes(t, steerTCP4, steerPorts), steerBytes(t, steerTCP6, steerPorts)
	assert.Equal(t, want4, steerHash(ip4, decap.LinkIP))
	assert.Equal(t, want6, steerHash(ip6, decap.LinkIP))
	assert.Equal(t, want4, steerHash(append(steerBytes(t, "0000 0800 00000000"), ip4...), decap.LinkGENEVE))
	assert.Equal(t, want6, steerHash(append(steerBytes(t, "0000 86dd 00000000"), ip6...), decap.LinkGENEVE))
	assert.Zero(t, steerHash(append(steerBytes(t, "0000 8847 00000000"), ip4...), decap.LinkGENEVE), "MPLS")
	assert.Zero(t, steerHash(ip4, decap.LinkSLL))
}
