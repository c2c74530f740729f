package awserror

import (
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
)

// classes has the classes of error codes of the services that are called. Those of S3 and CloudWatch Logs are from
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html. The SDK has more codes for throttling.
var classes = map[string]spool.Class{
	"SlowDown":                    spool.Throttled,
	"OperationAborted":            spool.Throttled,
	"OperationAbortedException":   spool.Throttled, // another client creates the same log stream
	"LimitExceededException":      spool.Throttled,
	"ServiceUnavailable":          spool.Fault,
	"ServiceUnavailableException": spool.Fault,
	"InternalError":               spool.Fault,
	"InternalFailure":             spool.Fault,
	"InternalException":           spool.Fault,
	"KMSThrottling":               spool.Throttled,

	"RequestTimeout":              spool.Unreachable, // the connection was too slow for S3
	"NoSuchUpload":                spool.Lost,        // completed before, with the answer lost, or aborted
	"InvalidPart":                 spool.Lost,
	"BadDigest":                   spool.Lost,
	"IncompleteBody":              spool.Lost,
	"XAmzContentSHA256Mismatch":   spool.Lost,
	"XAmzContentChecksumMismatch": spool.Lost,

	"AccessDenied":           spool.Denied,
	"AccessDeniedException":  spool.Denied,
	"AllAccessDisabled":      spool.Denied,
	"AuthorizationError":     spool.Denied, // of SNS
	"KMSAccessDenied":        spool.Denied,
	"KMSDisabled":            spool.Denied,
	"InvalidAccess":          spool.Denied, // Security Hub is not enabled in the account
	"InvalidAccessException": spool.Denied,
	"AccountProblem":         spool.Denied,
	"MethodNotAllowed":       spool.Denied,

	"NoSuchBucket":              spool.Missing,
	"NotFound":                  spool.Missing, // the topic
	"NotFoundException":         spool.Missing,
	"ResourceNotFoundException": spool.Missing,

	"PermanentRedirect":            spool.Misplaced,
	"AuthorizationHeaderMalformed": spool.Misplaced,

	"ExpiredToken":                spool.Credentials,
	"ExpiredTokenException":       spool.Credentials,
	"InvalidAccessKeyId":          spool.Credentials,
	"InvalidToken":                spool.Credentials,
	"InvalidClientTokenId":        spool.Credentials,
	"InvalidSignatureException":   spool.Credentials,
	"MissingAuthenticationToken":  spool.Credentials,
	"RequestExpired":              spool.Credentials,
	"RequestTimeTooSkewed":        spool.Credentials,
	"SignatureDoesNotMatch":       spool.Credentials,
	"UnrecognizedClientException": spool.Credentials,
}

// classOfAnswer returns the class of an answer by its code, or else by its HTTP status.
func classOfAnswer(code string, status int) spool.Class {
	if class, ok := classes[code]; ok {
		return class
	}
	_, throttled := retry.DefaultThrottleErrorCodes[code]
	switch {
	case throttled, status == 429:
		return spool.Throttled
	case status >= 500:
		return spool.Fault
	case status == 301, status == 307:
		return spool.Misplaced
	case status == 403: // KMS.DisabledException and the like
		return spool.Denied
	}
	return spool.Refused
}
