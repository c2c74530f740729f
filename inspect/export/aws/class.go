package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// Class sorts failures by what helps. Failures are counted by it.
type Class uint8

// Classes of failure. Those up to Lost pass by themselves; behind them a person has to act.
const (
	Unreachable Class = iota // no answer: the network, a timeout
	Throttled                // too many calls
	Fault                    // the service's own
	Lost                     // what was sent arrived damaged, or an upload was gone when it should be completed
	Denied                   // no permission
	Missing                  // no such bucket or log group
	Misplaced                // the bucket is in another region
	Credentials              // there are none, or they are not taken
	Refused                  // an answer that none of these explains
	Local                    // the spool cannot be read
	Classes                  // the number of classes; not a class
)

var classNames = [Classes]string{
	Unreachable: "unreachable", Throttled: "throttled", Fault: "fault", Lost: "lost", Denied: "denied", Missing: "missing",
	Misplaced: "misplaced", Credentials: "credentials", Refused: "refused", Local: "local",
}

// String returns the class's name, as metrics show it.
func (c Class) String() string { return classNames[c] }

// passes says whether trying again soon may help.
func (c Class) passes() bool { return c <= Lost }

// ofOneFile says whether other files may fare better.
func (c Class) ofOneFile() bool { return c == Refused || c == Local }

// classes are those of the codes that S3 and CloudWatch Logs answer with, from
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html. Throttling has a list in the SDK too.
var classes = map[string]Class{
	"SlowDown":                    Throttled,
	"OperationAborted":            Throttled,
	"OperationAbortedException":   Throttled, // another one creates the same log stream
	"LimitExceededException":      Throttled,
	"ServiceUnavailable":          Fault,
	"ServiceUnavailableException": Fault,
	"InternalError":               Fault,
	"InternalFailure":             Fault,

	"RequestTimeout":              Unreachable, // the connection was too slow for S3
	"NoSuchUpload":                Lost,        // completed before, with the answer lost, or aborted
	"InvalidPart":                 Lost,
	"BadDigest":                   Lost,
	"IncompleteBody":              Lost,
	"XAmzContentSHA256Mismatch":   Lost,
	"XAmzContentChecksumMismatch": Lost,

	"AccessDenied":          Denied,
	"AccessDeniedException": Denied,
	"AllAccessDisabled":     Denied,
	"AccountProblem":        Denied,
	"MethodNotAllowed":      Denied,

	"NoSuchBucket":              Missing,
	"ResourceNotFoundException": Missing,

	"PermanentRedirect":            Misplaced,
	"AuthorizationHeaderMalformed": Misplaced,

	"ExpiredToken":                Credentials,
	"ExpiredTokenException":       Credentials,
	"InvalidAccessKeyId":          Credentials,
	"InvalidToken":                Credentials,
	"InvalidClientTokenId":        Credentials,
	"InvalidSignatureException":   Credentials,
	"MissingAuthenticationToken":  Credentials,
	"RequestExpired":              Credentials,
	"RequestTimeTooSkewed":        Credentials,
	"SignatureDoesNotMatch":       Credentials,
	"UnrecognizedClientException": Credentials,
}

// classOfAnswer sorts an answer by its code, or else by its HTTP status.
func classOfAnswer(code string, status int) Class {
	if class, ok := classes[code]; ok {
		return class
	}
	_, throttled := retry.DefaultThrottleErrorCodes[code]
	switch {
	case throttled, status == 429:
		return Throttled
	case status >= 500:
		return Fault
	case status == 301, status == 307:
		return Misplaced
	case status == 403: // KMS.DisabledException and the like
		return Denied
	}
	return Refused
}
