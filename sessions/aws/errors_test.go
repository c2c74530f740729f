package aws

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"

	"github.com/mirrorsink/mirrorsink/sessions"
)

func TestClassOfEveryCode(t *testing.T) {
	want := map[sessions.Class][]string{
		sessions.NotFound: {
			"InvalidTrafficMirrorSessionId.NotFound", "InvalidTrafficMirrorTargetId.NotFound", "InvalidTrafficMirrorFilterId.NotFound",
			"InvalidTrafficMirrorFilterRuleId.NotFound", "InvalidTrafficMirrorSessionNotFound", "InvalidTrafficMirrorTargetNoFound",
			"InvalidTrafficMirrorTargetNotFound", "InvalidTrafficMirrorFilterNotFound", "InvalidTrafficMirrorFilterRuleNotFound",
			"InvalidNetworkInterfaceID.NotFound", "LoadBalancerNotFound", "TargetGroupNotFound", "InvalidGroup.NotFound", "InvalidSubnetID.NotFound",
		},
		sessions.Exists: {"TrafficMirrorFilterRuleAlreadyExists", "SomethingAlreadyExists"},
		sessions.InUse:  {"TrafficMirrorFilterInUse", "TrafficMirrorTargetInUseException", "DependencyViolation"},
		sessions.Limit: {
			"TrafficMirrorSessionsPerInterfaceLimitExceeded", "TrafficMirrorSourcesPerTargetLimitExceeded", "TrafficMirrorSessionsPerTargetLimitExceeded",
			"TrafficMirrorSessionLimitExceeded", "TrafficMirrorTargetLimitExceeded", "TrafficMirrorFilterLimitExceeded", "TrafficMirrorFilterRuleLimitExceeded",
			"SomethingNewLimitExceeded",
		},
		sessions.Throttled:    {"RequestLimitExceeded", "Throttling", "ThrottlingException", "EC2ThrottledException", "BandwidthLimitExceeded"},
		sessions.WouldSucceed: {"DryRunOperation"},
		sessions.Denied:       {"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"},
		sessions.Unreachable: {
			"AuthFailure", "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "MissingAuthenticationToken", "RequestExpired",
			"SignatureDoesNotMatch", "UnrecognizedClientException",
		},
		sessions.Other: {"InvalidParameterValue", "InvalidParameterCombination", "MissingParameter", "IdempotentParameterMismatch", "OptInRequired", ""},
	}
	tested := map[string]bool{}
	for class, codes := range want {
		for _, code := range codes {
			assert.Equal(t, class, classOfCode(code), code)
			tested[code] = true
		}
	}
	for code := range classes {
		assert.True(t, tested[code], code)
	}
}

