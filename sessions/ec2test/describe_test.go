package ec2test_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// big is an account of n of everything.
func big(n int) (a ec2test.Account) {
	for i := range n {
		hex := fmt.Sprintf("%017x", i)
		subnet := "subnet-" + fmt.Sprintf("%017x", i%7)
		ip := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		a.Subnets = append(a.Subnets, ec2test.Subnet{ID: "subnet-" + hex, VPC: "vpc-1", Zone: "eu-west-1a", CIDR: cidr("10.0.0.0/16")})
		a.SecurityGroups = append(a.SecurityGroups, ec2test.SecurityGroup{ID: "sg-" + hex, Name: hex})
		a.Instances = append(a.Instances, ec2test.Instance{ID: "i-" + hex, Tags: map[string]string{"n": fmt.Sprint(i)}})
		a.Interfaces = append(a.Interfaces, ec2test.Interface{
			ID: "eni-" + hex, Instance: "i-" + hex, Subnet: subnet, Addresses: []netip.Addr{ip}, Groups: []string{"sg-" + hex}, Tags: map[string]string{"odd": fmt.Sprint(i % 2), "Name": "web"},
		})
		a.Targets = append(a.Targets, ec2test.Target{ID: "tmt-" + hex, Interface: "eni-" + hex})
		a.Filters = append(a.Filters, ec2test.Filter{ID: "tmf-" + hex, Rules: []ec2test.Rule{
			{ID: "tmfr-" + hex, Direction: "ingress", Number: 1, Action: "accept", Source: cidr("0.0.0.0/0"), Destination: cidr("0.0.0.0/0")},
		}})
		a.Sessions = append(a.Sessions, ec2test.Session{ID: "tms-" + hex, Interface: "eni-" + hex, Target: "tmt-" + hex, Filter: "tmf-" + hex, Number: 1, VNI: uint32(i + 1)})
	}
	return a
}

// pages collects the IDs of all pages, and checks that none but the last is short.
func pages[O any](t *testing.T, size int, call func(token *string) (O, error), of func(O) ([]string, *string)) (all []string) {
	var token *string
	for {
		out, err := call(token)
		require.NoError(t, err)
		ids, next := of(out)
		all = append(all, ids...)
		if next == nil {
			assert.LessOrEqual(t, len(ids), size)
			return all
		}
		require.Len(t, ids, size)
		token = next
	}
}

func ids[T any](list []T, id func(T) *string) (all []string) {
	for _, v := range list {
		all = append(all, *id(v))
	}
	return all
}

