package ec2test_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

func TestDescribeInterface(t *testing.T) {
	_, client := start(t, ec2test.Playground())
	out, err := client.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{"eni-0a1000000000000e1", "eni-0a100000000000a10", "eni-0a1000000000000ee"}})
	require.NoError(t, err)
	require.Len(t, out.NetworkInterfaces, 3)
	web, loose, balancer := out.NetworkInterfaces[0], out.NetworkInterfaces[1], out.NetworkInterfaces[2]
	launched := web.Attachment.AttachTime
	assert.Equal(t, types.NetworkInterface{
		NetworkInterfaceId: aws.String("eni-0a100000000000a10"), InterfaceType: types.NetworkInterfaceTypeInterface, MacAddress: aws.String("02:00:0a:14:01:0a"),
		PrivateIpAddress: aws.String("10.20.1.10"), PrivateIpAddresses: []types.NetworkInterfacePrivateIpAddress{{Primary: aws.Bool(true), PrivateIpAddress: aws.String("10.20.1.10")}},
		Ipv6Addresses: []types.NetworkInterfaceIpv6Address{{Ipv6Address: aws.String("2001:db8:20:1::10")}},
		SubnetId:      aws.String("subnet-0a10000000000000a"), VpcId: aws.String("vpc-0a10000000000000a"), AvailabilityZone: aws.String("eu-west-1a"),
		OwnerId: aws.String("111122223333"), RequesterManaged: aws.Bool(false), Status: types.NetworkInterfaceStatusInUse, SourceDestCheck: aws.Bool(true),
		Groups: []types.GroupIdentifier{{GroupId: aws.String("sg-0a10000000000000a")}}, TagSet: []types.Tag{},
		Attachment: &types.NetworkInterfaceAttachment{
			AttachmentId: aws.String("eni-attach-0a100000000000a10"), InstanceId: aws.String("i-0a100000000000a10"), InstanceOwnerId: aws.String("111122223333"),
			DeviceIndex: aws.Int32(0), NetworkCardIndex: aws.Int32(0), Status: types.AttachmentStatusAttached, AttachTime: launched, DeleteOnTermination: aws.Bool(true),
		},
	}, web)
	assert.Nil(t, loose.Attachment)
	assert.Equal(t, types.NetworkInterfaceStatusAvailable, loose.Status)
	assert.Nil(t, balancer.Attachment.InstanceId, "attached to a machine of the service's")
	assert.Equal(t, "amazon-aws", *balancer.Attachment.InstanceOwnerId)
	assert.True(t, *balancer.RequesterManaged)
}

func TestDescribeInstance(t *testing.T) {
	_, client := start(t, ec2test.Playground())
	out, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{"i-0a100000000000a10"}})
	require.NoError(t, err)
	i := out.Reservations[0].Instances[0]
	assert.Equal(t, types.InstanceStateNameRunning, i.State.Name)
	assert.Equal(t, "eu-west-1a", *i.Placement.AvailabilityZone)
	assert.Equal(t, "10.20.1.10", *i.PrivateIpAddress)
	require.Len(t, i.NetworkInterfaces, 2)
	assert.Equal(t, "eni-0a100000000000a11", *i.NetworkInterfaces[1].NetworkInterfaceId)
	assert.Equal(t, int32(1), *i.NetworkInterfaces[1].Attachment.DeviceIndex)
	assert.Len(t, i.NetworkInterfaces[1].PrivateIpAddresses, 2)
}

func TestDescribeNetwork(t *testing.T) {
	_, client := start(t, ec2test.Playground())
	subnets, err := client.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{SubnetIds: []string{"subnet-0a10000000000000a"}})
	require.NoError(t, err)
	s := subnets.Subnets[0]
	assert.Equal(t, "10.20.1.0/24", *s.CidrBlock)
	assert.Equal(t, "2001:db8:20:1::/64", *s.Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock)
	assert.Equal(t, types.SubnetCidrBlockStateCodeAssociated, s.Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlockState.State)
	groups, err := client.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{Filters: by("group-name", "sink", "database", "web")})
	require.NoError(t, err)
	require.Len(t, groups.SecurityGroups, 3)
	web, data, sink := groups.SecurityGroups[0], groups.SecurityGroups[1], groups.SecurityGroups[2]
	assert.Equal(t, "::/0", *web.IpPermissions[0].Ipv6Ranges[0].CidrIpv6)
	assert.Equal(t, "sg-0a10000000000000a", *data.IpPermissions[0].UserIdGroupPairs[0].GroupId)
	assert.Equal(t, int32(4789), *sink.IpPermissions[0].FromPort)
	assert.Equal(t, "10.20.0.0/16", *sink.IpPermissions[0].IpRanges[0].CidrIp)
	assert.Nil(t, sink.IpPermissionsEgress[0].FromPort)
}

