package host

import (
	"fmt"

	"github.com/mirrorsink/mirrorsink/sessions/doctor"
)

// Least MTUs of the device that receives.
const (
	fullFrame  = 1500 + 54 // a packet of the usual length in its envelope (Traffic Mirroring guide, "MTU")
	ec2MTU     = 9001      // of EC2's interfaces within a VPC
	driverENA  = "ena"     // of EC2's network cards
	frameAtEC2 = ec2MTU - 54
)

// interfaceMTU looks whether devices take what mirrored packets are in their envelope.
func (h *Machine) interfaceMTU() (all []doctor.Finding, err error) {
	devices, err := h.receiving()
	for _, d := range devices {
		f := doctor.Finding{Subject: "device " + d.name, Remedy: fmt.Sprintf("ip link set dev %s mtu %d, and the same in the network's configuration", d.name, ec2MTU)}
		switch {
		case d.mtu < fullFrame:
			f.What = fmt.Sprintf("its MTU is %d; a packet of 1500 bytes has %d in its envelope", d.mtu, fullFrame)
			f.Impact = "the copies of full packets do not arrive, or not whole: bytes of every larger transfer are missing"
		case d.driver == driverENA && d.mtu < ec2MTU:
			f.What = fmt.Sprintf("its MTU is %d; EC2's is %d", d.mtu, ec2MTU)
			f.Impact = fmt.Sprintf("the copies of packets from %d to %d bytes do not arrive, or not whole", d.mtu-54+1, frameAtEC2)
		default:
			continue
		}
		all = append(all, f)
	}
	return all, err
}

// allowance is a counter of what EC2 drops beyond what an instance is allowed (EC2 user guide, "Monitor network performance").
type allowance struct {
	counter, of, impact, remedy string
}

var enaAllowances = []allowance{
	{"bw_in_allowance_exceeded", "incoming bandwidth", "copies are dropped before they reach the machine", "a larger instance, or more of them behind a Network Load Balancer; a packet-length in the spec"},
	{"pps_allowance_exceeded", "packets a second", "copies are dropped before they reach the machine", "a larger instance, or more of them behind a Network Load Balancer; a filter that leaves out traffic that is not needed"},
	{"conntrack_allowance_exceeded", "tracked connections", "copies are dropped: each source port of each interface is a connection to the security group", "admit UDP 4789 from 0.0.0.0/0 and everything out, which is not tracked"},
	{"linklocal_allowance_exceeded", "packets to the resolver, the clock and the metadata service", "lookups, time and credentials fail now and then", "fewer lookups: a cache on the machine"},
}

// allowances looks for packets that EC2 has dropped before the machine saw them.
func (h *Machine) allowances() (all []doctor.Finding, err error) {
	devices, err := h.receiving()
	for _, d := range devices {
		if d.driver != driverENA {
			continue
		}
		counters, err := h.counters(d.name)
		if err != nil {
			return all, err
		}
		for _, a := range enaAllowances {
			if n := counters[a.counter]; n > 0 {
				all = append(all, doctor.Finding{
					Subject: "device " + d.name, What: fmt.Sprintf("packets that EC2 has dropped since the start, beyond the instance's %s: %d (%s)", a.of, n, a.counter),
					Impact: a.impact, Remedy: a.remedy,
				})
			}
		}
	}
	return all, err
}
