package ec2test

import (
	"net/netip"
	"slices"
	"strconv"
)

var ruleKind = &kind[Rule]{
	table: func(d *store) *table[Rule] { return &d.rules },
	ids:   "TrafficMirrorFilterRuleId", notFound: "InvalidTrafficMirrorFilterRuleId.NotFound", noun: "traffic mirror filter rule", set: "trafficMirrorFilterRuleSet",
	fields: fields[Rule]{
		"traffic-mirror-filter-rule-id": func(_ *store, r *Rule) []string { return one(r.ID) },
		"traffic-mirror-filter-id":      func(_ *store, r *Rule) []string { return one(r.Filter) },
		"rule-number":                   func(_ *store, r *Rule) []string { return oneInt(r.Number) },
		"rule-action":                   func(_ *store, r *Rule) []string { return one(r.Action) },
		"traffic-direction":             func(_ *store, r *Rule) []string { return one(r.Direction) },
		"protocol": func(_ *store, r *Rule) []string {
			if r.Protocol == 0 {
				return nil
			}
			return oneInt(r.Protocol)
		},
		"source-cidr-block":      func(_ *store, r *Rule) []string { return one(r.Source.String()) },
		"destination-cidr-block": func(_ *store, r *Rule) []string { return one(r.Destination.String()) },
		"description":            func(_ *store, r *Rule) []string { return one(r.Description) },
	},
	write: writeRule,
}

func writeRule(w xmlWriter, r *Rule) {
	writeRuleUntagged(w, r)
	w.tags(r.Tags)
}

func writeRuleUntagged(w xmlWriter, r *Rule) {
	w.value("trafficMirrorFilterRuleId", r.ID)
	w.value("trafficMirrorFilterId", r.Filter)
	w.text("description", r.Description)
	w.value("trafficDirection", r.Direction)
	w.number("ruleNumber", r.Number)
	w.value("ruleAction", r.Action)
	if r.Protocol != 0 {
		w.number("protocol", r.Protocol)
	}
	w.value("sourceCidrBlock", r.Source.String())
	w.value("destinationCidrBlock", r.Destination.String())
	writePorts(w, "sourcePortRange", r.SourcePorts)
	writePorts(w, "destinationPortRange", r.DestinationPorts)
}

func writePorts(w xmlWriter, name string, p *PortRange) {
	if p != nil {
		w.in(name, func() {
			w.number("fromPort", p.From)
			w.number("toPort", p.To)
		})
	}
}

// describeRules has a parameter more than its fellows: the filter whose rules are wanted.
func describeRules(c *call) (reply, error) {
	k := *ruleKind
	if id := c.text("TrafficMirrorFilterId"); id != "" {
		filterKind.find(c, id)
		k.table = func(d *store) *table[Rule] { return d.ruleTable(id) }
	}
	return describe(c, &k)
}

// ruleTable returns a filter's rules as a table of their own, which shares the rows.
func (d *store) ruleTable(filter string) *table[Rule] {
	t := newTable[Rule]()
	for id := range d.rulesOf[filter] {
		t.byID[id] = d.rules.byID[id]
		t.rows = append(t.rows, t.byID[id])
	}
	slices.SortFunc(t.rows, bySeq[Rule])
	return &t
}

func createRule(c *call) (reply, error) {
	r := &Rule{Tags: c.tagsFor("traffic-mirror-filter-rule")}
	for _, key := range []string{"RuleNumber", "RuleAction", "SourceCidrBlock", "DestinationCidrBlock", "TrafficDirection"} {
		c.required(key)
	}
	c.ruleParameters(r)
	if f := c.ownFilter(); f != nil {
		r.Filter = f.ID
	}
	c.checkRule(r)
	if err := c.permitted(); err != nil {
		return nil, err
	}
	if limit := c.s.limits.RulesPerFilter; len(c.rulesOf[r.Filter]) >= limit {
		return nil, refused("TrafficMirrorFilterRuleLimitExceeded", "The traffic mirror filter %s has %d rules, which is the maximum.", r.Filter, limit)
	}
	if err := c.ruleNumberFree(r); err != nil {
		return nil, err
	}
	r.ID = c.s.newID("tmfr")
	c.id = r.ID
	c.putRule(r, c.hiddenThrough())
	token := c.text("ClientToken")
	return func(w xmlWriter) {
		w.in("trafficMirrorFilterRule", func() { writeRule(w, r) })
		w.text("clientToken", token)
	}, nil
}

func modifyRule(c *call) (reply, error) {
	old := c.ownRule()
	if old == nil {
		return nil, c.err
	}
	r := old.clone()
	for _, field := range c.list("RemoveField") {
		c.removeRuleField(r, field)
	}
	c.ruleParameters(r)
	c.checkRule(r)
	if err := c.permitted(); err != nil {
		return nil, err
	}
	c.id = r.ID
	if err := c.ruleNumberFree(r); err != nil {
		return nil, err
	}
	c.putRule(r, 0)
	return func(w xmlWriter) { w.in("trafficMirrorFilterRule", func() { writeRuleUntagged(w, r) }) }, nil
}

func deleteRule(c *call) (reply, error) {
	r := c.ownRule()
	if err := c.permitted(); err != nil {
		return nil, err
	}
	c.id = r.ID
	c.removeRule(r.ID)
	return func(w xmlWriter) { w.value("trafficMirrorFilterRuleId", r.ID) }, nil
}

// ownRule returns the rule that the call is about, if it may be changed.
func (c *call) ownRule() *Rule {
	r := ruleKind.find(c, c.required("TrafficMirrorFilterRuleId"))
	if r != nil {
		c.owned(r.ID, c.filters.get(r.Filter).Owner)
	}
	return r
}

// Numbers of rules and sessions, protocols, ports.
const (
	maxNumber   = 32766
	maxProtocol = 255
	maxPort     = 65535
	protocolTCP = 6
	protocolUDP = 17
)

// ruleParameters reads what is given of a rule over what it has.
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

// removeRuleField sets a property back to its default.
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

// checkRule checks what the parts of a rule have to do with each other.
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