// TestDeletions: an interface is deleted together with the sessions that mirror it. Deleting the interface or balancer of a target deletes
// nothing else.
func TestDeletions(t *testing.T) {
	account := small()
	account.Sessions = []ec2test.Session{
		{ID: "tms-1", Interface: "eni-web", Target: "tmt-sink", Filter: "tmf-all"},
		{ID: "tms-2", Interface: "eni-web2", Target: "tmt-sink", Filter: "tmf-all"},
		{ID: "tms-3", Interface: "eni-other", Target: "tmt-nlb", Filter: "tmf-all"},
	}
	srv, client := start(t, account)
	srv.RemoveInterface("eni-sink")
	srv.RemoveLoadBalancer(nlb)
	assert.Len(t, srv.Snapshot().Sessions, 3)
	assert.Len(t, srv.Snapshot().Targets, 2)
	srv.RemoveInterface("eni-web2")
	assert.Equal(t, []string{"tms-1", "tms-3"}, sessionIDs(srv))
	srv.RemoveInstance("i-web")
	assert.Equal(t, []string{"tms-3"}, sessionIDs(srv))
	_, err := client.DeleteTrafficMirrorTarget(t.Context(), &ec2.DeleteTrafficMirrorTargetInput{TrafficMirrorTargetId: aws.String("tmt-sink")})
	require.NoError(t, err, "nothing uses it any more")
	srv.RemoveSession("tms-3")
	_, err = client.DeleteTrafficMirrorFilter(t.Context(), &ec2.DeleteTrafficMirrorFilterInput{TrafficMirrorFilterId: aws.String("tmf-all")})
	require.NoError(t, err)
	_, err = client.DeleteTrafficMirrorFilterRule(t.Context(), &ec2.DeleteTrafficMirrorFilterRuleInput{TrafficMirrorFilterRuleId: aws.String("tmfr-all")})
	refused(t, err, "InvalidTrafficMirrorFilterRuleId.NotFound")
}

func sessionIDs(srv *ec2test.Server) (all []string) {
	for _, s := range srv.Snapshot().Sessions {
		all = append(all, s.ID)
	}
	return all
}

func TestTags(t *testing.T) {
	srv, client := start(t, small())
	ctx := t.Context()
	all := []string{"tmt-sink", "tmf-all", "tmfr-all", "eni-web", "i-web", "subnet-a"}
	_, err := client.CreateTags(ctx, &ec2.CreateTagsInput{Resources: all, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b")}}})
	require.NoError(t, err)
	_, err = client.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: all[:5], Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("2")}, {Key: aws.String("b")}}})
	require.NoError(t, err)
	got := srv.Snapshot()
	assert.Equal(t, map[string]string{"a": "1"}, got.Targets[1].Tags)
	assert.Equal(t, map[string]string{"a": "1"}, got.Filters[0].Tags)
	assert.Equal(t, map[string]string{"a": "1"}, got.Filters[0].Rules[0].Tags)
	assert.Equal(t, map[string]string{"a": "1", "Name": "web"}, got.Interfaces[1].Tags)
	assert.Equal(t, map[string]string{"a": "1", "b": ""}, got.Subnets[0].Tags)
	_, err = client.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{"i-web"}})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"aws:autoscaling:groupName": "web"}, srv.Snapshot().Instances[1].Tags, "AWS's own stay")
	_, err = client.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{"tmt-sink", "tms-none"}, Tags: []types.Tag{{Key: aws.String("c"), Value: aws.String("")}}})
	refused(t, err, "InvalidTrafficMirrorSessionId.NotFound", "tms-none")
	assert.NotContains(t, srv.Snapshot().Targets[1].Tags, "c", "all or none")
}

