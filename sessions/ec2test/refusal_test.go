package ec2test_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// rule is the input of a rule that small's account takes.
func rule(change ...func(*ec2.CreateTrafficMirrorFilterRuleInput)) *ec2.CreateTrafficMirrorFilterRuleInput {
	in := &ec2.CreateTrafficMirrorFilterRuleInput{
		TrafficMirrorFilterId: aws.String("tmf-all"), TrafficDirection: types.TrafficDirectionIngress, RuleNumber: aws.Int32(20),
		RuleAction: types.TrafficMirrorRuleActionAccept, SourceCidrBlock: aws.String("10.0.0.0/8"), DestinationCidrBlock: aws.String("0.0.0.0/0"),
	}
	for _, f := range change {
		f(in)
	}
	return in
}

// TestRefusals has a cause for each error. The state does not change.
func TestRefusals(t *testing.T) {
	type in = ec2.CreateTrafficMirrorSessionInput
	ports := func(from, to int32) *types.TrafficMirrorPortRangeRequest {
		return &types.TrafficMirrorPortRangeRequest{FromPort: &from, ToPort: &to}
	}
	addRule := func(change func(*ec2.CreateTrafficMirrorFilterRuleInput)) func(context.Context, *ec2.Client) error {
		return func(ctx context.Context, c *ec2.Client) error {
			_, err := c.CreateTrafficMirrorFilterRule(ctx, rule(change))
			return err
		}
	}
	addSession := func(change func(*in)) func(context.Context, *ec2.Client) error {
		return func(ctx context.Context, c *ec2.Client) error {
			s := session("eni-web2", 5)
			change(s)
			_, err := c.CreateTrafficMirrorSession(ctx, s)
			return err
		}
	}
	addTarget := func(i *ec2.CreateTrafficMirrorTargetInput) func(context.Context, *ec2.Client) error {
		return func(ctx context.Context, c *ec2.Client) error {
			_, err := c.CreateTrafficMirrorTarget(ctx, i)
			return err
		}
	}
	modify := func(i *ec2.ModifyTrafficMirrorSessionInput) func(context.Context, *ec2.Client) error {
		return func(ctx context.Context, c *ec2.Client) error {
			i.TrafficMirrorSessionId = aws.String("tms-1")
			_, err := c.ModifyTrafficMirrorSession(ctx, i)
			return err
		}
	}
	tests := []struct {
		name, code, names string
		call              func(context.Context, *ec2.Client) error
	}{
		{"rule: bad CIDR", "InvalidParameterValue", "10.0.0.0/33", addRule(func(i *ec2.CreateTrafficMirrorFilterRuleInput) { i.SourceCidrBlock = aws.String("10.0.0.0/33") })},
		{"rule: mixed families", "InvalidParameterCombination", "::/0", addRule(func(i *ec2.CreateTrafficMirrorFilterRuleInput) { i.SourceCidrBlock = aws.String("::/0") })},
		{"rule: ports of no protocol", "InvalidParameterCombination", "port range", addRule(func(i *ec2.CreateTrafficMirrorFilterRuleInput) { i.SourcePortRange = ports(1, 2) })},
		{"rule: ports of ICMP", "InvalidParameterCombination", "port range", addRule(func(i *ec2.CreateTrafficMirrorFilterRuleInput) {
			i.Protocol, i.DestinationPortRange = aws.Int32(1), ports(1, 2)
		})},
		{"rule: ports backwards", "InvalidParameterValue", "443-80", addRule(func(i *ec2.CreateTrafficMirrorFilterRuleInput) {
			i.Protocol, i.DestinationPortRange = aws.Int32(6), ports(443, 80)
		})},
		{"rule: one port", "MissingParameter", "DestinationPortRange.ToPort", addRule(func(i *ec2.CreateTrafficMirrorFilterRuleInput) {
			i.Protocol, i.DestinationPortRange = aws.Int32(6), &types.TrafficMirrorPortRangeRequest{FromPort: aws.Int32(1)}
		})},
		{"rule: protocol", "InvalidParameterValue", "256", addRule(func(i *ec2.CreateTrafficMirrorFilterRuleInput) { i.Protocol = aws.Int32(256) })},
		{"rule: number", "InvalidParameterValue", "32767", addRule(func(i *ec2.CreateTrafficMirrorFilterRuleInput) { i.RuleNumber = aws.Int32(32767) })},
		{"rule: number taken", "TrafficMirrorFilterRuleAlreadyExists", "tmfr-all", addRule(func(i *ec2.CreateTrafficMirrorFilterRuleInput) { i.RuleNumber = aws.Int32(10) })},
		{"rule: action", "InvalidParameterValue", "drop", addRule(func(i *ec2.CreateTrafficMirrorFilterRuleInput) { i.RuleAction = "drop" })},
		{"rule: filter", "InvalidTrafficMirrorFilterId.NotFound", "tmf-none", addRule(func(i *ec2.CreateTrafficMirrorFilterRuleInput) { i.TrafficMirrorFilterId = aws.String("tmf-none") })},
		{"rule: tags of another kind", "InvalidParameterValue", "traffic-mirror-filter-rule", addRule(func(i *ec2.CreateTrafficMirrorFilterRuleInput) {
			i.TagSpecifications = tagged(types.ResourceTypeTrafficMirrorFilter, "a", "b")
		})},

		{"session: interface", "InvalidNetworkInterfaceID.NotFound", "eni-none", addSession(func(i *in) { i.NetworkInterfaceId = aws.String("eni-none") })},
		{"session: target", "InvalidTrafficMirrorTargetId.NotFound", "tmt-none", addSession(func(i *in) { i.TrafficMirrorTargetId = aws.String("tmt-none") })},
		{"session: filter", "InvalidTrafficMirrorFilterId.NotFound", "tmf-none", addSession(func(i *in) { i.TrafficMirrorFilterId = aws.String("tmf-none") })},
		{"session: number 0", "InvalidParameterValue", "SessionNumber", addSession(func(i *in) { i.SessionNumber = aws.Int32(0) })},
		{"session: number taken", "InvalidParameterValue", "tms-1", addSession(func(i *in) { i.NetworkInterfaceId, i.SessionNumber = aws.String("eni-web"), aws.Int32(1) })},
		{"session: VNI", "InvalidParameterValue", "16777216", addSession(func(i *in) { i.VirtualNetworkId = aws.Int32(1 << 24) })},
		{"session: too long for a balancer", "InvalidParameterValue", "8501", addSession(func(i *in) { i.TrafficMirrorTargetId, i.PacketLength = aws.String("tmt-nlb"), aws.Int32(8501) })},
		{"session: its own target", "InvalidParameterValue", "eni-sink cannot be both", addSession(func(i *in) { i.NetworkInterfaceId = aws.String("eni-sink") })},
		{"session: a target that is a source", "InvalidParameterValue", "eni-web cannot be both", addSession(func(i *in) { i.TrafficMirrorTargetId = aws.String("tmt-web") })},
		{"session: a source that is a target", "InvalidParameterValue", "eni-sink cannot be both", addSession(func(i *in) {
			i.NetworkInterfaceId, i.TrafficMirrorTargetId = aws.String("eni-sink"), aws.String("tmt-nlb")
		})},
		{"session: cannot be mirrored", "InvalidParameterValue", "not t2.micro", addSession(func(i *in) { i.NetworkInterfaceId = aws.String("eni-t2") })},
		{"session: tags", "InvalidParameterValue", "aws:x", addSession(func(i *in) { i.TagSpecifications = tagged(types.ResourceTypeTrafficMirrorSession, "aws:x", "") })},
		{"session: long token", "InvalidParameterValue", "ClientToken", addSession(func(i *in) { i.ClientToken = aws.String(strings.Repeat("t", 65)) })},

		{"modify session: number taken", "InvalidParameterValue", "tms-2", modify(&ec2.ModifyTrafficMirrorSessionInput{SessionNumber: aws.Int32(2)})},
		{"modify session: target", "InvalidTrafficMirrorTargetId.NotFound", "tmt-none", modify(&ec2.ModifyTrafficMirrorSessionInput{TrafficMirrorTargetId: aws.String("tmt-none")})},
		{"modify session: set and removed", "InvalidParameterCombination", "packet-length", modify(&ec2.ModifyTrafficMirrorSessionInput{PacketLength: aws.Int32(9), RemoveFields: []types.TrafficMirrorSessionField{"packet-length"}})},
		{"modify session: field", "InvalidParameterValue", "colour", modify(&ec2.ModifyTrafficMirrorSessionInput{RemoveFields: []types.TrafficMirrorSessionField{"colour"}})},
		{"modify rule: ports lose their protocol", "InvalidParameterCombination", "port range", func(ctx context.Context, c *ec2.Client) error {
			_, err := c.ModifyTrafficMirrorFilterRule(ctx, &ec2.ModifyTrafficMirrorFilterRuleInput{TrafficMirrorFilterRuleId: aws.String("tmfr-https"), RemoveFields: []types.TrafficMirrorFilterRuleField{"protocol"}})
			return err
		}},
		{"modify rule: number taken", "TrafficMirrorFilterRuleAlreadyExists", "tmfr-all", func(ctx context.Context, c *ec2.Client) error {
			_, err := c.ModifyTrafficMirrorFilterRule(ctx, &ec2.ModifyTrafficMirrorFilterRuleInput{TrafficMirrorFilterRuleId: aws.String("tmfr-https"), RuleNumber: aws.Int32(10)})
			return err
		}},
		{"modify rule: there is none", "InvalidTrafficMirrorFilterRuleId.NotFound", "tmfr-none", func(ctx context.Context, c *ec2.Client) error {
			_, err := c.ModifyTrafficMirrorFilterRule(ctx, &ec2.ModifyTrafficMirrorFilterRuleInput{TrafficMirrorFilterRuleId: aws.String("tmfr-none")})
			return err
		}},
		{"modify services", "InvalidParameterValue", "ntp", func(ctx context.Context, c *ec2.Client) error {
			_, err := c.ModifyTrafficMirrorFilterNetworkServices(ctx, &ec2.ModifyTrafficMirrorFilterNetworkServicesInput{TrafficMirrorFilterId: aws.String("tmf-all"), AddNetworkServices: []types.TrafficMirrorNetworkService{"ntp"}})
			return err
		}},

		{"target: nothing", "MissingParameter", "NetworkInterfaceId", addTarget(&ec2.CreateTrafficMirrorTargetInput{})},
		{"target: two things", "InvalidParameterCombination", "Only one", addTarget(&ec2.CreateTrafficMirrorTargetInput{NetworkInterfaceId: aws.String("eni-web"), NetworkLoadBalancerArn: aws.String(nlb)})},
		{"target: interface", "InvalidNetworkInterfaceID.NotFound", "eni-none", addTarget(&ec2.CreateTrafficMirrorTargetInput{NetworkInterfaceId: aws.String("eni-none")})},
		{"target: balancer", "InvalidParameterValue", nlb + "0", addTarget(&ec2.CreateTrafficMirrorTargetInput{NetworkLoadBalancerArn: aws.String(nlb + "0")})},
		{"target: endpoint", "InvalidVpcEndpointId.NotFound", "vpce-none", addTarget(&ec2.CreateTrafficMirrorTargetInput{GatewayLoadBalancerEndpointId: aws.String("vpce-none")})},

		{"delete target in use", "TrafficMirrorTargetInUseException", "tmt-sink", func(ctx context.Context, c *ec2.Client) error {
			_, err := c.DeleteTrafficMirrorTarget(ctx, &ec2.DeleteTrafficMirrorTargetInput{TrafficMirrorTargetId: aws.String("tmt-sink")})
			return err
		}},
		{"delete filter in use", "TrafficMirrorFilterInUse", "tmf-all", func(ctx context.Context, c *ec2.Client) error {
			_, err := c.DeleteTrafficMirrorFilter(ctx, &ec2.DeleteTrafficMirrorFilterInput{TrafficMirrorFilterId: aws.String("tmf-all")})
			return err
		}},
		{"delete session that is gone", "InvalidTrafficMirrorSessionId.NotFound", "tms-none", func(ctx context.Context, c *ec2.Client) error {
			_, err := c.DeleteTrafficMirrorSession(ctx, &ec2.DeleteTrafficMirrorSessionInput{TrafficMirrorSessionId: aws.String("tms-none")})
			return err
		}},
		{"delete another account's", "UnauthorizedOperation", "444455556666", func(ctx context.Context, c *ec2.Client) error {
			_, err := c.DeleteTrafficMirrorSession(ctx, &ec2.DeleteTrafficMirrorSessionInput{TrafficMirrorSessionId: aws.String("tms-foreign")})
			return err
		}},

		{"describe: filter", "InvalidParameterValue", "tag:Name", func(ctx context.Context, c *ec2.Client) error {
			_, err := c.DescribeTrafficMirrorSessions(ctx, &ec2.DescribeTrafficMirrorSessionsInput{Filters: by("tag:Name", "x")})
			return err
		}},
		{"describe: too many values", "FilterLimitExceeded", "200", func(ctx context.Context, c *ec2.Client) error {
			_, err := c.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: by("vpc-id", make([]string, 201)...)})
			return err
		}},
		{"describe: page size", "InvalidParameterValue", "from 5 to 1000", func(ctx context.Context, c *ec2.Client) error {
			_, err := c.DescribeTrafficMirrorFilters(ctx, &ec2.DescribeTrafficMirrorFiltersInput{MaxResults: aws.Int32(4)})
			return err
		}},
		{"describe: page and IDs", "InvalidParameterCombination", "MaxResults", func(ctx context.Context, c *ec2.Client) error {
			_, err := c.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{MaxResults: aws.Int32(5), NetworkInterfaceIds: []string{"eni-web"}})
			return err
		}},
		{"describe: token", "InvalidPaginationToken", "nonsense", func(ctx context.Context, c *ec2.Client) error {
			_, err := c.DescribeTrafficMirrorTargets(ctx, &ec2.DescribeTrafficMirrorTargetsInput{NextToken: aws.String("nonsense")})
			return err
		}},
		{"describe: ID", "InvalidInstanceID.NotFound", "i-none", func(ctx context.Context, c *ec2.Client) error {
			_, err := c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{"i-web", "i-none"}})
			return err
		}},
		{"tags: of nothing", "InvalidID", "bucket", func(ctx context.Context, c *ec2.Client) error {
			_, err := c.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{"bucket"}, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("")}}})
			return err
		}},
	}
	account := small()
	account.Interfaces = append(account.Interfaces, ec2test.Interface{ID: "eni-t2", Refusal: "eni-t2 must be attached to a supported instance, not t2.micro"})
	account.Targets = append(account.Targets, ec2test.Target{ID: "tmt-web", Interface: "eni-web"})
	account.Filters[0].Rules = append(account.Filters[0].Rules, ec2test.Rule{
		ID: "tmfr-https", Direction: "ingress", Number: 11, Action: "accept", Protocol: 6, Source: cidr("0.0.0.0/0"), Destination: cidr("0.0.0.0/0"), DestinationPorts: &ec2test.PortRange{From: 443, To: 443},
	})
	account.Sessions = []ec2test.Session{
		{ID: "tms-1", Interface: "eni-web", Target: "tmt-sink", Filter: "tmf-all", Number: 1},
		{ID: "tms-2", Interface: "eni-web", Target: "tmt-sink", Filter: "tmf-all", Number: 2},
		{ID: "tms-foreign", Interface: "eni-web2", Target: "tmt-nlb", Filter: "tmf-all", Number: 1, Owner: "444455556666"},
	}
	srv, client := start(t, account)
	before := srv.Snapshot()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			refused(t, tt.call(t.Context(), client), tt.code, tt.names)
			assert.Equal(t, before, srv.Snapshot())
		})
	}
	for _, m := range srv.Mutations() {
		assert.NotEmpty(t, m.Code, "%+v", m)
	}
}

