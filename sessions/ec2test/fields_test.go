package ec2test_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// two is an account with two of each kind that differ in every filter field. The first has the values of TestFields.
func two() ec2test.Account {
	all, some := cidr("0.0.0.0/0"), cidr("10.0.0.0/8")
	return ec2test.Account{
		Subnets: []ec2test.Subnet{
			{ID: "subnet-1", VPC: "vpc-1", Zone: "zone-1", CIDR: some, Owner: "1", Tags: map[string]string{"k1": "v1"}},
			{ID: "subnet-2", VPC: "vpc-2", Zone: "zone-2", CIDR: all, Owner: "2"},
		},
		SecurityGroups: []ec2test.SecurityGroup{
			{ID: "sg-1", Name: "n1", Description: "d1", VPC: "vpc-1", Owner: "1", Tags: map[string]string{"k1": "v1"}},
			{ID: "sg-2", Name: "n2", Description: "d2", VPC: "vpc-2", Owner: "2"},
		},
		Instances: []ec2test.Instance{
			{ID: "i-1", Type: "t1", Image: "ami-1", State: "stopped", Owner: "1", Tags: map[string]string{"k1": "v1"}},
			{ID: "i-2", Type: "t2", Image: "ami-2", Owner: "2"},
			{ID: "i-3", Type: "t2", Owner: "2"}, // with no interface
		},
		Interfaces: []ec2test.Interface{
			{
				ID: "eni-1", Type: "efa", Description: "d1", MAC: "02:00:00:00:00:01", Addresses: addrs("10.0.0.1"), IPv6: addrs("2001:db8::1"), Subnet: "subnet-1", Owner: "1",
				Status: "detaching", Instance: "i-1", RequesterManaged: true, Requester: "r1", Groups: []string{"sg-1"}, Tags: map[string]string{"k1": "v1"},
			},
			{
				ID: "eni-2", Description: "d2", MAC: "02:00:00:00:00:02", Addresses: addrs("10.0.0.2"), IPv6: addrs("2001:db8::2"), Subnet: "subnet-2", Owner: "2",
				Instance: "i-2", Device: 0, Groups: []string{"sg-2"},
			},
			{ID: "eni-3", Owner: "2", Subnet: "subnet-2", Instance: "i-2", Device: 1},
			{ID: "eni-4", Owner: "2"},
		},
		Targets: []ec2test.Target{
			{ID: "tmt-1", Description: "d1", Interface: "eni-1", Owner: "1"},
			{ID: "tmt-2", Description: "d2", LoadBalancer: "arn-2", Owner: "2"},
			{ID: "tmt-3", Endpoint: "vpce-3", Owner: "2"},
		},
		Filters: []ec2test.Filter{
			{ID: "tmf-1", Description: "d1", Rules: []ec2test.Rule{{ID: "tmfr-1", Description: "d1", Direction: "egress", Number: 1, Action: "reject", Protocol: 17, Source: some, Destination: some}}},
			{ID: "tmf-2", Description: "d2", Rules: []ec2test.Rule{{ID: "tmfr-2", Description: "d2", Direction: "ingress", Number: 2, Action: "accept", Source: all, Destination: all}}},
		},
		Sessions: []ec2test.Session{
			{ID: "tms-1", Description: "d1", Interface: "eni-1", Target: "tmt-1", Filter: "tmf-1", Number: 1, PacketLength: 100, VNI: 1, Owner: "1"},
			{ID: "tms-2", Description: "d2", Interface: "eni-2", Target: "tmt-2", Filter: "tmf-2", Number: 2, VNI: 2, Owner: "2"},
		},
	}
}

