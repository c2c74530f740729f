package ec2test_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// start runs a server for a test, and gives the real client of it, which tries three times without much waiting.
func start(t testing.TB, a ec2test.Account) (*ec2test.Server, *ec2.Client) {
	srv := ec2test.New(a)
	t.Cleanup(srv.Close)
	return srv, newClient(srv.URL)
}

func newClient(url string) *ec2.Client {
	return ec2.New(ec2.Options{Region: "eu-west-1", BaseEndpoint: &url, Credentials: aws.CredentialsProviderFunc(keys), Retryer: tiny()})
}

func keys(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "made-up"}, nil
}

func tiny() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Millisecond, nil })
		o.RateLimiter = noLimit{}
	})
}

// noLimit lets every retry pass.
type noLimit struct{}

func (noLimit) GetToken(context.Context, uint) (func() error, error) {
	return func() error { return nil }, nil
}
func (noLimit) AddTokens(uint) error { return nil }

// code returns an error's code, "" if there is none.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// refused asserts an error's code, and that its message names what it is about.
func refused(t testing.TB, err error, wantCode string, names ...string) {
	t.Helper()
	require.Error(t, err)
	assert.Equal(t, wantCode, code(err), "%v", err)
	for _, n := range names {
		assert.ErrorContains(t, err, n)
	}
}

func cidr(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func addrs(s string) []netip.Addr { return []netip.Addr{addr(s)} }

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// small is an account of two sources, a sink, and what mirrors them.
func small() ec2test.Account {
	return ec2test.Account{
		Subnets: []ec2test.Subnet{{ID: "subnet-a", VPC: "vpc-1", Zone: "eu-west-1a", CIDR: cidr("10.0.1.0/24")}},
		Instances: []ec2test.Instance{
			{ID: "i-web", Tags: map[string]string{"aws:autoscaling:groupName": "web"}},
			{ID: "i-sink"},
		},
		Interfaces: []ec2test.Interface{
			{ID: "eni-web", Subnet: "subnet-a", Instance: "i-web", Addresses: []netip.Addr{addr("10.0.1.10"), addr("10.0.1.11")}, IPv6: []netip.Addr{addr("2001:db8::10")}, Tags: map[string]string{"Name": "web"}},
			{ID: "eni-web2", Subnet: "subnet-a", Instance: "i-web", Device: 1, Addresses: []netip.Addr{addr("10.0.1.12")}},
			{ID: "eni-sink", Subnet: "subnet-a", Instance: "i-sink", Addresses: []netip.Addr{addr("10.0.1.200")}},
		},
		Endpoints:     []string{"vpce-1"},
		LoadBalancers: []ec2test.LoadBalancer{{ARN: nlb, Name: "sink"}},
		Targets:       []ec2test.Target{{ID: "tmt-sink", Interface: "eni-sink"}, {ID: "tmt-nlb", LoadBalancer: nlb}},
		Filters: []ec2test.Filter{{ID: "tmf-all", Rules: []ec2test.Rule{
			{ID: "tmfr-all", Direction: "ingress", Number: 10, Action: "accept", Source: cidr("0.0.0.0/0"), Destination: cidr("0.0.0.0/0")},
		}}},
	}
}

const nlb = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/sink/0123456789abcdef"

// session is the input of a session that small's account takes.
func session(eni string, number int32) *ec2.CreateTrafficMirrorSessionInput {
	return &ec2.CreateTrafficMirrorSessionInput{
		NetworkInterfaceId: &eni, TrafficMirrorTargetId: aws.String("tmt-sink"), TrafficMirrorFilterId: aws.String("tmf-all"), SessionNumber: &number,
	}
}

func tagged(resource types.ResourceType, key, value string) []types.TagSpecification {
	return []types.TagSpecification{{ResourceType: resource, Tags: []types.Tag{{Key: &key, Value: &value}}}}
}

// Types of answers.
type (
	typesSession     = types.TrafficMirrorSession
	typesTarget      = types.TrafficMirrorTarget
	typesFilter      = types.TrafficMirrorFilter
	typesRule        = types.TrafficMirrorFilterRule
	typesInterface   = types.NetworkInterface
	typesReservation = types.Reservation
	typesSubnet      = types.Subnet
	typesGroup       = types.SecurityGroup
)