// TestPages reads every kind to the end in pages of several sizes: each resource comes once, in the order of creation.
func TestPages(t *testing.T) {
	const n = 23
	_, client := start(t, big(n))
	ctx := t.Context()
	for _, size := range []int32{5, 23, 22, 1000} {
		most := aws.Int32(size)
		got := map[string][]string{
			"tms": pages(t, int(size), func(token *string) (*ec2.DescribeTrafficMirrorSessionsOutput, error) {
				return client.DescribeTrafficMirrorSessions(ctx, &ec2.DescribeTrafficMirrorSessionsInput{MaxResults: most, NextToken: token})
			}, func(o *ec2.DescribeTrafficMirrorSessionsOutput) ([]string, *string) {
				return ids(o.TrafficMirrorSessions, func(v typesSession) *string { return v.TrafficMirrorSessionId }), o.NextToken
			}),
			"tmt": pages(t, int(size), func(token *string) (*ec2.DescribeTrafficMirrorTargetsOutput, error) {
				return client.DescribeTrafficMirrorTargets(ctx, &ec2.DescribeTrafficMirrorTargetsInput{MaxResults: most, NextToken: token})
			}, func(o *ec2.DescribeTrafficMirrorTargetsOutput) ([]string, *string) {
				return ids(o.TrafficMirrorTargets, func(v typesTarget) *string { return v.TrafficMirrorTargetId }), o.NextToken
			}),
			"tmf": pages(t, int(size), func(token *string) (*ec2.DescribeTrafficMirrorFiltersOutput, error) {
				return client.DescribeTrafficMirrorFilters(ctx, &ec2.DescribeTrafficMirrorFiltersInput{MaxResults: most, NextToken: token})
			}, func(o *ec2.DescribeTrafficMirrorFiltersOutput) ([]string, *string) {
				return ids(o.TrafficMirrorFilters, func(v typesFilter) *string { return v.TrafficMirrorFilterId }), o.NextToken
			}),
			"tmfr": pages(t, int(size), func(token *string) (*ec2.DescribeTrafficMirrorFilterRulesOutput, error) {
				return client.DescribeTrafficMirrorFilterRules(ctx, &ec2.DescribeTrafficMirrorFilterRulesInput{MaxResults: most, NextToken: token})
			}, func(o *ec2.DescribeTrafficMirrorFilterRulesOutput) ([]string, *string) {
				return ids(o.TrafficMirrorFilterRules, func(v typesRule) *string { return v.TrafficMirrorFilterRuleId }), o.NextToken
			}),
			"eni": pages(t, int(size), func(token *string) (*ec2.DescribeNetworkInterfacesOutput, error) {
				return client.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{MaxResults: most, NextToken: token})
			}, func(o *ec2.DescribeNetworkInterfacesOutput) ([]string, *string) {
				return ids(o.NetworkInterfaces, func(v typesInterface) *string { return v.NetworkInterfaceId }), o.NextToken
			}),
			"i": pages(t, int(size), func(token *string) (*ec2.DescribeInstancesOutput, error) {
				return client.DescribeInstances(ctx, &ec2.DescribeInstancesInput{MaxResults: most, NextToken: token})
			}, func(o *ec2.DescribeInstancesOutput) ([]string, *string) {
				return ids(o.Reservations, func(v typesReservation) *string { return v.Instances[0].InstanceId }), o.NextToken
			}),
			"subnet": pages(t, int(size), func(token *string) (*ec2.DescribeSubnetsOutput, error) {
				return client.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{MaxResults: most, NextToken: token})
			}, func(o *ec2.DescribeSubnetsOutput) ([]string, *string) {
				return ids(o.Subnets, func(v typesSubnet) *string { return v.SubnetId }), o.NextToken
			}),
			"sg": pages(t, int(size), func(token *string) (*ec2.DescribeSecurityGroupsOutput, error) {
				return client.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{MaxResults: most, NextToken: token})
			}, func(o *ec2.DescribeSecurityGroupsOutput) ([]string, *string) {
				return ids(o.SecurityGroups, func(v typesGroup) *string { return v.GroupId }), o.NextToken
			}),
		}
		for prefix, all := range got {
			var want []string
			for i := range n {
				want = append(want, fmt.Sprintf("%s-%017x", prefix, i))
			}
			assert.Equal(t, want, all, "%s in pages of %d", prefix, size)
		}
	}
}

// TestPagesOfWhatChanges: a deletion between two pages, even of the last element returned, neither repeats nor hides others.
func TestPagesOfWhatChanges(t *testing.T) {
	srv, client := start(t, big(12))
	in := &ec2.DescribeTrafficMirrorSessionsInput{MaxResults: aws.Int32(5)}
	first, err := client.DescribeTrafficMirrorSessions(t.Context(), in)
	require.NoError(t, err)
	for i := 2; i < 7; i++ {
		srv.RemoveSession(fmt.Sprintf("tms-%017x", i))
	}
	in.NextToken = first.NextToken
	second, err := client.DescribeTrafficMirrorSessions(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, second.TrafficMirrorSessions, 5)
	assert.Equal(t, fmt.Sprintf("tms-%017x", 7), *second.TrafficMirrorSessions[0].TrafficMirrorSessionId)
	assert.Nil(t, second.NextToken)

	other := &ec2.DescribeTrafficMirrorSessionsInput{MaxResults: aws.Int32(5), NextToken: first.NextToken, Filters: by("session-number", "1")}
	_, err = client.DescribeTrafficMirrorSessions(t.Context(), other)
	refused(t, err, "InvalidPaginationToken")
}

// TestDefaultPage: without MaxResults a page has a thousand.
func TestDefaultPage(t *testing.T) {
	_, client := start(t, big(1001))
	out, err := client.DescribeTrafficMirrorSessions(t.Context(), &ec2.DescribeTrafficMirrorSessionsInput{})
	require.NoError(t, err)
	assert.Len(t, out.TrafficMirrorSessions, 1000)
	assert.NotNil(t, out.NextToken)
	groups, err := client.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{})
	require.NoError(t, err)
	assert.Len(t, groups.SecurityGroups, 1001, "security groups come all at once")
}

