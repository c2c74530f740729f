package ec2test

import "slices"

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

// describeRules has an additional parameter: the filter.
func describeRules(c *call) (reply, error) {
	k := *ruleKind
	if id := c.text("TrafficMirrorFilterId"); id != "" {
		filterKind.find(c, id)
		k.table = func(d *store) *table[Rule] { return d.ruleTable(id) }
	}
	return describe(c, &k)
}

// ruleTable returns a filter's rules as a table that shares the rows.
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
	c.rules.put(r.ID, r, c.hiddenThrough())
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
	c.rules.put(r.ID, r, 0)
	return func(w xmlWriter) { w.in("trafficMirrorFilterRule", func() { writeRuleUntagged(w, r) }) }, nil
}

func deleteRule(c *call) (reply, error) {
	r := c.ownRule()
	if err := c.permitted(); err != nil {
		return nil, err
	}
	c.id = r.ID
	c.rules.remove(r.ID)
	return func(w xmlWriter) { w.value("trafficMirrorFilterRuleId", r.ID) }, nil
}

// ownRule returns the rule of the call, if the account may change it.
func (c *call) ownRule() *Rule {
	r := ruleKind.find(c, c.required("TrafficMirrorFilterRuleId"))
	if r != nil {
		c.owned(r.ID, c.filters.get(r.Filter).Owner)
	}
	return r
}
