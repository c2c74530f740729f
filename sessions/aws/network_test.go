package aws

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

const (
	lbARN    = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/sink/0123456789abcdef"
	groupARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/sink/0123456789abcdef"
)

func TestGroups(t *testing.T) {
	a := ec2test.Account{SecurityGroups: []ec2test.SecurityGroup{{ID: "sg-1", VPC: "vpc-1", Ingress: []ec2test.Permission{
		{Protocol: "udp", From: 4789, To: 4789, CIDRs: []netip.Prefix{cidr("10.0.0.0/8"), cidr("2001:db8::/32")}},
		{Protocol: "-1", Groups: []string{"sg-2"}},
		{Protocol: "47", CIDRs: []netip.Prefix{cidr("0.0.0.0/0")}},
		{Protocol: "icmp", From: -1, To: -1, CIDRs: []netip.Prefix{cidr("0.0.0.0/0")}},
	}}, {ID: "sg-2", VPC: "vpc-1"}}}
	var many []string
	for i := range 450 {
		id := fmt.Sprintf("sg-a%d", i)
		a.SecurityGroups = append(a.SecurityGroups, ec2test.SecurityGroup{ID: id, VPC: "vpc-1"})
		many = append(many, id)
	}
	srv := start(t, a)
	c := openAt(t, srv.URL)
	got, err := c.Groups(t.Context(), []string{"sg-1", "sg-gone", "sg-2"})
	require.NoError(t, err)
	assert.ElementsMatch(t, []account.SecurityGroup{{ID: "sg-1", VPC: "vpc-1", Ingress: []account.Permission{
		{Protocol: 17, From: 4789, To: 4789, CIDRs: []netip.Prefix{cidr("10.0.0.0/8"), cidr("2001:db8::/32")}},
		{Protocol: account.AnyProtocol, To: 65535, Groups: []string{"sg-2"}},
		{Protocol: 47, From: got[0].Ingress[2].From, To: got[0].Ingress[2].To, CIDRs: []netip.Prefix{cidr("0.0.0.0/0")}},
		{Protocol: 1, From: -1, To: -1, CIDRs: []netip.Prefix{cidr("0.0.0.0/0")}},
	}}, {ID: "sg-2", VPC: "vpc-1"}}, got)

	got, err = c.Groups(t.Context(), many)
	require.NoError(t, err)
	assert.Len(t, got, 450)

	srv.ForgetCalls()
	got, err = c.Groups(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, got)
	assert.Empty(t, srv.Calls())

	srv.Deny("DescribeSecurityGroups")
	_, err = c.Groups(t.Context(), many)
	assert.Equal(t, sessions.Denied, sessions.ClassOf(err))
}

func TestGroupWithPrefixList(t *testing.T) {
	endpoint, _ := replies(t, reply{status: 200, body: "<R><securityGroupInfo><item><groupId>sg-1</groupId><ipPermissions><item><ipProtocol>-1</ipProtocol>" +
		"<prefixListIds><item><prefixListId>pl-1</prefixListId></item></prefixListIds></item></ipPermissions></item></securityGroupInfo></R>"},
		reply{status: 200, body: "<R><securityGroupInfo><item><groupId>sg-1</groupId><ipPermissions><item><ipProtocol>x</ipProtocol></item></ipPermissions></item></securityGroupInfo></R>"})
	c := openAt(t, endpoint)
	got, err := c.Groups(t.Context(), []string{"sg-1"})
	require.NoError(t, err)
	assert.Equal(t, []string{"pl-1"}, got[0].Ingress[0].PrefixLists)
	_, err = c.Groups(t.Context(), []string{"sg-1"})
	assert.EqualError(t, err, `security group sg-1: "x" is no protocol`)
}

func TestSubnets(t *testing.T) {
	c := openAt(t, start(t, small()).URL)
	got, err := c.Subnets(t.Context(), []string{"subnet-1", "subnet-gone"})
	require.NoError(t, err)
	assert.Equal(t, []account.Subnet{{ID: "subnet-1", VPC: "vpc-1", Zone: "eu-west-1a", CIDRs: []netip.Prefix{cidr("10.0.0.0/24"), cidr("2001:db8::/64")}}}, got)
}

func TestLoadBalancer(t *testing.T) {
	srv := start(t, ec2test.Account{
		LoadBalancers: []ec2test.LoadBalancer{{
			ARN: lbARN, Name: "sink", VPC: "vpc-1", Groups: []string{"sg-1"}, CrossZone: true,
			Subnets:   map[string]string{"eu-west-1b": "subnet-2", "eu-west-1a": "subnet-1"},
			Listeners: []ec2test.Listener{{ARN: lbARN + "/l", Protocol: "UDP", Port: 4789, TargetGroup: groupARN}},
		}},
		TargetGroups: []ec2test.TargetGroup{{
			ARN: groupARN, Name: "sink", Protocol: "UDP", Port: 4789, VPC: "vpc-1", HealthProtocol: "HTTP", HealthPort: "8080", HealthPath: "/readyz",
			Members: []ec2test.Member{{ID: "i-1", Port: 4789}, {ID: "i-2", Port: 4789, State: "unhealthy"}, {ID: "i-3", Port: 4789, State: "draining"}},
		}},
	})
	c := openAt(t, srv.URL)
	got, err := c.LoadBalancer(t.Context(), lbARN)
	require.NoError(t, err)
	assert.Equal(t, &account.LoadBalancer{
		ARN: lbARN, Name: "sink", Type: "network", VPC: "vpc-1", Zones: []string{"eu-west-1a", "eu-west-1b"}, Groups: []string{"sg-1"}, CrossZone: true,
		Listeners: []account.Listener{{Protocol: "UDP", Port: 4789, TargetGroups: []string{groupARN}}},
		TargetGroups: []account.TargetGroup{{
			ARN: groupARN, Name: "sink", Protocol: "UDP", Port: 4789, HealthProtocol: "HTTP", HealthPort: "8080", HealthPath: "/readyz", Healthy: 1, Unhealthy: 2, Targets: []string{"i-1", "i-2", "i-3"},
		}},
	}, got)
	_, err = c.LoadBalancer(t.Context(), lbARN+"0")
	assert.Equal(t, sessions.NotFound, sessions.ClassOf(err))
	assert.ErrorContains(t, err, "DescribeLoadBalancers: LoadBalancerNotFound: ")
}