// TestFields: each supported filter finds the first of each kind, and no other.
func TestFields(t *testing.T) {
	_, client := start(t, two())
	ctx := t.Context()
	tests := []struct {
		first  string
		find   func(name, value string) ([]string, error)
		values map[string]string
	}{
		{"eni-1", func(name, value string) ([]string, error) {
			out, err := client.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: by(name, value)})
			if err != nil {
				return nil, err
			}
			return ids(out.NetworkInterfaces, func(v typesInterface) *string { return v.NetworkInterfaceId }), nil
		}, map[string]string{
			"addresses.private-ip-address": "10.0.0.1", "attachment.attachment-id": "eni-attach-1", "attachment.instance-id": "i-1",
			"attachment.instance-owner-id": "1", "attachment.status": "detaching", "availability-zone": "zone-1", "description": "d1", "group-id": "sg-1",
			"interface-type": "efa", "ipv6-addresses.ipv6-address": "2001:db8::1", "mac-address": "02:00:00:00:00:01", "network-interface-id": "eni-1",
			"owner-id": "1", "private-ip-address": "10.0.0.1", "requester-id": "r1", "requester-managed": "true", "status": "detaching",
			"subnet-id": "subnet-1", "vpc-id": "vpc-1", "tag:k1": "v1", "tag-key": "k1",
		}},
		{"i-1", func(name, value string) ([]string, error) {
			out, err := client.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: by(name, value)})
			if err != nil {
				return nil, err
			}
			return ids(out.Reservations, func(v typesReservation) *string { return v.Instances[0].InstanceId }), nil
		}, map[string]string{
			"availability-zone": "zone-1", "image-id": "ami-1", "instance-id": "i-1", "instance-state-code": "80", "instance-state-name": "stopped",
			"instance-type": "t1", "instance.group-id": "sg-1", "network-interface.addresses.private-ip-address": "10.0.0.1",
			"network-interface.network-interface-id": "eni-1", "network-interface.subnet-id": "subnet-1", "network-interface.vpc-id": "vpc-1",
			"owner-id": "1", "private-ip-address": "10.0.0.1", "subnet-id": "subnet-1", "vpc-id": "vpc-1", "tag:k1": "v1", "tag-key": "k1",
		}},
		{"subnet-1", func(name, value string) ([]string, error) {
			out, err := client.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: by(name, value)})
			if err != nil {
				return nil, err
			}
			return ids(out.Subnets, func(v typesSubnet) *string { return v.SubnetId }), nil
		}, map[string]string{
			"availability-zone": "zone-1", "cidr-block": "10.0.0.0/8", "owner-id": "1", "subnet-id": "subnet-1", "vpc-id": "vpc-1", "tag:k1": "v1", "tag-key": "k1",
		}},
		{"sg-1", func(name, value string) ([]string, error) {
			out, err := client.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: by(name, value)})
			if err != nil {
				return nil, err
			}
			return ids(out.SecurityGroups, func(v typesGroup) *string { return v.GroupId }), nil
		}, map[string]string{
			"description": "d1", "group-id": "sg-1", "group-name": "n1", "owner-id": "1", "vpc-id": "vpc-1", "tag:k1": "v1", "tag-key": "k1",
		}},
		{"tmt-1", func(name, value string) ([]string, error) {
			out, err := client.DescribeTrafficMirrorTargets(ctx, &ec2.DescribeTrafficMirrorTargetsInput{Filters: by(name, value)})
			if err != nil {
				return nil, err
			}
			return ids(out.TrafficMirrorTargets, func(v typesTarget) *string { return v.TrafficMirrorTargetId }), nil
		}, map[string]string{"description": "d1", "network-interface-id": "eni-1", "owner-id": "1", "traffic-mirror-target-id": "tmt-1"}},
		{"tmf-1", func(name, value string) ([]string, error) {
			out, err := client.DescribeTrafficMirrorFilters(ctx, &ec2.DescribeTrafficMirrorFiltersInput{Filters: by(name, value)})
			if err != nil {
				return nil, err
			}
			return ids(out.TrafficMirrorFilters, func(v typesFilter) *string { return v.TrafficMirrorFilterId }), nil
		}, map[string]string{"description": "d1", "traffic-mirror-filter-id": "tmf-1"}},
		{"tmfr-1", func(name, value string) ([]string, error) {
			out, err := client.DescribeTrafficMirrorFilterRules(ctx, &ec2.DescribeTrafficMirrorFilterRulesInput{Filters: by(name, value)})
			if err != nil {
				return nil, err
			}
			return ids(out.TrafficMirrorFilterRules, func(v typesRule) *string { return v.TrafficMirrorFilterRuleId }), nil
		}, map[string]string{
			"traffic-mirror-filter-rule-id": "tmfr-1", "traffic-mirror-filter-id": "tmf-1", "rule-number": "1", "rule-action": "reject", "traffic-direction": "egress",
			"protocol": "17", "source-cidr-block": "10.0.0.0/8", "destination-cidr-block": "10.0.0.0/8", "description": "d1",
		}},
		{"tms-1", func(name, value string) ([]string, error) {
			out, err := client.DescribeTrafficMirrorSessions(ctx, &ec2.DescribeTrafficMirrorSessionsInput{Filters: by(name, value)})
			if err != nil {
				return nil, err
			}
			return ids(out.TrafficMirrorSessions, func(v typesSession) *string { return v.TrafficMirrorSessionId }), nil
		}, map[string]string{
			"description": "d1", "network-interface-id": "eni-1", "owner-id": "1", "packet-length": "100", "session-number": "1", "traffic-mirror-filter-id": "tmf-1",
			"traffic-mirror-session-id": "tms-1", "traffic-mirror-target-id": "tmt-1", "virtual-network-id": "1",
		}},
	}
	for _, tt := range tests {
		for name, value := range tt.values {
			found, err := tt.find(name, value)
			require.NoError(t, err, "%s by %s", tt.first, name)
			assert.Equal(t, []string{tt.first}, found, name)
		}
		_, err := tt.find("colour", "red")
		refused(t, err, "InvalidParameterValue", "colour")
	}
}

// TestRulesOfFilter: rules are selected by their filter, by their IDs, and by both.
func TestRulesOfFilter(t *testing.T) {
	_, client := start(t, two())
	find := func(filter string, rules ...string) ([]string, error) {
		in := &ec2.DescribeTrafficMirrorFilterRulesInput{TrafficMirrorFilterRuleIds: rules}
		if filter != "" {
			in.TrafficMirrorFilterId = &filter
		}
		out, err := client.DescribeTrafficMirrorFilterRules(t.Context(), in)
		if err != nil {
			return nil, err
		}
		return ids(out.TrafficMirrorFilterRules, func(v typesRule) *string { return v.TrafficMirrorFilterRuleId }), nil
	}
	for _, tt := range []struct{ filter, rule, want, code string }{
		{"tmf-2", "", "tmfr-2", ""},
		{"", "tmfr-1", "tmfr-1", ""},
		{"tmf-1", "tmfr-1", "tmfr-1", ""},
		{"tmf-1", "tmfr-2", "", "InvalidTrafficMirrorFilterRuleId.NotFound"},
		{"tmf-9", "", "", "InvalidTrafficMirrorFilterId.NotFound"},
	} {
		var rules []string
		if tt.rule != "" {
			rules = []string{tt.rule}
		}
		found, err := find(tt.filter, rules...)
		assert.Equal(t, tt.code, code(err))
		if tt.code == "" {
			assert.Equal(t, []string{tt.want}, found)
		}
	}
}