// TestWhatPeopleRead compares whole messages.
func TestWhatPeopleRead(t *testing.T) {
	const generic = "You are not authorized to perform this operation."
	who := "User: arn:aws:sts::111122223333:assumed-role/dev/me is not authorized to perform: ec2:DescribeTrafficMirrorFilterRules because no identity-based policy allows the ec2:DescribeTrafficMirrorFilterRules action."
	tests := []struct {
		name  string
		reply reply
		class sessions.Class
		tries int
		want  string
	}{
		{"denied", fault(403, "UnauthorizedOperation", generic), sessions.Denied, 1,
			`UnauthorizedOperation: not allowed; the least policy is printed by "mirrorsink sessions iam-policy"`},
		{"denied, encoded", fault(403, "UnauthorizedOperation", generic+" Encoded authorization failure message: "+strings.Repeat("x", 900)), sessions.Denied, 1,
			`UnauthorizedOperation: not allowed; the least policy is printed by "mirrorsink sessions iam-policy"`},
		{"denied, with the reason", fault(403, "UnauthorizedOperation", generic+" "+who+" Encoded authorization failure message: "+strings.Repeat("x", 900)), sessions.Denied, 1,
			`UnauthorizedOperation: not allowed; the least policy is printed by "mirrorsink sessions iam-policy". AWS says: ` + who},
		{"throttled for good", fault(503, "RequestLimitExceeded", "Request limit exceeded."), sessions.Throttled, 8,
			"RequestLimitExceeded: too many calls in this account, still refused after 8 tries; try again later"},
		{"their fault for good", fault(500, "InternalError", "An internal error has occurred"), sessions.Unreachable, 8,
			"InternalError: An internal error has occurred (after 8 tries)"},
		{"no more session", fault(400, "ExpiredToken", "The security token included in the request is expired."), sessions.Unreachable, 1,
			"ExpiredToken: The security token included in the request is expired: sign in again, or check AWS_PROFILE and the clock"},
		{"lines", fault(400, "InvalidParameterValue", "this\n\tis wrong"), sessions.Other, 1, "InvalidParameterValue: this is wrong"},
		{"quota", fault(400, "TrafficMirrorSessionLimitExceeded", "The maximum is reached"), sessions.Limit, 1, "TrafficMirrorSessionLimitExceeded: The maximum is reached"},
		{"a proxy's page", reply{status: 403, body: "<html><body>no</body></html>"}, sessions.Unreachable, 1, "no answer from EC2 at URL after 1 try: HTTP status 403"},
		{"a balancer's page", reply{status: 502, body: "<html><body>no</body></html>"}, sessions.Unreachable, 8, "no answer from EC2 at URL after 8 tries: HTTP status 502"},
		{"text", reply{status: 404, body: "not here"}, sessions.Unreachable, 1, "no answer from EC2 at URL after 1 try: HTTP status 404"},
		{"hung up", reply{}, sessions.Unreachable, 8, "no answer from EC2 at URL after 8 tries: the connection was closed before the answer was whole"},
		{"half an answer", reply{status: 200, body: "<R><trafficMirrorFilterRuleSet><item>", cut: true}, sessions.Unreachable, 8, "no answer from EC2 at URL after 8 tries: the connection was closed before the answer was whole"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			endpoint, requests := replies(t, tt.reply)
			outcomes := map[string]int{}
			c := openAt(t, endpoint, func(cfg *Config) { cfg.OnCall = func(_, outcome string) { outcomes[outcome]++ } })
			_, err := c.Rules(t.Context(), "tmf-1")
			assert.EqualError(t, err, "DescribeTrafficMirrorFilterRules: "+strings.ReplaceAll(tt.want, "URL", endpoint))
			assert.Equal(t, tt.class, sessions.ClassOf(err))
			assert.Len(t, requests(), tt.tries)
			assert.Equal(t, map[string]int{tt.class.String(): tt.tries}, outcomes, "every attempt is reported")
		})
	}
}

func TestNobodyListens(t *testing.T) {
	endpoint := closedPort(t)
	c := openAt(t, endpoint)
	_, err := c.Rules(t.Context(), "tmf-1")
	assert.EqualError(t, err, "DescribeTrafficMirrorFilterRules: no answer from EC2 at "+endpoint+" after 8 tries: connection refused")
	_, err = c.Read(t.Context())
	assert.Equal(t, sessions.Unreachable, sessions.ClassOf(err))
	assert.NotContains(t, err.Error(), "cancel", "the first error is returned, not the cancellation that it causes")
	_, err = c.LoadBalancer(t.Context(), "arn:x")
	assert.EqualError(t, err, "DescribeLoadBalancers: no answer from Elastic Load Balancing v2 at "+endpoint+" after 8 tries: connection refused")
}

func TestNoAnswerInTime(t *testing.T) {
	endpoint := silent(t)
	c := openAt(t, endpoint, func(cfg *Config) { cfg.Timeout, cfg.MaxAttempts = time.Millisecond, 2 })
	_, err := c.Rules(t.Context(), "tmf-1")
	assert.EqualError(t, err, "DescribeTrafficMirrorFilterRules: no answer from EC2 at "+endpoint+" after 2 tries: timeout")
}

func TestRegionIsThePlace(t *testing.T) {
	c := openAt(t, "")
	err := c.explain(&smithy.OperationError{ServiceID: "EC2", OperationName: "DescribeInstances", Err: &net.DNSError{Name: "ec2.eu-west-1.amazonaws.com", IsNotFound: true}})
	assert.EqualError(t, err, "DescribeInstances: no answer from EC2 in eu-west-1 after 1 try: no such host ec2.eu-west-1.amazonaws.com: check the region")
}
