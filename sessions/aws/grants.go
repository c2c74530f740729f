package aws

import (
	"context"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/mirrorsink/mirrorsink/sessions"
)

// IDs of nothing. EC2 looks at permissions before it looks for what a DryRun names; where it does not, the answer is
// undecided.
const (
	noTarget    = "tmt-00000000000000000"
	noFilter    = "tmf-00000000000000000"
	noRule      = "tmfr-00000000000000000"
	noSession   = "tms-00000000000000000"
	noInterface = "eni-00000000000000000"
)

// probe asks with DryRun whether a call would be allowed.
type probe struct {
	action string
	ask    func(context.Context, *ec2.Client, *bool) error
}

// asks drops the output of a call, of which a DryRun has none.
func asks[I, O any](call func(*ec2.Client, context.Context, *I, ...func(*ec2.Options)) (*O, error), in func(dryRun *bool) *I) func(context.Context, *ec2.Client, *bool) error {
	return func(ctx context.Context, c *ec2.Client, dryRun *bool) error {
		_, err := call(c, ctx, in(dryRun))
		return err
	}
}

// probes are the calls that plan and apply make, in the order in which they make them.
var probes = []probe{
	{"DescribeNetworkInterfaces", asks((*ec2.Client).DescribeNetworkInterfaces, func(dry *bool) *ec2.DescribeNetworkInterfacesInput {
		return &ec2.DescribeNetworkInterfacesInput{DryRun: dry}
	})},
	{"DescribeInstances", asks((*ec2.Client).DescribeInstances, func(dry *bool) *ec2.DescribeInstancesInput {
		return &ec2.DescribeInstancesInput{DryRun: dry}
	})},
	{"DescribeTrafficMirrorTargets", asks((*ec2.Client).DescribeTrafficMirrorTargets, func(dry *bool) *ec2.DescribeTrafficMirrorTargetsInput {
		return &ec2.DescribeTrafficMirrorTargetsInput{DryRun: dry}
	})},
	{"DescribeTrafficMirrorFilters", asks((*ec2.Client).DescribeTrafficMirrorFilters, func(dry *bool) *ec2.DescribeTrafficMirrorFiltersInput {
		return &ec2.DescribeTrafficMirrorFiltersInput{DryRun: dry}
	})},
	{"DescribeTrafficMirrorFilterRules", asks((*ec2.Client).DescribeTrafficMirrorFilterRules, func(dry *bool) *ec2.DescribeTrafficMirrorFilterRulesInput {
		return &ec2.DescribeTrafficMirrorFilterRulesInput{DryRun: dry}
	})},
	{"DescribeTrafficMirrorSessions", asks((*ec2.Client).DescribeTrafficMirrorSessions, func(dry *bool) *ec2.DescribeTrafficMirrorSessionsInput {
		return &ec2.DescribeTrafficMirrorSessionsInput{DryRun: dry}
	})},
	{"CreateTrafficMirrorTarget", asks((*ec2.Client).CreateTrafficMirrorTarget, func(dry *bool) *ec2.CreateTrafficMirrorTargetInput {
		return &ec2.CreateTrafficMirrorTargetInput{DryRun: dry, NetworkInterfaceId: sdk.String(noInterface)}
	})},
	{"CreateTrafficMirrorFilter", asks((*ec2.Client).CreateTrafficMirrorFilter, func(dry *bool) *ec2.CreateTrafficMirrorFilterInput {
		return &ec2.CreateTrafficMirrorFilterInput{DryRun: dry}
	})},
	{"CreateTrafficMirrorFilterRule", asks((*ec2.Client).CreateTrafficMirrorFilterRule, func(dry *bool) *ec2.CreateTrafficMirrorFilterRuleInput {
		return &ec2.CreateTrafficMirrorFilterRuleInput{
			DryRun: dry, TrafficMirrorFilterId: sdk.String(noFilter), TrafficDirection: types.TrafficDirectionIngress, RuleNumber: sdk.Int32(1),
			RuleAction: types.TrafficMirrorRuleActionAccept, SourceCidrBlock: sdk.String("0.0.0.0/0"), DestinationCidrBlock: sdk.String("0.0.0.0/0"),
		}
	})},
	{"ModifyTrafficMirrorFilterNetworkServices", asks((*ec2.Client).ModifyTrafficMirrorFilterNetworkServices, func(dry *bool) *ec2.ModifyTrafficMirrorFilterNetworkServicesInput {
		return &ec2.ModifyTrafficMirrorFilterNetworkServicesInput{
			DryRun: dry, TrafficMirrorFilterId: sdk.String(noFilter), AddNetworkServices: []types.TrafficMirrorNetworkService{types.TrafficMirrorNetworkServiceAmazonDns},
		}
	})},
	{"CreateTrafficMirrorSession", asks((*ec2.Client).CreateTrafficMirrorSession, func(dry *bool) *ec2.CreateTrafficMirrorSessionInput {
		return &ec2.CreateTrafficMirrorSessionInput{
			DryRun: dry, NetworkInterfaceId: sdk.String(noInterface), TrafficMirrorTargetId: sdk.String(noTarget), TrafficMirrorFilterId: sdk.String(noFilter),
			SessionNumber: sdk.Int32(1),
		}
	})},
	{"CreateTags", asks((*ec2.Client).CreateTags, func(dry *bool) *ec2.CreateTagsInput {
		return &ec2.CreateTagsInput{
			DryRun: dry, Resources: []string{noSession}, Tags: []types.Tag{{Key: sdk.String(sessions.OwnerTag), Value: sdk.String("doctor")}},
		}
	})},
	{"ModifyTrafficMirrorFilterRule", asks((*ec2.Client).ModifyTrafficMirrorFilterRule, func(dry *bool) *ec2.ModifyTrafficMirrorFilterRuleInput {
		return &ec2.ModifyTrafficMirrorFilterRuleInput{DryRun: dry, TrafficMirrorFilterRuleId: sdk.String(noRule), RuleNumber: sdk.Int32(1)}
	})},
	{"ModifyTrafficMirrorSession", asks((*ec2.Client).ModifyTrafficMirrorSession, func(dry *bool) *ec2.ModifyTrafficMirrorSessionInput {
		return &ec2.ModifyTrafficMirrorSessionInput{DryRun: dry, TrafficMirrorSessionId: sdk.String(noSession), SessionNumber: sdk.Int32(1)}
	})},
	{"DeleteTrafficMirrorSession", asks((*ec2.Client).DeleteTrafficMirrorSession, func(dry *bool) *ec2.DeleteTrafficMirrorSessionInput {
		return &ec2.DeleteTrafficMirrorSessionInput{DryRun: dry, TrafficMirrorSessionId: sdk.String(noSession)}
	})},
	{"DeleteTrafficMirrorFilterRule", asks((*ec2.Client).DeleteTrafficMirrorFilterRule, func(dry *bool) *ec2.DeleteTrafficMirrorFilterRuleInput {
		return &ec2.DeleteTrafficMirrorFilterRuleInput{DryRun: dry, TrafficMirrorFilterRuleId: sdk.String(noRule)}
	})},
	{"DeleteTrafficMirrorFilter", asks((*ec2.Client).DeleteTrafficMirrorFilter, func(dry *bool) *ec2.DeleteTrafficMirrorFilterInput {
		return &ec2.DeleteTrafficMirrorFilterInput{DryRun: dry, TrafficMirrorFilterId: sdk.String(noFilter)}
	})},
	{"DeleteTrafficMirrorTarget", asks((*ec2.Client).DeleteTrafficMirrorTarget, func(dry *bool) *ec2.DeleteTrafficMirrorTargetInput {
		return &ec2.DeleteTrafficMirrorTargetInput{DryRun: dry, TrafficMirrorTargetId: sdk.String(noTarget)}
	})},
}

// Permissions asks of each call that plan and apply make whether it would be allowed, by DryRun: nothing is changed. The
// answers are in the order in which the calls would be made. The error is that of an EC2 that cannot be reached.
func (c *Client) Permissions(ctx context.Context) ([]sessions.Grant, error) {
	grants := make([]sessions.Grant, 0, len(probes))
	for _, p := range probes {
		err := c.explain(p.ask(ctx, c.ec2, sdk.Bool(true)))
		g := sessions.Grant{Action: "ec2:" + p.action, Err: err}
		switch class := sessions.ClassOf(err); {
		case err == nil || class == sessions.WouldSucceed:
			g.Answer, g.Err = sessions.Allowed, nil
		case class == sessions.Denied:
			g.Answer = sessions.Refused
		case class == sessions.Unreachable:
			return nil, err
		}
		grants = append(grants, g)
	}
	return grants, nil
}
