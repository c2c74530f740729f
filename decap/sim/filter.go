package sim

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/mirrorsink/mirrorsink/decap"
)

// A Filter is which packets of an interface are mirrored. In a direction without a matching rule, none is.
type Filter struct {
	Ingress, Egress []Rule
	// AmazonDNS mirrors all packets to and from Amazon's DNS, whatever the rules. Without it none of them is mirrored, whatever the rules.
	AmazonDNS bool
}

// A Rule matches packets by their protocol, addresses and ports. Of a direction's rules the one with the lowest number
// that matches decides.
type Rule struct {
	Number int
	Accept bool
	// Protocol is an IP protocol number, or 0 for all of them.
	Protocol uint8
	// Source and Destination are of one family, and match packets of that family alone.
	Source, Destination netip.Prefix
	// SourcePorts and DestinationPorts are for TCP and UDP. A fragment without ports is in no range of them.
	SourcePorts, DestinationPorts PortRange
}

// A PortRange holds the ports from From to To. The zero PortRange holds all ports, and no ports too.
type PortRange struct{ From, To uint16 }

func (r PortRange) holds(port uint16, known bool) bool {
	return r == PortRange{} || known && r.From <= port && port <= r.To
}

// takes asks the rules, not the network services.
func (f *Filter) takes(dir direction, h *headers) bool {
	rules := f.Ingress
	if dir == egress {
		rules = f.Egress
	}
	for i := range rules {
		if rules[i].matches(h) {
			return rules[i].Accept
		}
	}
	return false
}

func (r *Rule) matches(h *headers) bool {
	return (r.Protocol == 0 || r.Protocol == h.proto) &&
		r.Source.Contains(h.src) && r.Destination.Contains(h.dst) &&
		r.SourcePorts.holds(h.sport, h.ports) && r.DestinationPorts.holds(h.dport, h.ports)
}

// check looks for what EC2 would refuse.
func (f *Filter) check() error {
	for _, rules := range [][]Rule{f.Ingress, f.Egress} {
		taken := map[int]bool{}
		for i := range rules {
			r := &rules[i]
			if err := r.check(); err != nil {
				return fmt.Errorf("rule %d: %w", r.Number, err)
			}
			if taken[r.Number] {
				return fmt.Errorf("rule %d: the number is taken", r.Number)
			}
			taken[r.Number] = true
		}
	}
	return nil
}

// sorted returns a copy with the rules in the order in which they are asked.
func (f *Filter) sorted() *Filter {
	byNumber := func(a, b Rule) int { return cmp.Compare(a.Number, b.Number) }
	return &Filter{
		Ingress:   slices.SortedFunc(slices.Values(f.Ingress), byNumber),
		Egress:    slices.SortedFunc(slices.Values(f.Egress), byNumber),
		AmazonDNS: f.AmazonDNS,
	}
}

func (r *Rule) check() error {
	switch {
	case !r.Source.IsValid() || !r.Destination.IsValid():
		return errors.New("source and destination must be given")
	case r.Source.Addr().Is4() != r.Destination.Addr().Is4():
		return errors.New("source and destination are of different address families")
	case r.SourcePorts.From > r.SourcePorts.To || r.DestinationPorts.From > r.DestinationPorts.To:
		return errors.New("a port range ends before it begins")
	case r.Protocol != decap.TCP && r.Protocol != decap.UDP && (r.SourcePorts != PortRange{} || r.DestinationPorts != PortRange{}):
		return errors.New("ports want protocol tcp or udp")
	}
	return nil
}
