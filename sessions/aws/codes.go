package aws

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/mirrorsink/mirrorsink/sessions"
)

// classes are the classes of EC2's error codes, from https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html and from
// answers of the live API, which spells some codes otherwise. The SDK has a list of throttling codes too.
var classes = map[string]sessions.Class{
	"InvalidTrafficMirrorSessionId.NotFound":    sessions.NotFound,
	"InvalidTrafficMirrorTargetId.NotFound":     sessions.NotFound,
	"InvalidTrafficMirrorFilterId.NotFound":     sessions.NotFound,
	"InvalidTrafficMirrorFilterRuleId.NotFound": sessions.NotFound,
	"InvalidTrafficMirrorSessionNotFound":       sessions.NotFound,
	"InvalidTrafficMirrorTargetNoFound":         sessions.NotFound, // sic, in the reference
	"InvalidTrafficMirrorTargetNotFound":        sessions.NotFound,
	"InvalidTrafficMirrorFilterNotFound":        sessions.NotFound,
	"InvalidTrafficMirrorFilterRuleNotFound":    sessions.NotFound,
	"InvalidNetworkInterfaceID.NotFound":        sessions.NotFound,
	"LoadBalancerNotFound":                      sessions.NotFound,
	"TargetGroupNotFound":                       sessions.NotFound,

	"TrafficMirrorFilterRuleAlreadyExists": sessions.Exists,

	"TrafficMirrorFilterInUse":          sessions.InUse,
	"TrafficMirrorTargetInUseException": sessions.InUse,
	"DependencyViolation":               sessions.InUse,

	"TrafficMirrorSessionsPerInterfaceLimitExceeded": sessions.Limit,
	"TrafficMirrorSourcesPerTargetLimitExceeded":     sessions.Limit,
	"TrafficMirrorSessionsPerTargetLimitExceeded":    sessions.Limit,
	"TrafficMirrorSessionLimitExceeded":              sessions.Limit,
	"TrafficMirrorTargetLimitExceeded":               sessions.Limit,
	"TrafficMirrorFilterLimitExceeded":               sessions.Limit,
	"TrafficMirrorFilterRuleLimitExceeded":           sessions.Limit,

	"RequestLimitExceeded": sessions.Throttled,

	"DryRunOperation": sessions.WouldSucceed,

	"UnauthorizedOperation": sessions.Denied,
	"AccessDenied":          sessions.Denied,
	"AccessDeniedException": sessions.Denied,

	"AuthFailure":                 sessions.Unreachable,
	"ExpiredToken":                sessions.Unreachable,
	"ExpiredTokenException":       sessions.Unreachable,
	"InvalidClientTokenId":        sessions.Unreachable,
	"MissingAuthenticationToken":  sessions.Unreachable,
	"RequestExpired":              sessions.Unreachable,
	"SignatureDoesNotMatch":       sessions.Unreachable,
	"UnrecognizedClientException": sessions.Unreachable,
}

// classOfCode returns the class of a code. The lists of quotas and of missing resources are open, so the suffix decides there.
func classOfCode(code string) sessions.Class {
	if class, ok := classes[code]; ok {
		return class
	}
	_, throttled := retry.DefaultThrottleErrorCodes[code]
	switch {
	case throttled:
		return sessions.Throttled
	case strings.HasSuffix(code, ".NotFound"):
		return sessions.NotFound
	case strings.HasSuffix(code, "AlreadyExists"):
		return sessions.Exists
	case strings.HasSuffix(code, "LimitExceeded"):
		return sessions.Limit
	}
	return sessions.Other
}
