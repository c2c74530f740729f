package decap

import "encoding/binary"

// SteerPrime multiplies in the steering hash: 2^32 divided by the golden ratio, whose products spread over all bits.
const SteerPrime = 0x9e3779b1

// SteerVLANs is how many VLAN tags the steering hash looks behind.
const SteerVLANs = 2

// SteerTunnelPorts are the UDP ports of tunnels. Their packets are steered by addresses alone: the two directions of a
// flow inside a tunnel have outer ports that have nothing in common.
var SteerTunnelPorts = [...]uint16{
	PortVXLAN,
	PortGENEVE,
	portGTPU,
	portTeredo,
	portGRE,
	portVXLANGPE,
	portVXLANLinux,
}

// SteerHash hashes the addresses and ports of the first IP header in data, so that both directions of a conversation have
// the same hash. It is the reference of the BPF program by which the kernel chooses a socket, and equals it in every bit.
// The VNI is not in it, so that the two copies of a packet that is mirrored at both ends meet.
//
// Ports count for unfragmented TCP, UDP and SCTP directly behind the IP header, if they were captured; tunnels on
// SteerTunnelPorts and all else is hashed by the addresses. GENEVE that carries the VXLAN of a Gateway Load Balancer
// endpoint is looked through. The hash is 0 if no IP header is found whole, and for links other than VXLAN, GENEVE,
// Ethernet and IP.
func SteerHash(data []byte, link Link) uint32 {
	switch link {
	case LinkVXLAN:
		return steerEthernet(after(data, VXLANLen))
	case LinkGENEVE:
		return steerGENEVE(data)
	case LinkEthernet:
		return steerEthernet(data)
	case LinkIP:
		return steerNetwork(etherTypeOf(data), data)
	default:
		return 0
	}
}

// SteerTo maps a hash to one of n workers, 0 to n-1; n is 1 to 65535.
func SteerTo(hash uint32, n int) int { return int((hash >> 16) * uint32(n) >> 16) }

// SteerFlow returns the hash of a packet with these addresses, and ports where SteerHash counts them (else 0).
func SteerFlow(src, dst Addr, srcPort, dstPort uint16) uint32 {
	return (steerEnd(src, srcPort) + steerEnd(dst, dstPort)) * SteerPrime
}

// steerEnd mixes each end by itself, so that the commutative sum of two ends does not depend on their difference only.
func steerEnd(addr Addr, port uint16) uint32 {
	var h uint32
	for i := 0; i < len(addr); i += 4 {
		h = (h + binary.BigEndian.Uint32(addr[i:])) * SteerPrime
	}
	h = (h + uint32(port)) * SteerPrime
	return h ^ h>>16
}

func steerEthernet(frame []byte) uint32 {
	etherType := uint16At(frame, 12)
	for tags := 0; tags < SteerVLANs && isVLANTag(etherType); tags++ {
		frame = after(frame, VLANLen)
		etherType = uint16At(frame, 12)
	}
	return steerNetwork(etherType, after(frame, EthernetLen))
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
	inner := after(data, GENEVELen+4*int(data[0]&0x3f))
	protocol := uint16At(data, 2)
	if protocol == EtherTEB {
		return steerEthernet(inner)
	}
	ip, ok := steeredIP(protocol, inner)
	if !ok {
		return 0
	}
	if ip.proto == UDP && len(ip.transport) >= 4 && uint16At(ip.transport, 2) == gatewayPort {
		return steerEthernet(after(ip.transport, UDPLen+VXLANLen))
	}
	return ip.hash()
}

// steered is what the hash needs of an IP header.
type steered struct {
	src, dst  Addr
	proto     uint8
	transport []byte // as far as it was captured; nil for a fragment
}

func steeredIP(etherType uint16, b []byte) (s steered, ok bool) {
	switch {
	case etherType == EtherIPv4 && len(b) >= IPv4Len:
		s.src, s.dst = mapped([4]byte(b[12:16])), mapped([4]byte(b[16:20]))
		s.proto = b[9]
		if uint16At(b, 6)&(fragMore|fragOffset) == 0 {
			s.transport = after(b, 4*int(b[0]&0x0f))
		}
		return s, true
	case etherType == EtherIPv6 && len(b) >= IPv6Len:
		return steered{src: Addr(b[8:24]), dst: Addr(b[24:40]), proto: b[6], transport: b[IPv6Len:]}, true
	}
	return s, false
}

func (s *steered) hash() uint32 {
	srcPort, dstPort := s.ports()
	return SteerFlow(s.src, s.dst, srcPort, dstPort)
}

func (s *steered) ports() (src, dst uint16) {
	if len(s.transport) < 4 {
		return 0, 0
	}
	src, dst = uint16At(s.transport, 0), uint16At(s.transport, 2)
	if !SteeredByPorts(s.proto, src, dst) {
		return 0, 0
	}
	return src, dst
}

// SteeredByPorts reports whether the ports of an unfragmented packet of a transport count in its steering hash.
func SteeredByPorts(proto uint8, src, dst uint16) bool {
	switch proto {
	case TCP, SCTP:
		return true
	case UDP:
		return !isSteerTunnel(src) && !isSteerTunnel(dst)
	}
	return false
}

func isSteerTunnel(port uint16) bool {
	for _, p := range SteerTunnelPorts {
		if p == port {
			return true
		}
	}
	return false
}

func isVLANTag(etherType uint16) bool {
	return etherType == EtherVLAN || etherType == EtherQinQ || etherType == EtherOldQinQ
}

// etherTypeOf returns the EtherType that an IP packet would have.
func etherTypeOf(ip []byte) uint16 {
	if len(ip) > 0 && ip[0]>>4 == 6 {
		return EtherIPv6
	}
	return EtherIPv4
}

// after returns b without its first n bytes; nil if there are not as many.
func after(b []byte, n int) []byte {
	if n > len(b) {
		return nil
	}
	return b[n:]
}

// uint16At returns the big-endian number at b[i:]; 0, which is no EtherType, if it is not all there.
func uint16At(b []byte, i int) uint16 {
	if i+2 > len(b) {
		return 0
	}
	return binary.BigEndian.Uint16(b[i:])
}
