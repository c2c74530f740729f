package doctor

import (
	"fmt"
	"slices"

	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// perFilter runs a check for each filter of the spec that sessions use. have is nil if the filter does not exist yet.
func (s *setup) perFilter(run func(f *spec.Filter, have *account.Filter) []Finding) (all []Finding) {
	used := map[string]bool{}
	for i := range s.Spec.Sessions {
		used[s.Spec.Sessions[i].Filter] = true
	}
	for i := range s.Spec.Filters {
		if f := &s.Spec.Filters[i]; used[f.Name] {
			all = append(all, run(f, s.Account.FilterByID[s.FilterID(f.Name)])...)
		}
	}
	return all
}

// amazonDNS finds filters that do not mirror lookups at the VPC's resolver.
func (s *setup) amazonDNS() []Finding {
	return s.perFilter(func(f *spec.Filter, have *account.Filter) []Finding {
		found := Finding{
			Subject: s.where("filter", f.Name, f.At),
			Impact:  "no lookup at the VPC's resolver is mirrored: flows have no names from DNS, and every connection looks as if it had no lookup",
		}
		switch {
		case !f.AmazonDNS:
			found.What = "amazon-dns is off"
			found.Remedy = "leave amazon-dns out of the filter, or set amazon-dns: true"
		case have != nil && !slices.Contains(have.Services, account.AmazonDNS):
			found.What = fmt.Sprintf("amazon-dns is off at AWS (%s), and on in the spec", have.ID)
			found.Remedy = "mirrorsink sessions apply -f " + s.Spec.File
		default:
			return nil
		}
		return []Finding{found}
	})
}

// directions finds filters that accept nothing in one direction.
func (s *setup) directions() []Finding {
	return s.perFilter(func(f *spec.Filter, _ *account.Filter) (all []Finding) {
		for _, direction := range []string{account.Ingress, account.Egress} {
			if slices.ContainsFunc(f.Rules, func(r account.Rule) bool { return r.Direction == direction && r.Action == account.Accept }) {
				continue
			}
			all = append(all, Finding{
				Subject: s.where("filter", f.Name, f.At), What: "it accepts nothing of " + direction,
				Impact: "half of each conversation is missing: no request has a response, and losses cannot be detected",
				Remedy: "leave " + direction + " out of the filter, which accepts everything, or give it a rule that accepts",
			})
		}
		return all
	})
}
