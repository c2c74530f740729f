package aws

import (
	"context"
	"fmt"
	"slices"

	"github.com/mirrorsink/mirrorsink/sessions/account"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// LoadBalancer reads a load balancer with its listeners, its target groups and the health of their targets.
func (c *Client) LoadBalancer(ctx context.Context, arn string) (*account.LoadBalancer, error) {
	b, err := c.balancer(ctx, arn)
	if err != nil {
		return nil, c.explain(err)
	}
	for _, read := range []func(context.Context, *account.LoadBalancer) error{c.crossZone, c.listeners, c.targetGroups} {
		if err := read(ctx, b); err != nil {
			return nil, c.explain(err)
		}
	}
	return b, nil
}

// Behind returns the IDs of instances and the addresses that a load balancer sends to.
func (c *Client) Behind(ctx context.Context, arn string) (ids []string, err error) {
	b := &account.LoadBalancer{ARN: arn}
	if err := c.targetGroups(ctx, b); err != nil {
		return nil, c.explain(err)
	}
	for _, g := range b.TargetGroups {
		ids = append(ids, g.Targets...)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func (c *Client) balancer(ctx context.Context, arn string) (*account.LoadBalancer, error) {
	out, err := c.elb.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{arn}})
	if err != nil {
		return nil, err
	}
	if len(out.LoadBalancers) != 1 {
		return nil, fmt.Errorf("load balancer %s: there are %d of it", arn, len(out.LoadBalancers))
	}
	n := out.LoadBalancers[0]
	b := &account.LoadBalancer{ARN: arn, Name: sdk.ToString(n.LoadBalancerName), Type: string(n.Type), VPC: sdk.ToString(n.VpcId), Groups: n.SecurityGroups}
	for _, z := range n.AvailabilityZones {
		b.Zones = append(b.Zones, sdk.ToString(z.ZoneName))
	}
	slices.Sort(b.Zones)
	return b, nil
}

// crossZone reads the attribute, which Network Load Balancers have off by default.
func (c *Client) crossZone(ctx context.Context, b *account.LoadBalancer) error {
	out, err := c.elb.DescribeLoadBalancerAttributes(ctx, &elb.DescribeLoadBalancerAttributesInput{LoadBalancerArn: &b.ARN})
	if err != nil {
		return err
	}
	for _, a := range out.Attributes {
		if sdk.ToString(a.Key) == "load_balancing.cross_zone.enabled" {
			b.CrossZone = sdk.ToString(a.Value) == "true"
		}
	}
	return nil
}

func (c *Client) listeners(ctx context.Context, b *account.LoadBalancer) (err error) {
	pages := elb.NewDescribeListenersPaginator(c.elb, &elb.DescribeListenersInput{LoadBalancerArn: &b.ARN})
	b.Listeners, err = collect(ctx, pages, func(p *elb.DescribeListenersOutput) []types.Listener { return p.Listeners }, listenerOf)
	return err
}

func listenerOf(n *types.Listener) (account.Listener, error) {
	l := account.Listener{Protocol: string(n.Protocol), Port: int(sdk.ToInt32(n.Port))}
	for _, a := range n.DefaultActions {
		if a.TargetGroupArn != nil {
			l.TargetGroups = append(l.TargetGroups, *a.TargetGroupArn)
		}
		if a.ForwardConfig == nil {
			continue
		}
		for _, t := range a.ForwardConfig.TargetGroups { // repeats the one above
			if arn := sdk.ToString(t.TargetGroupArn); !slices.Contains(l.TargetGroups, arn) {
				l.TargetGroups = append(l.TargetGroups, arn)
			}
		}
	}
	return l, nil
}

func (c *Client) targetGroups(ctx context.Context, b *account.LoadBalancer) (err error) {
	pages := elb.NewDescribeTargetGroupsPaginator(c.elb, &elb.DescribeTargetGroupsInput{LoadBalancerArn: &b.ARN})
	b.TargetGroups, err = collect(ctx, pages, func(p *elb.DescribeTargetGroupsOutput) []types.TargetGroup { return p.TargetGroups }, targetGroupOf)
	if err != nil {
		return err
	}
	for i := range b.TargetGroups {
		if err := c.health(ctx, &b.TargetGroups[i]); err != nil {
			return err
		}
	}
	return nil
}

func targetGroupOf(n *types.TargetGroup) (account.TargetGroup, error) {
	return account.TargetGroup{
		ARN: sdk.ToString(n.TargetGroupArn), Name: sdk.ToString(n.TargetGroupName), Protocol: string(n.Protocol), Port: int(sdk.ToInt32(n.Port)),
		HealthProtocol: string(n.HealthCheckProtocol), HealthPort: sdk.ToString(n.HealthCheckPort), HealthPath: sdk.ToString(n.HealthCheckPath),
	}, nil
}

func (c *Client) health(ctx context.Context, g *account.TargetGroup) error {
	out, err := c.elb.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &g.ARN})
	if err != nil {
		return err
	}
	for _, t := range out.TargetHealthDescriptions {
		if t.Target != nil {
			g.Targets = append(g.Targets, sdk.ToString(t.Target.Id))
		}
		if t.TargetHealth != nil && t.TargetHealth.State == types.TargetHealthStateEnumHealthy {
			g.Healthy++
		} else {
			g.Unhealthy++
		}
	}
	return nil
}
