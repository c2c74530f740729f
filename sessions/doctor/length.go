package doctor

import (
	"fmt"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// Sizes of what carries mirrored packets, in bytes (Traffic Mirroring guide, "Packet formats"; "MTU").
const (
	ethernet     = 14   // header of the mirrored frame, which a packet length counts
	vlanTag      = 4    // which the frame may have
	vxlanOver4   = 54   // what VXLAN over IPv4 adds to an IP packet, according to AWS
	targetMTU    = 9001 // of an interface on EC2, unless it was set otherwise
	endpointMTU  = 8500 // of a Gateway Load Balancer's endpoint
	interfaceFit = targetMTU - vxlanOver4
	endpointFit  = endpointMTU - vxlanOver4
	balancerFit  = account.MaxPacketLength - ethernet // the default packet length of a session to a Network Load Balancer
)

// DefaultSourceMTU is the MTU of EC2's interfaces within a VPC.
const DefaultSourceMTU = 9001

// longestWhole returns the length of the longest IP packet that arrives whole at a target, if no packet length is set.
func longestWhole(t account.Target) int {
	switch {
	case t.LoadBalancer != "":
		return balancerFit
	case t.Endpoint != "":
		return endpointFit
	}
	return interfaceFit
}

// mtu finds sessions whose longest packets are truncated. A packet length in the spec is a choice and no finding.
func (s *setup) mtu() []Finding {
	return s.perSession(func(spec *spec.Session, sources []*sessions.Desired) []Finding {
		fit := DefaultSourceMTU
		for _, w := range sources {
			fit = min(fit, longestWhole(s.Target(w.Target)))
		}
		mtu := s.facts.SourceMTU
		if mtu <= fit || spec.PacketLength > 0 && spec.PacketLength <= fit+ethernet {
			return nil
		}
		return []Finding{{
			What:   fmt.Sprintf("packets of more than %d bytes are truncated on the way to the target, and the sources are taken to send %d", fit, mtu),
			Impact: "names and volumes come from the front of a packet and are right; the flow is marked truncated, and whatever reads payload misses bytes",
			Remedy: fmt.Sprintf("set the sources' MTU to %d (ip link set dev IFACE mtu %d); or set packet-length: %d in the spec to accept it; or give --source-mtu if they send less", fit, fit, fit+ethernet),
		}}
	})
}

// Lengths of the mirrored frame that include a given part of it, in bytes.
const (
	tcpHeader  = ethernet + 40 + 20 // an IPv6 and a TCP header
	tcpOptions = ethernet + 40 + 60 // the same with as many options as TCP may have
	// smallHello is the frame of a small ClientHello: 517 bytes, to which clients pad it, in a record of 5 more, after IPv4 and
	// TCP with timestamps. The name may be at its very end.
	smallHello = ethernet + 20 + 32 + 5 + 517
	// largeHello is more than the frame of a ClientHello with a post-quantum key share, about 1,800 bytes, where the MTU lets it
	// be in one packet. At an MTU of 1500 it takes two, each of which must be whole.
	largeHello = 2048
)

// packetLengths finds packet lengths that cut off the names of flows.
func (s *setup) packetLengths() []Finding {
	return s.perSession(func(spec *spec.Session, _ []*sessions.Desired) []Finding {
		hello := min(s.facts.SourceMTU+ethernet+vlanTag, largeHello)
		f := Finding{Remedy: fmt.Sprintf("set packet-length: %d in the spec, or leave it out", hello)}
		switch n := spec.PacketLength; {
		case n == 0 || n >= hello:
			return nil
		case n < account.MinPacketLength6:
			f.Impact = "AWS mirrors IPv4 only with less than 55 bytes, and of TCP there is no header: no state, no losses, no names"
		case n < tcpHeader:
			f.Impact = "TCP headers are cut: connections have no state, no losses and no names"
		case n < tcpOptions:
			f.Impact = "TCP options are cut, and there is no payload: no names from TLS, HTTP or DNS"
		case n < smallHello:
			f.Impact = "hellos of TLS are cut, which then have no name and no fingerprint, and so are the longer DNS answers: few flows have names"
		default:
			f.Impact = "the larger hellos of TLS are cut, among them those with a post-quantum key share where they come in one packet: these flows have no names and no fingerprints"
		}
		f.What = fmt.Sprintf("packet-length is %d; the hello of TLS needs up to %d", spec.PacketLength, hello)
		return []Finding{f}
	})
}
