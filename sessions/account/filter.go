package account

import (
	"fmt"
	"net/netip"
)

// Filter is a mirror filter with its rules.
type Filter struct {
	ID       string   `json:"id,omitempty"`
	Services []string `json:"services,omitempty"` // network services that are mirrored whatever the rules are
	Rules    []Rule   `json:"rules,omitempty"`
	Tags     Tags     `json:"tags,omitempty"`
}

// AmazonDNS is the network service of lookups at the VPC's resolver.
const AmazonDNS = "amazon-dns"

// Directions of rules, from the source's point of view, and their actions.
const (
	Ingress = "ingress"
	Egress  = "egress"
	Accept  = "accept"
	Reject  = "reject"
)

// Rule is a rule of a filter. EC2 evaluates the rules of a direction in the order of their numbers; the first that matches decides.
type Rule struct {
	ID               string       `json:"id,omitempty"`
	Filter           string       `json:"filter,omitempty"`
	Direction        string       `json:"direction"`
	Number           int          `json:"number"`
	Action           string       `json:"action"`
	Protocol         int          `json:"protocol,omitempty"` // IP protocol number, 0 for all
	Source           netip.Prefix `json:"source"`
	Destination      netip.Prefix `json:"destination"`
	SourcePorts      *PortRange   `json:"source_ports,omitempty"` // nil for all
	DestinationPorts *PortRange   `json:"destination_ports,omitempty"`
	Tags             Tags         `json:"tags,omitempty"`
}

// RuleKey identifies a rule within its filter.
type RuleKey struct {
	Direction string
	Number    int
}

// Key returns the rule's key.
func (r *Rule) Key() RuleKey { return RuleKey{r.Direction, r.Number} }

// SameEffect reports whether two rules with one key match the same packets and take the same action.
func (r *Rule) SameEffect(o *Rule) bool {
	return r.Action == o.Action && r.Protocol == o.Protocol && r.Source == o.Source && r.Destination == o.Destination &&
		r.SourcePorts.equal(o.SourcePorts) && r.DestinationPorts.equal(o.DestinationPorts)
}

// Describe returns the rule's action and match in one phrase.
func (r *Rule) Describe() string {
	return fmt.Sprintf("%s %s %s%s to %s%s", r.Action, ProtocolName(r.Protocol), r.Source, r.SourcePorts, r.Destination, r.DestinationPorts)
}

// PortRange is a range of ports, both ends included.
type PortRange struct {
	From int `json:"from"`
	To   int `json:"to"`
}

func (p *PortRange) equal(o *PortRange) bool { return p == o || p != nil && o != nil && *p == *o }

// String returns the range as it follows an address, ":80" or ":80-90"; it is empty for all ports.
func (p *PortRange) String() string {
	switch {
	case p == nil:
		return ""
	case p.From == p.To:
		return fmt.Sprintf(":%d", p.From)
	}
	return fmt.Sprintf(":%d-%d", p.From, p.To)
}
