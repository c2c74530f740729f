package aws

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// start runs an EC2 until the test ends.
func start(t *testing.T, a ec2test.Account) *ec2test.Server {
	srv := ec2test.New(a)
	t.Cleanup(srv.Close)
	return srv
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func cidr(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// small is an account with one of everything.
func small() ec2test.Account {
	return ec2test.Account{
		Subnets:   []ec2test.Subnet{{ID: "subnet-1", VPC: "vpc-1", Zone: "eu-west-1a", CIDR: cidr("10.0.0.0/24"), IPv6: cidr("2001:db8::/64")}},
		Instances: []ec2test.Instance{{ID: "i-1", Type: "m5.large", Tags: map[string]string{"app": "web"}}},
		Interfaces: []ec2test.Interface{
			{
				ID: "eni-1", MAC: "02:00:00:00:00:01", Addresses: []netip.Addr{addr("10.0.0.9"), addr("10.0.0.5")}, IPv6: []netip.Addr{addr("2001:db8::9")},
				Subnet: "subnet-1", Instance: "i-1", Device: 2, Groups: []string{"sg-1"}, Tags: map[string]string{"Name": "one"},
			},
			{ID: "eni-2", Type: "nat_gateway", Addresses: []netip.Addr{addr("10.0.0.7")}, Subnet: "subnet-1", RequesterManaged: true},
		},
		Targets: []ec2test.Target{{ID: "tmt-1", Interface: "eni-2"}, {ID: "tmt-2", LoadBalancer: "arn:lb", Owner: "999988887777"}, {ID: "tmt-3", Endpoint: "vpce-1", Tags: map[string]string{"a": "b"}}},
		Filters: []ec2test.Filter{
			{ID: "tmf-1", Services: []string{"amazon-dns"}, Tags: map[string]string{"a": "b"}, Rules: []ec2test.Rule{
				{ID: "tmfr-1", Direction: "ingress", Number: 10, Action: "accept", Source: cidr("0.0.0.0/0"), Destination: cidr("10.0.0.0/8")},
				{ID: "tmfr-2", Direction: "egress", Number: 20, Action: "reject", Protocol: 6, Source: cidr("::/0"), Destination: cidr("2001:db8::/32"),
					DestinationPorts: &ec2test.PortRange{From: 443, To: 444}, Tags: map[string]string{"c": "d"}},
			}},
			{ID: "tmf-2"},
		},
		Sessions: []ec2test.Session{
			{ID: "tms-1", Interface: "eni-1", Target: "tmt-1", Filter: "tmf-1", Number: 7, VNI: 77, PacketLength: 128, Tags: map[string]string{"e": "f"}},
			{ID: "tms-2", Interface: "eni-1", Target: "tmt-1", Filter: "tmf-2", Number: 8, VNI: 1<<24 - 1},
		},
	}
}

func TestReadEverything(t *testing.T) {
	c := openAt(t, start(t, small()).URL)
	got, err := c.Read(t.Context())
	require.NoError(t, err)
	const accountID = "111122223333"
	assert.Equal(t, &account.State{
		Region: "eu-west-1",
		Interfaces: []account.Interface{
			{
				ID: "eni-1", Type: "interface", MAC: "02:00:00:00:00:01", Primary: addr("10.0.0.9"),
				Addresses: []netip.Addr{addr("10.0.0.9"), addr("10.0.0.5"), addr("2001:db8::9")}, VPC: "vpc-1", Subnet: "subnet-1", Zone: "eu-west-1a",
				Account: accountID, Status: "in-use", Instance: "i-1", Device: 2, Groups: []string{"sg-1"}, Tags: account.Tags{"Name": "one"},
			},
			{ID: "eni-2", Type: "nat_gateway", MAC: got.Interfaces[1].MAC, Primary: addr("10.0.0.7"), Addresses: []netip.Addr{addr("10.0.0.7")}, VPC: "vpc-1", Subnet: "subnet-1",
				Zone: "eu-west-1a", Account: accountID, Status: "available", RequesterManaged: true},
		},
		Instances: []account.Instance{{ID: "i-1", Type: "m5.large", State: "running", Tags: account.Tags{"app": "web"}}},
		Targets: []account.Target{
			{ID: "tmt-1", Interface: "eni-2", Account: accountID},
			{ID: "tmt-2", LoadBalancer: "arn:lb", Account: "999988887777"},
			{ID: "tmt-3", Endpoint: "vpce-1", Account: accountID, Tags: account.Tags{"a": "b"}},
		},
		Filters: []account.Filter{
			{ID: "tmf-1", Services: []string{account.AmazonDNS}, Tags: account.Tags{"a": "b"}, Rules: []account.Rule{
				{ID: "tmfr-1", Filter: "tmf-1", Direction: "ingress", Number: 10, Action: "accept", Source: cidr("0.0.0.0/0"), Destination: cidr("10.0.0.0/8")},
				{ID: "tmfr-2", Filter: "tmf-1", Direction: "egress", Number: 20, Action: "reject", Protocol: 6, Source: cidr("::/0"), Destination: cidr("2001:db8::/32"),
					DestinationPorts: &account.PortRange{From: 443, To: 444}, Tags: account.Tags{"c": "d"}},
			}},
			{ID: "tmf-2"},
		},
		Sessions: []account.Session{
			{ID: "tms-1", Interface: "eni-1", Target: "tmt-1", Filter: "tmf-1", Number: 7, VNI: 77, PacketLength: 128, Account: accountID, Tags: account.Tags{"e": "f"}},
			{ID: "tms-2", Interface: "eni-1", Target: "tmt-1", Filter: "tmf-2", Number: 8, VNI: 1<<24 - 1, Account: accountID},
		},
	}, got)

	rules, err := c.Rules(t.Context(), "tmf-1")
	require.NoError(t, err)
	assert.ElementsMatch(t, got.Filters[0].Rules, rules)
}

func TestReadEmptyAccount(t *testing.T) {
	got, err := openAt(t, start(t, ec2test.Account{}).URL).Read(t.Context())
	require.NoError(t, err)
	assert.Equal(t, &account.State{Region: "eu-west-1"}, got)
}

// large is an account of n interfaces, each the source of two sessions.
func large(n int) ec2test.Account {
	a := ec2test.Account{Filters: []ec2test.Filter{{ID: "tmf-1"}}, Targets: []ec2test.Target{{ID: "tmt-1", LoadBalancer: "arn:lb"}}}
	tags := map[string]string{account.OwnerTag: "netsec", account.NameTag: "web"}
	for i := range n {
		eni := fmt.Sprintf("eni-%08d", i)
		a.Instances = append(a.Instances, ec2test.Instance{ID: fmt.Sprintf("i-%08d", i), Tags: tags})
		a.Interfaces = append(a.Interfaces, ec2test.Interface{
			ID: eni, Instance: fmt.Sprintf("i-%08d", i), Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})},
			VPC: "vpc-1", Subnet: "subnet-1", Zone: "eu-west-1a", Tags: tags,
		})
		for k := range 2 {
			a.Sessions = append(a.Sessions, ec2test.Session{
				ID: fmt.Sprintf("tms-%08d", 2*i+k), Interface: eni, Target: "tmt-1", Filter: "tmf-1", Number: k + 1, VNI: uint32(2*i + k), Tags: tags,
			})
		}
	}
	return a
}

