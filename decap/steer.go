package decap

import "encoding/binary"

// SteerPrime is the multiplier of the steering hash: 2^32 divided by the golden ratio. Its products spread over all bits.
const SteerPrime = 0x9e3779b1

// SteerVLANs is how many VLAN tags are skipped to find the packet that is hashed.
const SteerVLANs = 2

// SteerTunnelPorts are the UDP ports of tunnels whose outer ports are unrelated in the two directions of a tunneled flow. Their packets
// are steered by addresses alone. Of L2TP and CAPWAP the ports of one direction are those of the other.
var SteerTunnelPorts = [...]uint16{
	PortVXLAN,
	PortGENEVE,
	portGTPU,
	portTeredo,
	portGRE,
	portVXLANGPE,
	portVXLANLinux,
	portFOU,
	portFOU2,
	portGUE,
	portMPLS,
}

// SteerTo maps a hash to one of n workers, 0 to n-1; n is 1 to 65535.
func SteerTo(hash uint32, n int) int { return int((hash >> 16) * uint32(n) >> 16) }

// SteerFlow returns the steering hash of packets between two ends, the same for both directions. The kernel's program in package rx
// computes the same. The ports must be 0 unless SteeredByPorts reports true. The VNI is not in the hash, so that both copies of a packet
// that is mirrored twice get the same one.
func SteerFlow(src, dst Addr, srcPort, dstPort uint16) uint32 {
	return (steerEnd(src, srcPort) + steerEnd(dst, dstPort)) * SteerPrime
}

// steerEnd mixes each end by itself, so that the sum of two ends depends on more than their difference.
func steerEnd(addr Addr, port uint16) uint32 {
	var h uint32
	for i := 0; i < len(addr); i += 4 {
		h = (h + binary.BigEndian.Uint32(addr[i:])) * SteerPrime
	}
	h = (h + uint32(port)) * SteerPrime
	return h ^ h>>16
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
