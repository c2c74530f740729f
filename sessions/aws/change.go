package aws

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/mirrorsink/mirrorsink/sessions/account"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/mirrorsink/mirrorsink/sessions"
)

// verb is the operation and the kind of a change.
type verb struct {
	op   sessions.Op
	kind sessions.Kind
}

// call makes a change with one call of the API, and returns the ID of the resource.
type call func(*Client, context.Context, *sessions.Change, request) (id *string, err error)

var calls = map[verb]call{
	{sessions.Create, sessions.KindTarget}:   (*Client).createTarget,
	{sessions.Create, sessions.KindFilter}:   (*Client).createFilter,
	{sessions.Create, sessions.KindRule}:     (*Client).createRule,
	{sessions.Create, sessions.KindSession}:  (*Client).createSession,
	{sessions.Modify, sessions.KindRule}:     (*Client).modifyRule,
	{sessions.Modify, sessions.KindServices}: (*Client).modifyServices,
	{sessions.Modify, sessions.KindSession}:  (*Client).modifySession,
	{sessions.Delete, sessions.KindTarget}:   (*Client).deleteTarget,
	{sessions.Delete, sessions.KindFilter}:   (*Client).deleteFilter,
	{sessions.Delete, sessions.KindRule}:     (*Client).deleteRule,
	{sessions.Delete, sessions.KindSession}:  (*Client).deleteSession,
}

// request holds what the calls of all changes need.
type request struct {
	token  *string
	dryRun *bool
	retry  func(*ec2.Options)
}

// Change makes one change, in which all references have been replaced by IDs. Deleting a resource that does not exist succeeds.
func (c *Client) Change(ctx context.Context, ch *sessions.Change, how sessions.Call) (string, error) {
	call, ok := calls[verb{ch.Op, ch.Kind}]
	if !ok {
		return "", fmt.Errorf("%s: EC2 has no call to %s %s", ch.Name, ch.Op, ch.Kind)
	}
	r := request{retry: func(*ec2.Options) {}}
	if how.Token != "" {
		r.token = &how.Token
	}
	if how.DryRun {
		r.dryRun = sdk.Bool(true)
	}
	if how.Recent {
		r.retry = func(o *ec2.Options) { o.Retryer = c.patience(ch.Op) }
	}
	id, err := call(c, ctx, ch, r)
	err = c.explain(err)
	switch {
	case ch.Op == sessions.Delete && sessions.ClassOf(err) == sessions.NotFound:
		return ch.ID, nil
	case err != nil:
		return "", err
	case sdk.ToString(id) == "":
		return "", fmt.Errorf("%s %s: the answer names no ID: is it EC2 that answers %s?", ch.Op, ch.Kind, c.place)
	}
	return *id, nil
}

func (c *Client) createTarget(ctx context.Context, ch *sessions.Change, r request) (*string, error) {
	t := ch.Want.Target
	out, err := c.ec2.CreateTrafficMirrorTarget(ctx, &ec2.CreateTrafficMirrorTargetInput{
		NetworkInterfaceId: optional(t.Interface), NetworkLoadBalancerArn: optional(t.LoadBalancer), GatewayLoadBalancerEndpointId: optional(t.Endpoint),
		Description: description(t.Tags), TagSpecifications: tagged(types.ResourceTypeTrafficMirrorTarget, t.Tags), ClientToken: r.token, DryRun: r.dryRun,
	}, r.retry)
	if err != nil || out.TrafficMirrorTarget == nil {
		return nil, err
	}
	return out.TrafficMirrorTarget.TrafficMirrorTargetId, nil
}

func (c *Client) createFilter(ctx context.Context, ch *sessions.Change, r request) (*string, error) {
	f := ch.Want.Filter
	out, err := c.ec2.CreateTrafficMirrorFilter(ctx, &ec2.CreateTrafficMirrorFilterInput{
		Description: description(f.Tags), TagSpecifications: tagged(types.ResourceTypeTrafficMirrorFilter, f.Tags), ClientToken: r.token, DryRun: r.dryRun,
	}, r.retry)
	if err != nil || out.TrafficMirrorFilter == nil {
		return nil, err
	}
	return out.TrafficMirrorFilter.TrafficMirrorFilterId, nil
}