func TestReadAllPages(t *testing.T) {
	srv := start(t, large(1001))
	got, err := openAt(t, srv.URL).Read(t.Context())
	require.NoError(t, err)
	assert.Len(t, got.Interfaces, 1001)
	assert.Len(t, got.Instances, 1001)
	assert.Len(t, got.Sessions, 2002)
	seen := map[string]bool{}
	for _, s := range got.Sessions {
		seen[s.ID] = true
	}
	assert.Len(t, seen, 2002)
	assert.Equal(t, map[string]int{
		"DescribeNetworkInterfaces": 2, "DescribeInstances": 2, "DescribeTrafficMirrorTargets": 1, "DescribeTrafficMirrorFilters": 1, "DescribeTrafficMirrorSessions": 3,
	}, srv.Calls())
}

// TestSessionsAreReadFirst: a session that another run creates for a new interface during the read is never seen without its interface.
func TestSessionsAreReadFirst(t *testing.T) {
	srv := start(t, small())
	var mu sync.Mutex
	var order []string
	srv.Hook(func(action string, _ int) ec2test.Fault {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, action)
		return ec2test.Fault{}
	})
	_, err := openAt(t, srv.URL).Read(t.Context())
	require.NoError(t, err)
	require.Len(t, order, 5)
	assert.Equal(t, "DescribeTrafficMirrorSessions", order[0])
}

// BenchmarkRead reads 10,000 sessions on 5,000 interfaces. The metric is the retained memory.
func BenchmarkRead(b *testing.B) {
	srv := ec2test.New(large(5000))
	defer srv.Close()
	b.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	b.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	c, err := Open(b.Context(), Config{Region: "eu-west-1", Endpoint: srv.URL})
	require.NoError(b, err)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var s *account.State
	b.ReportAllocs()
	for b.Loop() {
		s, err = c.Read(b.Context())
		require.NoError(b, err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc), "B-kept")
	runtime.KeepAlive(s)
}

