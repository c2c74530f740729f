package ec2test_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEveryOperation goes through the life of a mirror set-up with all fifteen operations, and looks at each answer.
func TestEveryOperation(t *testing.T) {
	srv, client := start(t, small())
	ctx := t.Context()
	const name = `a <b> & "c" 'd' 100% ünïcode 日本`

	target, err := client.CreateTrafficMirrorTarget(ctx, &ec2.CreateTrafficMirrorTargetInput{
		GatewayLoadBalancerEndpointId: aws.String("vpce-1"), Description: aws.String(name), TagSpecifications: tagged(types.ResourceTypeTrafficMirrorTarget, name, name),
	})
	require.NoError(t, err)
	made := target.TrafficMirrorTarget
	assert.Regexp(t, `^tmt-0[0-9a-f]{16}$`, *made.TrafficMirrorTargetId)
	assert.Equal(t, &types.TrafficMirrorTarget{
		TrafficMirrorTargetId: made.TrafficMirrorTargetId, Description: aws.String(name), GatewayLoadBalancerEndpointId: aws.String("vpce-1"),
		OwnerId: aws.String("111122223333"), Type: types.TrafficMirrorTargetTypeGatewayLoadBalancerEndpoint, Tags: []types.Tag{{Key: aws.String(name), Value: aws.String(name)}},
	}, made)

	filter, err := client.CreateTrafficMirrorFilter(ctx, &ec2.CreateTrafficMirrorFilterInput{Description: aws.String("all")})
	require.NoError(t, err)
	filterID := filter.TrafficMirrorFilter.TrafficMirrorFilterId
	rule, err := client.CreateTrafficMirrorFilterRule(ctx, &ec2.CreateTrafficMirrorFilterRuleInput{
		TrafficMirrorFilterId: filterID, TrafficDirection: types.TrafficDirectionEgress, RuleNumber: aws.Int32(20), RuleAction: types.TrafficMirrorRuleActionReject,
		SourceCidrBlock: aws.String("2001:db8::/32"), DestinationCidrBlock: aws.String("::/0"), Protocol: aws.Int32(6),
		DestinationPortRange: &types.TrafficMirrorPortRangeRequest{FromPort: aws.Int32(443), ToPort: aws.Int32(8443)},
		TagSpecifications:    tagged(types.ResourceTypeTrafficMirrorFilterRule, "k", ""),
	})
	require.NoError(t, err)
	ruleID := rule.TrafficMirrorFilterRule.TrafficMirrorFilterRuleId
	assert.Equal(t, &types.TrafficMirrorPortRange{FromPort: aws.Int32(443), ToPort: aws.Int32(8443)}, rule.TrafficMirrorFilterRule.DestinationPortRange)

	services, err := client.ModifyTrafficMirrorFilterNetworkServices(ctx, &ec2.ModifyTrafficMirrorFilterNetworkServicesInput{
		TrafficMirrorFilterId: filterID, AddNetworkServices: []types.TrafficMirrorNetworkService{types.TrafficMirrorNetworkServiceAmazonDns},
	})
	require.NoError(t, err)
	assert.Equal(t, []types.TrafficMirrorNetworkService{"amazon-dns"}, services.TrafficMirrorFilter.NetworkServices)
	assert.Len(t, services.TrafficMirrorFilter.EgressFilterRules, 1)

	changed, err := client.ModifyTrafficMirrorFilterRule(ctx, &ec2.ModifyTrafficMirrorFilterRuleInput{
		TrafficMirrorFilterRuleId: ruleID, RuleNumber: aws.Int32(30), TrafficDirection: types.TrafficDirectionIngress,
		RemoveFields: []types.TrafficMirrorFilterRuleField{types.TrafficMirrorFilterRuleFieldDestinationPortRange, types.TrafficMirrorFilterRuleFieldProtocol},
	})
	require.NoError(t, err)
	assert.Nil(t, changed.TrafficMirrorFilterRule.Protocol)
	assert.Nil(t, changed.TrafficMirrorFilterRule.DestinationPortRange)
	assert.Empty(t, changed.TrafficMirrorFilterRule.Tags)

	in := session("eni-web", 7)
	in.TrafficMirrorTargetId, in.TrafficMirrorFilterId = made.TrafficMirrorTargetId, filterID
	in.PacketLength, in.VirtualNetworkId, in.Description = aws.Int32(128), aws.Int32(77), aws.String("d")
	session, err := client.CreateTrafficMirrorSession(ctx, in)
	require.NoError(t, err)
	sessionID := session.TrafficMirrorSession.TrafficMirrorSessionId
	_, err = client.ModifyTrafficMirrorSession(ctx, &ec2.ModifyTrafficMirrorSessionInput{
		TrafficMirrorSessionId: sessionID, SessionNumber: aws.Int32(8), TrafficMirrorTargetId: aws.String("tmt-sink"),
		RemoveFields: []types.TrafficMirrorSessionField{"packet-length", "description", "virtual-network-id"},
	})
	require.NoError(t, err)

	sessions, err := client.DescribeTrafficMirrorSessions(ctx, &ec2.DescribeTrafficMirrorSessionsInput{TrafficMirrorSessionIds: []string{*sessionID}})
	require.NoError(t, err)
	got := sessions.TrafficMirrorSessions[0]
	assert.NotEqual(t, int32(77), *got.VirtualNetworkId)
	assert.Equal(t, types.TrafficMirrorSession{
		TrafficMirrorSessionId: sessionID, TrafficMirrorTargetId: aws.String("tmt-sink"), TrafficMirrorFilterId: filterID, NetworkInterfaceId: aws.String("eni-web"),
		OwnerId: aws.String("111122223333"), SessionNumber: aws.Int32(8), VirtualNetworkId: got.VirtualNetworkId, Tags: []types.Tag{},
	}, got)
	filters, err := client.DescribeTrafficMirrorFilters(ctx, &ec2.DescribeTrafficMirrorFiltersInput{TrafficMirrorFilterIds: []string{*filterID}})
	require.NoError(t, err)
	assert.Equal(t, []types.Tag{{Key: aws.String("k"), Value: aws.String("")}}, filters.TrafficMirrorFilters[0].IngressFilterRules[0].Tags)
	rules, err := client.DescribeTrafficMirrorFilterRules(ctx, &ec2.DescribeTrafficMirrorFilterRulesInput{TrafficMirrorFilterId: filterID})
	require.NoError(t, err)
	assert.Equal(t, filters.TrafficMirrorFilters[0].IngressFilterRules, rules.TrafficMirrorFilterRules)
	targets, err := client.DescribeTrafficMirrorTargets(ctx, &ec2.DescribeTrafficMirrorTargetsInput{})
	require.NoError(t, err)
	assert.Len(t, targets.TrafficMirrorTargets, 3)

	_, err = client.DeleteTrafficMirrorSession(ctx, &ec2.DeleteTrafficMirrorSessionInput{TrafficMirrorSessionId: sessionID})
	require.NoError(t, err)
	_, err = client.DeleteTrafficMirrorFilterRule(ctx, &ec2.DeleteTrafficMirrorFilterRuleInput{TrafficMirrorFilterRuleId: ruleID})
	require.NoError(t, err)
	_, err = client.DeleteTrafficMirrorFilter(ctx, &ec2.DeleteTrafficMirrorFilterInput{TrafficMirrorFilterId: filterID})
	require.NoError(t, err)
	gone, err := client.DeleteTrafficMirrorTarget(ctx, &ec2.DeleteTrafficMirrorTargetInput{TrafficMirrorTargetId: made.TrafficMirrorTargetId})
	require.NoError(t, err)
	assert.Equal(t, made.TrafficMirrorTargetId, gone.TrafficMirrorTargetId)

	left := srv.Snapshot()
	assert.Len(t, left.Targets, 2)
	assert.Len(t, left.Filters, 1)
	assert.Empty(t, left.Sessions)
	assert.Len(t, srv.Calls(), 15)
	assert.Len(t, srv.Mutations(), 11)
}
