package sessions

import (
	"fmt"
	"slices"
)

// filters are the spec's filters that sessions use, with what is there of them; nil if there is nothing yet.
func (s *setup) usedFilters(look func(f *FilterSpec, have *Filter) []Finding) (all []Finding) {
	used := map[string]bool{}
	for i := range s.spec.Sessions {
		used[s.spec.Sessions[i].Filter] = true
	}
	for i := range s.spec.Filters {
		f := &s.spec.Filters[i]
		if !used[f.Name] {
			continue
		}
		id := s.filters[f.Name]
		all = append(all, look(f, find(s.ix.Filters, func(have *Filter) bool { return have.ID == id }))...)
	}
	return all
}

// amazonDNS looks whether lookups at the VPC's resolver are mirrored.
func (s *setup) amazonDNS() []Finding {
	return s.usedFilters(func(f *FilterSpec, have *Filter) []Finding {
		found := Finding{
			Subject: s.where("filter", f.Name, f.At),
			Cost:    "no lookup at the VPC's resolver is mirrored: flows have no names from DNS, and every connection looks as if nobody had looked its address up",
		}
		switch {
		case !f.AmazonDNS:
			found.What = "amazon-dns is off"
			found.Mend = "leave amazon-dns out of the filter, or say amazon-dns: true"
		case have != nil && !slices.Contains(have.Services, AmazonDNS):
			found.What = fmt.Sprintf("amazon-dns is off at AWS (%s), and on in the spec", have.ID)
			found.Mend = "mirrorsink sessions apply -f " + s.spec.File
		default:
			return nil
		}
		return []Finding{found}
	})
}

// directions looks for filters that take nothing one way.
func (s *setup) directions() []Finding {
	return s.usedFilters(func(f *FilterSpec, _ *Filter) (all []Finding) {
		for _, direction := range []string{Ingress, Egress} {
			if slices.ContainsFunc(f.Rules, func(r Rule) bool { return r.Direction == direction && r.Action == Accept }) {
				continue
			}
			all = append(all, Finding{
				Subject: s.where("filter", f.Name, f.At), What: "it takes nothing of " + direction,
				Cost: "half of each conversation is missing: no request has a response, and losses cannot be told",
				Mend: "leave " + direction + " out of the filter, which takes everything, or give it a rule that accepts",
			})
		}
		return all
	})
}