func by(name string, values ...string) []types.Filter {
	return []types.Filter{{Name: &name, Values: values}}
}

func TestQuotas(t *testing.T) {
	account := small()
	account.Limits = ec2test.Limits{Sessions: 30, Targets: 4, Filters: 2}
	for i := range 12 {
		account.Interfaces = append(account.Interfaces, ec2test.Interface{ID: fmt.Sprintf("eni-%02d", i), Addresses: []netip.Addr{addr(fmt.Sprintf("10.0.1.%d", 100+i))}})
	}
	account.Interfaces = append(account.Interfaces, ec2test.Interface{ID: "eni-big", Big: true})
	account.Targets = append(account.Targets, ec2test.Target{ID: "tmt-big", Interface: "eni-big"})
	srv, client := start(t, account)
	ctx := t.Context()

	for i := range 10 {
		_, err := client.CreateTrafficMirrorSession(ctx, session(fmt.Sprintf("eni-%02d", i), 1))
		require.NoError(t, err)
	}
	_, err := client.CreateTrafficMirrorSession(ctx, session("eni-10", 1))
	refused(t, err, "TrafficMirrorSourcesPerTargetLimitExceeded", "tmt-sink")
	_, err = client.CreateTrafficMirrorSession(ctx, session("eni-09", 2))
	require.NoError(t, err, "a second session of a source is no other source")
	big := session("eni-10", 1)
	big.TrafficMirrorTargetId = aws.String("tmt-big")
	made, err := client.CreateTrafficMirrorSession(ctx, big)
	require.NoError(t, err)
	_, err = client.ModifyTrafficMirrorSession(ctx, &ec2.ModifyTrafficMirrorSessionInput{TrafficMirrorSessionId: made.TrafficMirrorSession.TrafficMirrorSessionId, TrafficMirrorTargetId: aws.String("tmt-sink")})
	refused(t, err, "TrafficMirrorSourcesPerTargetLimitExceeded", "tmt-sink")

	_, err = client.CreateTrafficMirrorSession(ctx, session("eni-09", 3))
	require.NoError(t, err)
	_, err = client.CreateTrafficMirrorSession(ctx, session("eni-09", 4))
	refused(t, err, "TrafficMirrorSessionsPerInterfaceLimitExceeded", "eni-09")

	for n := int32(11); n < 20; n++ {
		_, err = client.CreateTrafficMirrorFilterRule(ctx, rule(func(i *ec2.CreateTrafficMirrorFilterRuleInput) { i.RuleNumber = &n }))
		require.NoError(t, err)
	}
	_, err = client.CreateTrafficMirrorFilterRule(ctx, rule())
	refused(t, err, "TrafficMirrorFilterRuleLimitExceeded", "tmf-all")

	_, err = client.CreateTrafficMirrorFilter(ctx, &ec2.CreateTrafficMirrorFilterInput{})
	require.NoError(t, err)
	_, err = client.CreateTrafficMirrorFilter(ctx, &ec2.CreateTrafficMirrorFilterInput{})
	refused(t, err, "TrafficMirrorFilterLimitExceeded")
	_, err = client.CreateTrafficMirrorTarget(ctx, &ec2.CreateTrafficMirrorTargetInput{NetworkLoadBalancerArn: aws.String(nlb)})
	require.NoError(t, err)
	_, err = client.CreateTrafficMirrorTarget(ctx, &ec2.CreateTrafficMirrorTargetInput{NetworkLoadBalancerArn: aws.String(nlb)})
	refused(t, err, "TrafficMirrorTargetLimitExceeded")
	for len(srv.Snapshot().Sessions) < 30 {
		srv.PutSession(ec2test.Session{Interface: fmt.Sprintf("eni-x%d", len(srv.Snapshot().Sessions)), Target: "tmt-nlb", Filter: "tmf-all"})
	}
	_, err = client.CreateTrafficMirrorSession(ctx, session("eni-08", 2))
	refused(t, err, "TrafficMirrorSessionLimitExceeded")
}
