package sessions

import (
	"fmt"
	"maps"
	"slices"
)

// Sizes of what carries mirrored packets, in bytes (Traffic Mirroring guide, "Packet formats"; "MTU").
const (
	ethernet     = 14   // header of the mirrored frame, which a packet length counts
	vlanTag      = 4    // which it may have
	envelope     = 54   // what AWS says that VXLAN over IPv4 adds to an IP packet
	targetMTU    = 9001 // of an interface on EC2, unless it was set otherwise
	endpointMTU  = 8500 // of a Gateway Load Balancer's endpoint
	interfaceFit = targetMTU - envelope
	endpointFit  = endpointMTU - envelope
	balancerFit  = MaxPacketLength - ethernet // the packet length that a session to a Network Load Balancer has by default
)

// DefaultSourceMTU is that of EC2's interfaces within a VPC.
const DefaultSourceMTU = 9001

// fit is how long an IP packet to a target may be to arrive whole, if no packet length is set.
func (t *Target) fit() int {
	switch {
	case t.LoadBalancer != "":
		return balancerFit
	case t.Endpoint != "":
		return endpointFit
	}
	return interfaceFit
}

// mtu looks for sessions whose longest packets lose their end. A packet length that the spec sets is a choice.
func (s *setup) mtu() []Finding {
	return s.perSession(func(spec *SessionSpec, sources []*wanted) []Finding {
		fit := DefaultSourceMTU
		for _, w := range sources {
			t := s.addressed(w.Target)
			fit = min(fit, t.fit())
		}
		if s.SourceMTU <= fit || spec.PacketLength > 0 && spec.PacketLength <= fit+ethernet {
			return nil
		}
		return []Finding{{
			What: fmt.Sprintf("packets of more than %d bytes lose their end on the way to the target, and the sources are taken to send %d", fit, s.SourceMTU),
			Cost: "names and volumes do not suffer, which come from the front of a packet; its flow is marked truncated, and what reads payload misses bytes",
			Mend: fmt.Sprintf("set the sources' MTU to %d (ip link set dev IFACE mtu %d); or say packet-length: %d in the spec if it may be so; or --source-mtu if they send less", fit, fit, fit+ethernet),
		}}
	})
}

// Bytes of a frame that must be kept to read so much of it.
const (
	tcpHeader  = ethernet + 40 + 20 // an IPv6 and a TCP header
	tcpOptions = ethernet + 40 + 60 // the same with all the options that TCP may have
	// smallHello is the frame of a small ClientHello: 517 bytes, to which clients pad it, in a record of 5 more, behind IPv4 and
	// TCP with timestamps. The name may stand at its very end.
	smallHello = ethernet + 20 + 32 + 5 + 517
	// largeHello is more than the frame of a ClientHello with a post-quantum key share, some 1,800 bytes, where the MTU lets it
	// be in one packet. At an MTU of 1500 it takes two, each of which must be whole.
	largeHello = 2048
)

// packetLengths looks for packet lengths that cut off what flows are named by.
func (s *setup) packetLengths() []Finding {
	return s.perSession(func(spec *SessionSpec, _ []*wanted) []Finding {
		hello := min(s.SourceMTU+ethernet+vlanTag, largeHello)
		f := Finding{Mend: fmt.Sprintf("say packet-length: %d in the spec, or leave it out", hello)}
		switch n := spec.PacketLength; {
		case n == 0 || n >= hello:
			return nil
		case n < MinPacketLength6:
			f.Cost = "AWS mirrors IPv4 only with less than 55 bytes, and of TCP there is no header: no state, no losses, no names"
		case n < tcpHeader:
			f.Cost = "TCP headers are cut: connections have no state, no losses and no names"
		case n < tcpOptions:
			f.Cost = "TCP options are cut, and there is no payload: no names from TLS, HTTP or DNS"
		case n < smallHello:
			f.Cost = "hellos of TLS are cut, which then have no name and no fingerprint, and so are the longer DNS answers: few flows have names"
		default:
			f.Cost = "the larger hellos of TLS are cut, among them those with a post-quantum key share where they come in one packet: these flows have no names and no fingerprints"
		}
		f.What = fmt.Sprintf("packet-length is %d; the hello of TLS needs up to %d", spec.PacketLength, hello)
		return []Finding{f}
	})
}

// perSession looks at each session of the spec that mirrors something, with what it mirrors.
func (s *setup) perSession(look func(spec *SessionSpec, sources []*wanted) []Finding) (all []Finding) {
	of := map[*SessionSpec][]*wanted{}
	for _, w := range s.wanted {
		of[w.spec] = append(of[w.spec], w)
	}
	specs := slices.SortedFunc(maps.Keys(of), func(a, b *SessionSpec) int { return a.At.Line - b.At.Line })
	for _, spec := range specs {
		for _, f := range look(spec, of[spec]) {
			f.Subject = s.where("session", spec.Name, spec.At)
			all = append(all, f)
		}
	}
	return all
}