// TestFilters: each kind is filtered by each of its filters.
func TestFilters(t *testing.T) {
	account := ec2test.Playground()
	_, client := start(t, account)
	ctx := t.Context()
	interfaces := func(name string, values ...string) []string {
		out, err := client.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: by(name, values...)})
		require.NoError(t, err, name)
		return ids(out.NetworkInterfaces, func(v typesInterface) *string { return v.NetworkInterfaceId })
	}
	web := []string{"eni-0a100000000000a10", "eni-0a100000000000a11"}
	assert.Equal(t, web, interfaces("attachment.instance-id", "i-0a100000000000a10"))
	assert.Equal(t, web[1:], interfaces("private-ip-address", "10.20.1.111"), "a secondary address")
	assert.Equal(t, web[:1], interfaces("ipv6-addresses.ipv6-address", "2001:db8:20:1::10"))
	assert.Equal(t, web[:1], interfaces("mac-address", "02:00:0a:14:01:0a"))
	assert.Equal(t, []string{"eni-0a100000000000a11", "eni-0a100000000000b11"}, interfaces("tag:Name", "web*"))
	assert.Equal(t, []string{"eni-0a100000000000a11", "eni-0a100000000000b11"}, interfaces("attachment.device-index", "1"))
	assert.Equal(t, []string{"eni-0a1000000000000ee"}, interfaces("tag-key", "team"))
	assert.Equal(t, []string{"eni-0a1000000000000ee"}, interfaces("status", "available"))
	assert.Equal(t, []string{"eni-0a1000000000000e3"}, interfaces("interface-type", "nat_gateway"))
	assert.Equal(t, []string{"eni-0a1000000000000e1", "eni-0a1000000000000e2"}, interfaces("description", "ELB net/?ink/*"))
	assert.Len(t, interfaces("requester-managed", "true"), 3)
	assert.Len(t, interfaces("vpc-id", "vpc-0a10000000000000a"), len(account.Interfaces))
	assert.Len(t, interfaces("availability-zone", "eu-west-1b"), 5)
	assert.Len(t, interfaces("subnet-id", "subnet-0a10000000000000b", "subnet-none"), 5)
	assert.Empty(t, interfaces("tag:Name", "WEB"))
	assert.Empty(t, interfaces("group-id", "sg-none"))

	instances := func(name string, values ...string) []string {
		filters := append(by(name, values...), by("instance-state-name", "running")...)
		out, err := client.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: filters})
		require.NoError(t, err, name)
		return ids(out.Reservations, func(v typesReservation) *string { return v.Instances[0].InstanceId })
	}
	assert.Equal(t, []string{"i-0a100000000000a10", "i-0a100000000000a20", "i-0a100000000000b10"}, instances("tag:aws:autoscaling:groupName", "web"))
	assert.Equal(t, []string{"i-0a1000000000000d0"}, instances("private-ip-address", "10.20.2.50"))
	assert.Equal(t, []string{"i-0a100000000000b10", "i-0a1000000000000d0"}, instances("subnet-id", "subnet-0a10000000000000b"))
	assert.Equal(t, []string{"i-0a1000000000000c0"}, instances("instance-type", "t2.*"))

	rules, err := client.DescribeTrafficMirrorFilterRules(ctx, &ec2.DescribeTrafficMirrorFilterRulesInput{Filters: slices.Concat(by("protocol", "6"), by("traffic-direction", "ingress"), by("source-cidr-block", "0.0.0.0/0"))})
	require.NoError(t, err)
	assert.Len(t, rules.TrafficMirrorFilterRules, 1)
	sessions, err := client.DescribeTrafficMirrorSessions(ctx, &ec2.DescribeTrafficMirrorSessionsInput{Filters: slices.Concat(by("virtual-network-id", "5000001"), by("packet-length", "128"), by("owner-id", "111122223333"))})
	require.NoError(t, err)
	assert.Len(t, sessions.TrafficMirrorSessions, 1)
	targets, err := client.DescribeTrafficMirrorTargets(ctx, &ec2.DescribeTrafficMirrorTargetsInput{Filters: by("network-interface-id", "eni-0a100000000000a10")})
	require.NoError(t, err)
	assert.Empty(t, targets.TrafficMirrorTargets)
}
