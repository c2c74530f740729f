package aws

import (
	"context"

	"github.com/mirrorsink/mirrorsink/sessions/account"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"
)

// pageSize is EC2's largest page.
const pageSize = 1000

// Read reads the state: first sessions, then concurrently interfaces, instances, targets, and filters with their rules. The first error
// ends it. Sessions come first so that a resource which is missing later no longer exists. Otherwise the session of an interface created
// in between would seem to have lost its interface, and would be deleted.
func (c *Client) Read(ctx context.Context) (*account.State, error) {
	s := &account.State{Region: c.region}
	var err error
	if s.Sessions, err = c.sessions(ctx); err != nil {
		return nil, c.explain(err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { s.Interfaces, err = c.interfaces(ctx); return err })
	group.Go(func() (err error) { s.Instances, err = c.instances(ctx); return err })
	group.Go(func() (err error) { s.Targets, err = c.targets(ctx); return err })
	group.Go(func() (err error) { s.Filters, err = c.filters(ctx); return err })
	if err = group.Wait(); err != nil {
		return nil, c.explain(err)
	}
	return s, nil
}

// pager is implemented by all of the SDK's paginators. O is the service's options.
type pager[P, O any] interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*O)) (P, error)
}

// collect reads all pages and converts each immediately, so that at most one page of the SDK's large structs is in memory.
func collect[P, O, S, T any](ctx context.Context, pages pager[P, O], items func(P) []S, convert func(*S) (T, error)) (all []T, err error) {
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		if all, err = appendAll(all, items(page), convert); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// appendAll converts items and appends them.
func appendAll[S, T any](all []T, items []S, convert func(*S) (T, error)) ([]T, error) {
	for i := range items {
		item, err := convert(&items[i])
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

func (c *Client) interfaces(ctx context.Context) ([]account.Interface, error) {
	pages := ec2.NewDescribeNetworkInterfacesPaginator(c.ec2, &ec2.DescribeNetworkInterfacesInput{MaxResults: sdk.Int32(pageSize)})
	return collect(ctx, pages, func(p *ec2.DescribeNetworkInterfacesOutput) []types.NetworkInterface { return p.NetworkInterfaces }, interfaceOf)
}

func (c *Client) instances(ctx context.Context) ([]account.Instance, error) {
	pages := ec2.NewDescribeInstancesPaginator(c.ec2, &ec2.DescribeInstancesInput{MaxResults: sdk.Int32(pageSize)})
	return collect(ctx, pages, instancesOf, instanceOf)
}

func instancesOf(p *ec2.DescribeInstancesOutput) (all []types.Instance) {
	for i := range p.Reservations {
		all = append(all, p.Reservations[i].Instances...)
	}
	return all
}

func (c *Client) targets(ctx context.Context) ([]account.Target, error) {
	pages := ec2.NewDescribeTrafficMirrorTargetsPaginator(c.ec2, &ec2.DescribeTrafficMirrorTargetsInput{MaxResults: sdk.Int32(pageSize)})
	return collect(ctx, pages, func(p *ec2.DescribeTrafficMirrorTargetsOutput) []types.TrafficMirrorTarget {
		return p.TrafficMirrorTargets
	}, targetOf)
}

func (c *Client) filters(ctx context.Context) ([]account.Filter, error) {
	pages := ec2.NewDescribeTrafficMirrorFiltersPaginator(c.ec2, &ec2.DescribeTrafficMirrorFiltersInput{MaxResults: sdk.Int32(pageSize)})
	return collect(ctx, pages, func(p *ec2.DescribeTrafficMirrorFiltersOutput) []types.TrafficMirrorFilter {
		return p.TrafficMirrorFilters
	}, filterOf)
}

func (c *Client) sessions(ctx context.Context) ([]account.Session, error) {
	pages := ec2.NewDescribeTrafficMirrorSessionsPaginator(c.ec2, &ec2.DescribeTrafficMirrorSessionsInput{MaxResults: sdk.Int32(pageSize)})
	return collect(ctx, pages, func(p *ec2.DescribeTrafficMirrorSessionsOutput) []types.TrafficMirrorSession {
		return p.TrafficMirrorSessions
	}, sessionOf)
}

// Rules reads the rules of one filter. The SDK has no paginator for them.
func (c *Client) Rules(ctx context.Context, filter string) (rules []account.Rule, err error) {
	in := &ec2.DescribeTrafficMirrorFilterRulesInput{TrafficMirrorFilterId: &filter, MaxResults: sdk.Int32(pageSize)}
	for {
		page, err := c.ec2.DescribeTrafficMirrorFilterRules(ctx, in)
		if err != nil {
			return nil, c.explain(err)
		}
		if rules, err = appendAll(rules, page.TrafficMirrorFilterRules, ruleOf); err != nil {
			return nil, err
		}
		if in.NextToken = page.NextToken; sdk.ToString(in.NextToken) == "" {
			return rules, nil
		}
	}
}
