package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// Class is the kind of a failed delivery, by its remedy.
type Class uint8

// Classes of failure. Those up to Lost end by themselves. The others need a person.
const (
	Unreachable Class = iota // no answer: the network, a timeout
	Throttled                // too many calls
	Fault                    // an error of the service
	Lost                     // data arrived damaged, or an upload did not exist any more when it was completed
	Denied                   // no permission
	Missing                  // no such bucket or log group
	Misplaced                // the bucket is in another region
	Credentials              // there are none, or AWS refuses them
	Refused                  // any other answer
	Local                    // the spool cannot be read
	Classes                  // the number of classes; not a class
)

var classNames = [Classes]string{
	Unreachable: "unreachable", Throttled: "throttled", Fault: "fault", Lost: "lost", Denied: "denied", Missing: "missing",
	Misplaced: "misplaced", Credentials: "credentials", Refused: "refused", Local: "local",
}

// String returns the class's name, as metrics show it.
func (c Class) String() string { return classNames[c] }

// retryable reports whether a retry soon may succeed.
func (c Class) retryable() bool { return c <= Lost }

// fileOnly reports whether other files may be delivered nevertheless.
func (c Class) fileOnly() bool { return c == Refused || c == Local }

// classes has the classes of error codes of S3 and CloudWatch Logs, from
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html. The SDK has more codes for throttling.
var classes = map[string]Class{
	"SlowDown":                    Throttled,
	"OperationAborted":            Throttled,
	"OperationAbortedException":   Throttled, // another client creates the same log stream
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

// classOfAnswer returns the class of an answer by its code, or else by its HTTP status.
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