// TestSnapshotSeeds: a snapshot shares no memory with the server, and a server that starts with it has the same state.
func TestSnapshotSeeds(t *testing.T) {
	for _, account := range []ec2test.Account{small(), ec2test.Playground(), big(3)} {
		first, _ := start(t, account)
		snapshot := first.Snapshot()
		second, _ := start(t, snapshot)
		assert.Equal(t, snapshot, second.Snapshot())
		snapshot.Interfaces[0].Tags = map[string]string{"changed": ""}
		if len(snapshot.Interfaces[0].Addresses) > 0 {
			snapshot.Interfaces[0].Addresses[0] = netip.Addr{}
		}
		snapshot.Filters[0].Rules[0].Number = 99
		assert.Equal(t, second.Snapshot(), first.Snapshot())
	}
}

func TestLoadBalancer(t *testing.T) {
	srv, _ := start(t, ec2test.Playground())
	client := elb.New(elb.Options{Region: "eu-west-1", BaseEndpoint: &srv.URL, Credentials: aws.CredentialsProviderFunc(keys), Retryer: tiny()})
	ctx := t.Context()
	arn := srv.Snapshot().LoadBalancers[0].ARN

	balancers, err := client.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{arn}})
	require.NoError(t, err)
	b := balancers.LoadBalancers[0]
	assert.Equal(t, elbtypes.LoadBalancerTypeEnumNetwork, b.Type)
	assert.Equal(t, elbtypes.LoadBalancerStateEnumActive, b.State.Code)
	assert.Equal(t, "eu-west-1b", *b.AvailabilityZones[1].ZoneName)
	assert.Equal(t, "subnet-0a10000000000000b", *b.AvailabilityZones[1].SubnetId)
	attributes, err := client.DescribeLoadBalancerAttributes(ctx, &elb.DescribeLoadBalancerAttributesInput{LoadBalancerArn: &arn})
	require.NoError(t, err)
	assert.Equal(t, []elbtypes.LoadBalancerAttribute{{Key: aws.String("load_balancing.cross_zone.enabled"), Value: aws.String("true")}}, attributes.Attributes)

	listeners, err := client.DescribeListeners(ctx, &elb.DescribeListenersInput{LoadBalancerArn: &arn})
	require.NoError(t, err)
	l := listeners.Listeners[0]
	assert.Equal(t, elbtypes.ProtocolEnumUdp, l.Protocol)
	assert.Equal(t, int32(4789), *l.Port)
	group := l.DefaultActions[0].TargetGroupArn
	assert.Equal(t, group, l.DefaultActions[0].ForwardConfig.TargetGroups[0].TargetGroupArn)

	groups, err := client.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{LoadBalancerArn: &arn})
	require.NoError(t, err)
	g := groups.TargetGroups[0]
	assert.Equal(t, group, g.TargetGroupArn)
	assert.Equal(t, []string{arn}, g.LoadBalancerArns)
	assert.Equal(t, elbtypes.ProtocolEnumHttp, g.HealthCheckProtocol)
	assert.Equal(t, "8080", *g.HealthCheckPort)
	assert.Equal(t, "/readyz", *g.HealthCheckPath)
	assert.Equal(t, elbtypes.TargetTypeEnumInstance, g.TargetType)

	health, err := client.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: group})
	require.NoError(t, err)
	h := health.TargetHealthDescriptions[0]
	assert.Equal(t, "i-0a1000000000000f0", *h.Target.Id)
	assert.Equal(t, elbtypes.TargetHealthStateEnumHealthy, h.TargetHealth.State)

	named, err := client.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{Names: []string{"sink"}})
	require.NoError(t, err)
	assert.Equal(t, balancers.LoadBalancers, named.LoadBalancers)
	_, err = client.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{Names: []string{"other"}})
	refused(t, err, "TargetGroupNotFound")
	_, err = client.DescribeListeners(ctx, &elb.DescribeListenersInput{})
	refused(t, err, "ValidationError")
	_, err = client.DescribeListeners(ctx, &elb.DescribeListenersInput{ListenerArns: []string{*l.ListenerArn, "other"}})
	refused(t, err, "ListenerNotFound")
	_, err = client.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{nlb}})
	refused(t, err, "LoadBalancerNotFound", nlb)
	_, err = client.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &nlb2})
	refused(t, err, "TargetGroupNotFound")
	srv.Deny("DescribeListeners")
	_, err = client.DescribeListeners(ctx, &elb.DescribeListenersInput{LoadBalancerArn: &arn})
	refused(t, err, "AccessDenied", "elasticloadbalancing:DescribeListeners")
}

var nlb2 = nlb + "2"

