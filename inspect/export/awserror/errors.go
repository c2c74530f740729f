// Package awserror turns errors of the AWS SDK into failures of deliveries: one line, with the remedy where it is known.
package awserror

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/sessions/awssdk"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Explain turns an error of the SDK or of the local disk into a failure. It returns failures and nil unchanged. region is where the call
// went.
func Explain(err error, region string) error {
	var known *spool.Failure
	if err == nil || errors.As(err, &known) {
		return err
	}
	var op *smithy.OperationError
	var credentials *awssdk.CredentialsError
	switch api := awssdk.Answer(err); {
	case errors.As(err, &credentials):
		return &spool.Failure{Class: spool.Credentials, Text: credentials.Error(), Err: err}
	case !errors.As(err, &op):
		return &spool.Failure{Class: spool.Local, Text: awssdk.OneLine(err.Error()), Err: err}
	case api != nil:
		f := OfAnswer(op.OperationName, api.ErrorCode(), api.ErrorMessage(), awssdk.Status(err), region)
		if f.Class == spool.Misplaced {
			f.Text = fmt.Sprintf("%s: %s: %s", op.OperationName, api.ErrorCode(), misplaced(api.ErrorMessage(), region, bucketRegion(err)))
		}
		f.Err = err
		return f
	default:
		class := spool.Unreachable
		if s := awssdk.Status(err); s > 0 {
			class = classOfAnswer("", s)
		}
		return &spool.Failure{Class: class, Text: fmt.Sprintf("%s: no answer: %s", op.OperationName, awssdk.Cause(op.Err)), Err: err}
	}
}

// OfAnswer returns what a service answered to an operation as a failure.
func OfAnswer(operation, code, message string, status int, region string) *spool.Failure {
	class := classOfAnswer(code, status)
	return &spool.Failure{Class: class, Text: fmt.Sprintf("%s: %s: %s", operation, code, advice(class, message, region))}
}

// advice returns the service's message, with the remedy where it is known.
func advice(class spool.Class, message, region string) string {
	message = strings.TrimSuffix(awssdk.OneLine(message), ".")
	switch class {
	case spool.Denied:
		return withMessage("not allowed: 'mirrorsink help delivery' lists the least permissions", message)
	case spool.Misplaced:
		return misplaced(message, region, "")
	case spool.Credentials:
		return message + ": check AWS_PROFILE, the role and the clock"
	case spool.Missing:
		return fmt.Sprintf("%s: create it, or check the name and AWS_REGION, which is %s", message, region)
	case spool.Unreachable, spool.Throttled, spool.Fault, spool.Lost, spool.Refused, spool.Local, spool.Classes:
	}
	return message
}

// misplaced returns the advice for a bucket that is in another region, if it is known, than the one that was asked.
func misplaced(message, region, of string) string {
	if of != "" {
		return fmt.Sprintf("the bucket is in %s and AWS_REGION is %s: set AWS_REGION to the bucket's region", of, region)
	}
	message = strings.TrimSuffix(awssdk.OneLine(message), ".")
	return withMessage(fmt.Sprintf("the bucket is not in %s: set AWS_REGION to its region", region), message)
}

func withMessage(advice, message string) string {
	if message == "" {
		return advice
	}
	return advice + ". AWS answered: " + message
}

// Is reports whether the service answered with this code.
func Is(err error, code string) bool {
	api := awssdk.Answer(err)
	return api != nil && api.ErrorCode() == code
}

// bucketRegion returns the bucket's region from an answer of S3; "" if there is none.
func bucketRegion(err error) string {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		return response.Response.Header.Get("X-Amz-Bucket-Region")
	}
	return ""
}
