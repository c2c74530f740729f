package aws

import (
	"context"
	"slices"

	"github.com/mirrorsink/mirrorsink/sessions/account"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/mirrorsink/mirrorsink/sessions"
)

// modifyRule sends the differences. Removed properties are named in RemoveFields; EC2 keeps properties that are left out.
func (c *Client) modifyRule(ctx context.Context, ch *sessions.Change, r request) (*string, error) {
	have, want := ch.Have.Rule, ch.Want.Rule
	in := &ec2.ModifyTrafficMirrorFilterRuleInput{TrafficMirrorFilterRuleId: &ch.ID, DryRun: r.dryRun}
	if want.Direction != have.Direction {
		in.TrafficDirection = types.TrafficDirection(want.Direction)
	}
	if want.Number != have.Number {
		in.RuleNumber = number(want.Number)
	}
	if want.Action != have.Action {
		in.RuleAction = types.TrafficMirrorRuleAction(want.Action)
	}
	if want.Source != have.Source {
		in.SourceCidrBlock = sdk.String(want.Source.String())
	}
	if want.Destination != have.Destination {
		in.DestinationCidrBlock = sdk.String(want.Destination.String())
	}
	switch want.Protocol {
	case have.Protocol:
	case 0:
		in.RemoveFields = append(in.RemoveFields, types.TrafficMirrorFilterRuleFieldProtocol)
	default:
		in.Protocol = number(want.Protocol)
	}
	modifyPorts(in, &in.SourcePortRange, types.TrafficMirrorFilterRuleFieldSourcePortRange, have.SourcePorts, want.SourcePorts)
	modifyPorts(in, &in.DestinationPortRange, types.TrafficMirrorFilterRuleFieldDestinationPortRange, have.DestinationPorts, want.DestinationPorts)
	_, err := c.ec2.ModifyTrafficMirrorFilterRule(ctx, in, r.retry)
	return &ch.ID, err
}

func modifyPorts(in *ec2.ModifyTrafficMirrorFilterRuleInput, to **types.TrafficMirrorPortRangeRequest, field types.TrafficMirrorFilterRuleField, have, want *account.PortRange) {
	switch {
	case want == nil && have != nil:
		in.RemoveFields = append(in.RemoveFields, field)
	case want != nil && (have == nil || *have != *want):
		*to = ports(want)
	}
}

func (c *Client) modifyServices(ctx context.Context, ch *sessions.Change, r request) (*string, error) {
	have, want := ch.Have.Filter, ch.Want.Filter
	_, err := c.ec2.ModifyTrafficMirrorFilterNetworkServices(ctx, &ec2.ModifyTrafficMirrorFilterNetworkServicesInput{
		TrafficMirrorFilterId: &ch.ID, DryRun: r.dryRun,
		AddNetworkServices: without(want, have), RemoveNetworkServices: without(have, want),
	}, r.retry)
	return &ch.ID, err
}

// without returns the services of one filter that another one lacks. A filter that is being created is nil.
func without(a, b *account.Filter) (more []types.TrafficMirrorNetworkService) {
	if a == nil {
		return nil
	}
	for _, s := range a.Services {
		if b == nil || !slices.Contains(b.Services, s) {
			more = append(more, types.TrafficMirrorNetworkService(s))
		}
	}
	return more
}

// modifySession sends the differences. It keeps a VNI that AWS is to choose.
func (c *Client) modifySession(ctx context.Context, ch *sessions.Change, r request) (*string, error) {
	have, want := ch.Have.Session, ch.Want.Session
	in := &ec2.ModifyTrafficMirrorSessionInput{TrafficMirrorSessionId: &ch.ID, DryRun: r.dryRun}
	if want.Target != have.Target {
		in.TrafficMirrorTargetId = &want.Target
	}
	if want.Filter != have.Filter {
		in.TrafficMirrorFilterId = &want.Filter
	}
	if want.Number != have.Number {
		in.SessionNumber = number(want.Number)
	}
	if want.VNI != have.VNI && !want.ChooseVNI {
		in.VirtualNetworkId = number(want.VNI)
	}
	switch want.PacketLength {
	case have.PacketLength:
	case 0:
		in.RemoveFields = []types.TrafficMirrorSessionField{types.TrafficMirrorSessionFieldPacketLength}
	default:
		in.PacketLength = number(want.PacketLength)
	}
	_, err := c.ec2.ModifyTrafficMirrorSession(ctx, in, r.retry)
	return &ch.ID, err
}