// TestLoadBalancerPages reads target groups to the end, one at a time.
func TestLoadBalancerPages(t *testing.T) {
	srv, _ := start(t, ec2test.Account{TargetGroups: []ec2test.TargetGroup{{ARN: "a"}, {ARN: "b"}, {ARN: "c"}}})
	client := elb.New(elb.Options{Region: "eu-west-1", BaseEndpoint: &srv.URL, Credentials: aws.CredentialsProviderFunc(keys), Retryer: tiny()})
	pages := elb.NewDescribeTargetGroupsPaginator(client, &elb.DescribeTargetGroupsInput{PageSize: aws.Int32(1)})
	var all []string
	for pages.HasMorePages() {
		p, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		require.Len(t, p.TargetGroups, 1)
		all = append(all, *p.TargetGroups[0].TargetGroupArn)
	}
	assert.Equal(t, []string{"a", "b", "c"}, all)
}

// TestBehindTheAPI: the Put and Remove methods take effect at once and are not logged as calls.
func TestBehindTheAPI(t *testing.T) {
	srv, _ := start(t, small())
	srv.Delay(ec2test.Always)
	filter := srv.PutFilter(ec2test.Filter{Rules: []ec2test.Rule{{Direction: "ingress", Number: 1, Action: "accept", Source: cidr("::/0"), Destination: cidr("::/0")}}})
	assert.Regexp(t, "^tmf-0[0-9a-f]{16}$", filter)
	rule := srv.PutRule(ec2test.Rule{Filter: filter, Direction: "egress", Number: 1, Action: "accept", Source: cidr("::/0"), Destination: cidr("::/0")})
	assert.Len(t, srv.Snapshot().Filters[0].Rules, 2)
	srv.RemoveRule(rule)
	assert.Len(t, srv.Snapshot().Filters[0].Rules, 1)
	srv.PutFilter(ec2test.Filter{ID: filter, Owner: "444455556666"})
	assert.Empty(t, srv.Snapshot().Filters[0].Rules)
	srv.RemoveFilter(filter)
	srv.RemoveFilter(filter)
	srv.RemoveTarget("tmt-sink")
	srv.PutTarget(ec2test.Target{ID: "tmt-nlb", Interface: "eni-sink"})
	srv.PutTarget(ec2test.Target{ID: "tmt-nlb", Endpoint: "vpce-1"})
	srv.PutInterface(ec2test.Interface{ID: "eni-web", Instance: "i-sink", Status: "attaching", Device: 1})
	srv.RemoveInterface("eni-none")
	srv.RemoveInstance("i-sink")
	got := srv.Snapshot()
	assert.Equal(t, []ec2test.Target{{ID: "tmt-nlb", Endpoint: "vpce-1", Owner: "111122223333"}}, got.Targets)
	assert.Len(t, got.Filters, 1)
	assert.Len(t, got.Interfaces, 1)
	assert.Empty(t, srv.Calls())
	assert.Empty(t, srv.Mutations())
}

func TestTagLimits(t *testing.T) {
	srv, client := start(t, small())
	before := srv.Snapshot()
	long := strings.Repeat("ü", 129)
	many := make([]types.Tag, 51)
	for i := range many {
		many[i] = types.Tag{Key: aws.String(fmt.Sprint(i)), Value: aws.String("")}
	}
	for _, tt := range []struct {
		code, names string
		tags        []types.Tag
	}{
		{"InvalidParameterValue", "Duplicate", []types.Tag{{Key: aws.String("a")}, {Key: aws.String("a")}}},
		{"InvalidParameterValue", "1 to 128", []types.Tag{{Key: aws.String(""), Value: aws.String("")}}},
		{"InvalidParameterValue", "1 to 128", []types.Tag{{Key: &long}}},
		{"InvalidParameterValue", "256", []types.Tag{{Key: aws.String("a"), Value: aws.String(long + long)}}},
		{"InvalidParameterValue", "AWS:", []types.Tag{{Key: aws.String("AWS:x")}}},
		{"TagLimitExceeded", "50", many},
		{"TagLimitExceeded", "50", many[:50]}, // and one that is there
		{"MissingParameter", "Tag", nil},
	} {
		_, err := client.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{"eni-web"}, Tags: tt.tags})
		if tt.tags == nil {
			require.Error(t, err) // by the SDK
			continue
		}
		refused(t, err, tt.code, tt.names)
	}
	assert.Equal(t, before, srv.Snapshot())
}
