package ec2test

import (
	"slices"
	"strings"
)

var filterKind = &kind[Filter]{
	table: func(d *store) *table[Filter] { return &d.filters },
	ids:   "TrafficMirrorFilterId", notFound: "InvalidTrafficMirrorFilterId.NotFound", noun: "traffic mirror filter", set: "trafficMirrorFilterSet",
	fields: fields[Filter]{
		"description":              func(_ *store, f *Filter) []string { return one(f.Description) },
		"traffic-mirror-filter-id": func(_ *store, f *Filter) []string { return one(f.ID) },
	},
	complete: withRules,
	write:    writeFilter,
}

// withRules returns the filter with those of its rules that the call sees.
func withRules(c *call, f *Filter) *Filter {
	whole := *f
	whole.Rules = c.filterRules(f.ID, c.number)
	return &whole
}

func writeFilter(w xmlWriter, f *Filter) {
	w.value("trafficMirrorFilterId", f.ID)
	w.text("description", f.Description)
	for _, direction := range []string{"ingress", "egress"} {
		w.in(direction+"FilterRuleSet", func() {
			for i := range f.Rules {
				if f.Rules[i].Direction == direction {
					w.in("item", func() { writeRule(w, &f.Rules[i]) })
				}
			}
		})
	}
	w.strings("networkServiceSet", f.Services)
	w.tags(f.Tags)
}

func createFilter(c *call) (reply, error) {
	f := &Filter{Description: c.text("Description"), Owner: c.s.account, Tags: c.tagsFor("traffic-mirror-filter")}
	if err := c.permitted(); err != nil {
		return nil, err
	}
	if limit := c.s.limits.Filters; len(c.filters.rows) >= limit {
		return nil, refused("TrafficMirrorFilterLimitExceeded", "The maximum number of traffic mirror filters, %d, has been reached.", limit)
	}
	f.ID = c.s.newID("tmf")
	c.id = f.ID
	c.filters.put(f.ID, f, c.hiddenThrough())
	token := c.text("ClientToken")
	return func(w xmlWriter) {
		w.in("trafficMirrorFilter", func() { writeFilter(w, f) })
		w.text("clientToken", token)
	}, nil
}

func deleteFilter(c *call) (reply, error) {
	f := c.ownFilter()
	if err := c.permitted(); err != nil {
		return nil, err
	}
	c.id = f.ID
	if n := len(c.through[f.ID]); n > 0 {
		return nil, refused("TrafficMirrorFilterInUse", "The traffic mirror filter %s is in use by %d traffic mirror sessions", f.ID, n)
	}
	c.removeFilter(f.ID)
	return func(w xmlWriter) { w.value("trafficMirrorFilterId", f.ID) }, nil
}

// ownFilter returns the filter of the call, if the account may change it.
func (c *call) ownFilter() *Filter {
	f := filterKind.find(c, c.required("TrafficMirrorFilterId"))
	if f != nil {
		c.owned(f.ID, f.Owner)
	}
	return f
}

// networkServices are the values of TrafficMirrorNetworkService.
var networkServices = []string{"amazon-dns"}

func modifyNetworkServices(c *call) (reply, error) {
	add, remove := c.list("AddNetworkService"), c.list("RemoveNetworkService")
	for _, service := range slices.Concat(add, remove) {
		if !slices.Contains(networkServices, service) {
			c.fail(invalid("NetworkService", service, "It is one of "+strings.Join(networkServices, ", ")+"."))
		}
		if slices.Contains(add, service) && slices.Contains(remove, service) {
			c.fail(refused("InvalidParameterCombination", "The network service %s is both added and removed.", service))
		}
	}
	f := c.ownFilter()
	if err := c.permitted(); err != nil {
		return nil, err
	}
	c.id = f.ID
	changed := f.clone()
	changed.Services = slices.DeleteFunc(changed.Services, func(s string) bool { return slices.Contains(remove, s) })
	for _, service := range add {
		if !slices.Contains(changed.Services, service) {
			changed.Services = append(changed.Services, service)
		}
	}
	c.filters.put(f.ID, changed, 0)
	whole := withRules(c, changed)
	return func(w xmlWriter) { w.in("trafficMirrorFilter", func() { writeFilter(w, whole) }) }, nil
}