func TestPrimaryAddress(t *testing.T) {
	page := func(item string) string {
		return "<R><networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId>" + item + "</item></networkInterfaceSet></R>"
	}
	ip4 := func(a, primary string) string {
		return "<item><privateIpAddress>" + a + "</privateIpAddress><primary>" + primary + "</primary></item>"
	}
	ip6 := func(a, primary string) string {
		return "<item><ipv6Address>" + a + "</ipv6Address><isPrimaryIpv6>" + primary + "</isPrimaryIpv6></item>"
	}
	tests := []struct {
		name, item string
		want       []netip.Addr
		err        string
	}{
		{name: "the list is in another order",
			item: "<privateIpAddress>10.0.0.2</privateIpAddress><privateIpAddressesSet>" + ip4("10.0.0.1", "false") + ip4("10.0.0.2", "true") + "</privateIpAddressesSet>",
			want: []netip.Addr{addr("10.0.0.2"), addr("10.0.0.1")}},
		{name: "only in the list",
			item: "<privateIpAddressesSet>" + ip4("10.0.0.1", "false") + ip4("10.0.0.2", "true") + "</privateIpAddressesSet>",
			want: []netip.Addr{addr("10.0.0.2"), addr("10.0.0.1")}},
		{name: "a primary IPv6 address is second to IPv4",
			item: "<privateIpAddress>10.0.0.2</privateIpAddress><ipv6AddressesSet>" + ip6("2001:db8::1", "false") + ip6("2001:db8::2", "true") + "</ipv6AddressesSet>",
			want: []netip.Addr{addr("10.0.0.2"), addr("2001:db8::1"), addr("2001:db8::2")}},
		{name: "IPv6 only",
			item: "<ipv6AddressesSet>" + ip6("2001:db8::1", "false") + ip6("2001:db8::2", "true") + "</ipv6AddressesSet>",
			want: []netip.Addr{addr("2001:db8::2"), addr("2001:db8::1")}},
		{name: "IPv6 only, none of them primary",
			item: "<ipv6AddressesSet>" + ip6("2001:db8::1", "false") + ip6("2001:db8::2", "false") + "</ipv6AddressesSet>",
			want: []netip.Addr{addr("2001:db8::1"), addr("2001:db8::2")}},
		{name: "none", want: []netip.Addr{}},
		{name: "nonsense", item: "<privateIpAddress>x</privateIpAddress>", err: `interface eni-1: "x" is no address`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			endpoint, _ := replies(t, reply{status: 200, body: page(tt.item)})
			got, err := openAt(t, endpoint).interfaces(t.Context())
			if tt.err != "" {
				assert.EqualError(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, got[0].Addresses)
			if len(tt.want) > 0 {
				assert.Equal(t, tt.want[0], got[0].Primary)
			}
		})
	}
}

func TestRuleWithoutCIDR(t *testing.T) {
	rule := func(source, destination string) string {
		return "<R><trafficMirrorFilterRuleSet><item><trafficMirrorFilterRuleId>tmfr-1</trafficMirrorFilterRuleId><trafficMirrorFilterId>tmf-1</trafficMirrorFilterId>" +
			"<sourceCidrBlock>" + source + "</sourceCidrBlock><destinationCidrBlock>" + destination + "</destinationCidrBlock></item></trafficMirrorFilterRuleSet></R>"
	}
	endpoint, _ := replies(t, reply{status: 200, body: rule("10.0.0.0", "0.0.0.0/0")}, reply{status: 200, body: rule("10.0.0.0/8", "")})
	c := openAt(t, endpoint)
	_, err := c.Rules(t.Context(), "tmf-1")
	assert.EqualError(t, err, `rule tmfr-1 of filter tmf-1: source "10.0.0.0" is no CIDR`)
	_, err = c.Rules(t.Context(), "tmf-1")
	assert.EqualError(t, err, `rule tmfr-1 of filter tmf-1: destination "" is no CIDR`)
}

func TestRulesOfManyPages(t *testing.T) {
	page := func(id, next string) reply {
		return reply{status: 200, body: "<R><trafficMirrorFilterRuleSet><item><trafficMirrorFilterRuleId>" + id + "</trafficMirrorFilterRuleId>" +
			"<sourceCidrBlock>::/0</sourceCidrBlock><destinationCidrBlock>::/0</destinationCidrBlock></item></trafficMirrorFilterRuleSet><nextToken>" + next + "</nextToken></R>"}
	}
	endpoint, requests := replies(t, page("tmfr-1", "more"), page("tmfr-2", ""))
	rules, err := openAt(t, endpoint).Rules(t.Context(), "tmf-1")
	require.NoError(t, err)
	require.Len(t, rules, 2)
	assert.Equal(t, []string{"tmfr-1", "tmfr-2"}, []string{rules[0].ID, rules[1].ID})
	asked := requests()
	assert.Equal(t, []string{"", "more"}, []string{asked[0].Get("NextToken"), asked[1].Get("NextToken")})
}

// TestFirstErrorEndsRead: the other reads stop when one of the five is denied.
func TestFirstErrorEndsRead(t *testing.T) {
	srv := start(t, large(1))
	srv.Deny("DescribeInstances")
	_, err := openAt(t, srv.URL).Read(t.Context())
	assert.ErrorContains(t, err, `DescribeInstances: UnauthorizedOperation: not allowed; the least policy is printed by "mirrorsink sessions iam-policy"`)
	assert.Equal(t, sessions.Denied, sessions.ClassOf(err))
}
