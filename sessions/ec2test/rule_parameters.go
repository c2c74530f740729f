package ec2test

import (
	"net/netip"
	"slices"
	"strconv"
)

// Numbers of rules and sessions, protocols, ports.
const (
	maxNumber   = 32766
	maxProtocol = 255
	maxPort     = 65535
	protocolTCP = 6
	protocolUDP = 17
)

// ruleParameters overwrites a rule with the given parameters.
func (c *call) ruleParameters(r *Rule) {
	if c.has("Description") {
		r.Description = c.text("Description")
	}
	if c.has("TrafficDirection") {
		r.Direction = c.oneOf("TrafficDirection", "ingress", "egress")
	}
	if c.has("RuleAction") {
		r.Action = c.oneOf("RuleAction", "accept", "reject")
	}
	r.Number = c.integer("RuleNumber", 1, maxNumber, r.Number)
	r.Protocol = c.integer("Protocol", 0, maxProtocol, r.Protocol)
	r.Source = c.cidr("SourceCidrBlock", r.Source)
	r.Destination = c.cidr("DestinationCidrBlock", r.Destination)
	r.SourcePorts = c.ports("SourcePortRange", r.SourcePorts)
	r.DestinationPorts = c.ports("DestinationPortRange", r.DestinationPorts)
}

func (c *call) cidr(key string, none netip.Prefix) netip.Prefix {
	v := c.text(key)
	if v == "" {
		return none
	}
	p, err := netip.ParsePrefix(v)
	if err != nil {
		c.fail(invalid(key, v, "This is not a valid CIDR block."))
		return none
	}
	return p.Masked()
}

func (c *call) ports(key string, none *PortRange) *PortRange {
	from, to := key+".FromPort", key+".ToPort"
	if !c.has(from) && !c.has(to) {
		return none
	}
	c.required(from)
	c.required(to)
	p := &PortRange{c.integer(from, 0, maxPort, 0), c.integer(to, 0, maxPort, 0)}
	if p.From > p.To && c.err == nil {
		c.fail(invalid(key, strconv.Itoa(p.From)+"-"+strconv.Itoa(p.To), "The first port is greater than the last."))
	}
	return p
}

// removeRuleField resets a property to its default.
func (c *call) removeRuleField(r *Rule, field string) {
	keys := map[string][]string{
		"destination-port-range": {"DestinationPortRange.FromPort", "DestinationPortRange.ToPort"},
		"source-port-range":      {"SourcePortRange.FromPort", "SourcePortRange.ToPort"},
		"protocol":               {"Protocol"},
		"description":            {"Description"},
	}
	c.notBoth(field, keys[field]...)
	switch field {
	case "destination-port-range":
		r.DestinationPorts = nil
	case "source-port-range":
		r.SourcePorts = nil
	case "protocol":
		r.Protocol = 0
	case "description":
		r.Description = ""
	default:
		c.fail(invalid("RemoveField", field, "There is no such field."))
	}
}

// notBoth refuses to set a field that is removed.
func (c *call) notBoth(field string, keys ...string) {
	if slices.ContainsFunc(keys, c.has) {
		c.fail(refused("InvalidParameterCombination", "The field %s is both set and removed.", field))
	}
}

// checkRule checks the parts of a rule against each other.
func (c *call) checkRule(r *Rule) {
	if c.err != nil {
		return
	}
	if r.Source.Addr().Is4() != r.Destination.Addr().Is4() {
		c.fail(refused("InvalidParameterCombination", "SourceCidrBlock %v and DestinationCidrBlock %v are not of the same address family.", r.Source, r.Destination))
	}
	if (r.SourcePorts != nil || r.DestinationPorts != nil) && r.Protocol != protocolTCP && r.Protocol != protocolUDP {
		c.fail(refused("InvalidParameterCombination", "Rule %d has a port range, which only protocols 6 (TCP) and 17 (UDP) have.", r.Number))
	}
}

// ruleNumberFree fails if another rule of the filter has the same direction and number.
func (c *call) ruleNumberFree(r *Rule) error {
	for id := range c.rulesOf[r.Filter] {
		if other := c.rules.get(id); id != r.ID && other.Direction == r.Direction && other.Number == r.Number {
			return refused("TrafficMirrorFilterRuleAlreadyExists", "The traffic mirror filter %s has an %s rule of number %d already: %s.", r.Filter, r.Direction, r.Number, id)
		}
	}
	return nil
}
