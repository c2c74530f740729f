package sessions

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Facts are all that a diagnosis of a spec's set-up is made of.
type Facts struct {
	Spec      *Spec
	State     *State
	Groups    []SecurityGroup
	Subnets   []Subnet
	Balancers []LoadBalancer
	Gone      []string // ARNs of load balancers that are not there
	Denied    []string // calls by which doctor reads that are not permitted
	Grants    []Grant  // calls of apply: see AskGrants
	Unchecked []string // what could not be looked at, and why
	SourceMTU int      // of the sources' interfaces, bytes of IP: EC2 does not know
}

// Network reads what a diagnosis needs of the network. What is not there, or cannot be seen, is left out of lists.
type Network interface {
	Groups(ctx context.Context, ids []string) ([]SecurityGroup, error)
	Subnets(ctx context.Context, ids []string) ([]Subnet, error)
	LoadBalancer(ctx context.Context, arn string) (*LoadBalancer, error)
}

// Survey reads of the network what a diagnosis of the spec needs. What is not permitted is left out and noted.
func Survey(ctx context.Context, n Network, spec *Spec, have *State) (*Facts, error) {
	f := &Facts{Spec: spec, State: have}
	d, wanted, err := compare(spec, have)
	if err != nil {
		return nil, err
	}
	groups, subnets, balancers := needs(d, wanted)
	for _, arn := range balancers {
		b, err := n.LoadBalancer(ctx, arn)
		switch {
		case err == nil:
			f.Balancers = append(f.Balancers, *b)
			groups = append(groups, b.Groups...)
		case ClassOf(err) == NotFound:
			f.Gone = append(f.Gone, arn)
		default:
			if err := f.unread("load balancer "+arn, err); err != nil {
				return nil, err
			}
		}
	}
	slices.Sort(groups)
	if groups = slices.Compact(groups); len(groups) > 0 {
		if f.Groups, err = n.Groups(ctx, groups); err != nil {
			err = f.unread("security groups", err)
		}
	}
	if err == nil && len(subnets) > 0 {
		if f.Subnets, err = n.Subnets(ctx, subnets); err != nil {
			err = f.unread("subnets", err)
		}
	}
	return f, err
}

// unread notes what could not be read if it is not permitted, and returns any other error.
func (f *Facts) unread(what string, err error) error {
	api, denied := deniedCall(err)
	if !denied {
		return err
	}
	f.Denied = append(f.Denied, api.Action)
	f.Unchecked = append(f.Unchecked, what+": there is no permission to read them")
	return nil
}

// needs are the security groups of interface targets, the subnets of sources, and the load balancers that are targets.
func needs(d *differ, wanted []*wanted) (groups, subnets, balancers []string) {
	in, arns := map[string]bool{}, map[string]bool{}
	for _, w := range wanted {
		in[w.eni.Subnet] = true
	}
	delete(in, "")
	for i := range d.spec.Targets {
		t := d.addressed(d.targets[d.spec.Targets[i].Name])
		if eni := d.ix.byID[t.Interface]; eni != nil {
			groups = append(groups, eni.Groups...)
		}
		arns[t.LoadBalancer] = true
	}
	delete(arns, "")
	return groups, slices.Sorted(maps.Keys(in)), slices.Sorted(maps.Keys(arns))
}

// setup is a spec with all that is known of what it comes to.
type setup struct {
	*Facts
	*differ
	wanted    []*wanted
	targets   []usedTarget
	groups    map[string]*SecurityGroup
	subnets   map[string]*Subnet
	balancers map[string]*LoadBalancer
	unchecked []string
}

// usedTarget is a target of the spec and what is sent to it.
type usedTarget struct {
	Target
	spec    *TargetSpec
	sources []*wanted
}

// index finds everything by its ID.
func (s *setup) index() {
	s.groups = byID(s.Groups, func(g *SecurityGroup) string { return g.ID })
	s.subnets = byID(s.Subnets, func(n *Subnet) string { return n.ID })
	s.balancers = byID(s.Balancers, func(b *LoadBalancer) string { return b.ARN })
	sources := map[string][]*wanted{}
	for _, w := range s.wanted {
		sources[w.Target] = append(sources[w.Target], w)
	}
	for i := range s.spec.Targets {
		t := &s.spec.Targets[i]
		ref := s.differ.targets[t.Name]
		used := usedTarget{s.addressed(ref), t, sources[ref]}
		s.targets = append(s.targets, used)
		switch {
		case used.Endpoint != "":
			s.note("%s: what is behind a Gateway Load Balancer's endpoint is not looked at", used)
		case used.Address() == "":
			s.note("%s: it is not to be seen from this account and region; what is behind it is not looked at", used)
		}
	}
}

func (s *setup) note(format string, args ...any) {
	s.unchecked = append(s.unchecked, fmt.Sprintf(format, args...))
}

// String is what findings call the target.
func (t usedTarget) String() string {
	address := t.Address()
	if address == "" {
		address = t.ID
	}
	return fmt.Sprintf("target %s (%s)", t.spec.Name, address)
}

// where is an entry of the spec, and where it stands.
func (s *setup) where(kind, name string, at Position) string {
	return fmt.Sprintf("%s %s (%s:%d)", kind, name, s.spec.File, at.Line)
}

// few names some of many.
func few(list []string) string {
	const most = 3
	if len(list) <= most {
		return joined(list)
	}
	return fmt.Sprintf("%s and %d more", joined(list[:most]), len(list)-most)
}

// interfacesOf are the interfaces of sessions, each once, in order.
func interfacesOf(list []*wanted) (ids []string) {
	for _, w := range list {
		ids = append(ids, w.Interface)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