func (c *Client) createRule(ctx context.Context, ch *sessions.Change, r request) (*string, error) {
	rule := ch.Want.Rule
	in := &ec2.CreateTrafficMirrorFilterRuleInput{
		TrafficMirrorFilterId: &rule.Filter, TrafficDirection: types.TrafficDirection(rule.Direction), RuleNumber: number(rule.Number),
		RuleAction: types.TrafficMirrorRuleAction(rule.Action), SourceCidrBlock: sdk.String(rule.Source.String()),
		DestinationCidrBlock: sdk.String(rule.Destination.String()), SourcePortRange: ports(rule.SourcePorts), DestinationPortRange: ports(rule.DestinationPorts),
		Description: description(rule.Tags), TagSpecifications: tagged(types.ResourceTypeTrafficMirrorFilterRule, rule.Tags), ClientToken: r.token, DryRun: r.dryRun,
	}
	if rule.Protocol != 0 {
		in.Protocol = number(rule.Protocol)
	}
	out, err := c.ec2.CreateTrafficMirrorFilterRule(ctx, in, r.retry)
	if err != nil || out.TrafficMirrorFilterRule == nil {
		return nil, err
	}
	return out.TrafficMirrorFilterRule.TrafficMirrorFilterRuleId, nil
}

func (c *Client) createSession(ctx context.Context, ch *sessions.Change, r request) (*string, error) {
	s := ch.Want.Session
	in := &ec2.CreateTrafficMirrorSessionInput{
		NetworkInterfaceId: &s.Interface, TrafficMirrorTargetId: &s.Target, TrafficMirrorFilterId: &s.Filter, SessionNumber: number(s.Number),
		Description: description(s.Tags), TagSpecifications: tagged(types.ResourceTypeTrafficMirrorSession, s.Tags), ClientToken: r.token, DryRun: r.dryRun,
	}
	if s.PacketLength != 0 {
		in.PacketLength = number(s.PacketLength)
	}
	if !s.ChooseVNI {
		in.VirtualNetworkId = number(s.VNI)
	}
	out, err := c.ec2.CreateTrafficMirrorSession(ctx, in, r.retry)
	if err != nil || out.TrafficMirrorSession == nil {
		return nil, err
	}
	return out.TrafficMirrorSession.TrafficMirrorSessionId, nil
}

func (c *Client) deleteTarget(ctx context.Context, ch *sessions.Change, r request) (*string, error) {
	_, err := c.ec2.DeleteTrafficMirrorTarget(ctx, &ec2.DeleteTrafficMirrorTargetInput{TrafficMirrorTargetId: &ch.ID, DryRun: r.dryRun}, r.retry)
	return &ch.ID, err
}

func (c *Client) deleteFilter(ctx context.Context, ch *sessions.Change, r request) (*string, error) {
	_, err := c.ec2.DeleteTrafficMirrorFilter(ctx, &ec2.DeleteTrafficMirrorFilterInput{TrafficMirrorFilterId: &ch.ID, DryRun: r.dryRun}, r.retry)
	return &ch.ID, err
}

func (c *Client) deleteRule(ctx context.Context, ch *sessions.Change, r request) (*string, error) {
	_, err := c.ec2.DeleteTrafficMirrorFilterRule(ctx, &ec2.DeleteTrafficMirrorFilterRuleInput{TrafficMirrorFilterRuleId: &ch.ID, DryRun: r.dryRun}, r.retry)
	return &ch.ID, err
}

func (c *Client) deleteSession(ctx context.Context, ch *sessions.Change, r request) (*string, error) {
	_, err := c.ec2.DeleteTrafficMirrorSession(ctx, &ec2.DeleteTrafficMirrorSessionInput{TrafficMirrorSessionId: &ch.ID, DryRun: r.dryRun}, r.retry)
	return &ch.ID, err
}

// description returns the description of a resource in the console.
func description(tags account.Tags) *string {
	return sdk.String(fmt.Sprintf("mirrorsink %s: %s", tags[account.OwnerTag], tags[account.NameTag]))
}

// tagged returns the tags of a created resource in the order of keys, so that a repeated request is equal.
func tagged(kind types.ResourceType, tags account.Tags) []types.TagSpecification {
	if len(tags) == 0 {
		return nil
	}
	spec := types.TagSpecification{ResourceType: kind}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		spec.Tags = append(spec.Tags, types.Tag{Key: sdk.String(key), Value: sdk.String(tags[key])})
	}
	return []types.TagSpecification{spec}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func number[N int | uint32](n N) *int32 { return sdk.Int32(int32(n)) }

func ports(p *account.PortRange) *types.TrafficMirrorPortRangeRequest {
	if p == nil {
		return nil
	}
	return &types.TrafficMirrorPortRangeRequest{FromPort: number(p.From), ToPort: number(p.To)}
}
