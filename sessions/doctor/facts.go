package doctor

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// Facts are the input of a diagnosis.
type Facts struct {
	Spec      *spec.Spec
	State     *account.State
	Groups    []account.SecurityGroup
	Subnets   []account.Subnet
	Balancers []account.LoadBalancer
	Gone      []string // ARNs of load balancers that do not exist
	Denied    []string // read calls of doctor that are not permitted
	Grants    []Grant  // calls of apply: see AskGrants
	Unchecked []string // what could not be read, and why
	SourceMTU int      // of the sources' interfaces, bytes of IP: EC2 does not report it
}

// Network reads the parts of the network that a diagnosis needs. Lists leave out what does not exist or is not visible.
type Network interface {
	Groups(ctx context.Context, ids []string) ([]account.SecurityGroup, error)
	Subnets(ctx context.Context, ids []string) ([]account.Subnet, error)
	LoadBalancer(ctx context.Context, arn string) (*account.LoadBalancer, error)
}

// Survey reads from the network what a diagnosis of the spec needs. It records the calls that are not permitted and goes on.
func Survey(ctx context.Context, n Network, spec *spec.Spec, have *account.State) (*Facts, error) {
	f := &Facts{Spec: spec, State: have}
	c, err := sessions.Compare(spec, have)
	if err != nil {
		return nil, err
	}
	groups, subnets, balancers := needs(c)
	for _, arn := range balancers {
		b, err := n.LoadBalancer(ctx, arn)
		switch {
		case err == nil:
			f.Balancers = append(f.Balancers, *b)
			groups = append(groups, b.Groups...)
		case sessions.ClassOf(err) == sessions.NotFound:
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

// unread records that something could not be read if the call is not permitted, and returns any other error.
func (f *Facts) unread(what string, err error) error {
	var api *sessions.APIError
	if !errors.As(err, &api) || api.Class != sessions.Denied {
		return err
	}
	f.Denied = append(f.Denied, api.Action)
	f.Unchecked = append(f.Unchecked, what+": there is no permission to read them")
	return nil
}

// needs returns the security groups of interface targets, the subnets of sources, and the load balancers that are targets.
func needs(c *sessions.Comparison) (groups, subnets, balancers []string) {
	in, arns := map[string]bool{}, map[string]bool{}
	for _, w := range c.Desired {
		in[w.ENI.Subnet] = true
	}
	delete(in, "")
	for i := range c.Spec.Targets {
		t := c.Target(c.TargetID(c.Spec.Targets[i].Name))
		if eni := c.Account.InterfaceByID[t.Interface]; eni != nil {
			groups = append(groups, eni.Groups...)
		}
		arns[t.LoadBalancer] = true
	}
	delete(arns, "")
	return groups, slices.Sorted(maps.Keys(in)), slices.Sorted(maps.Keys(arns))
}
