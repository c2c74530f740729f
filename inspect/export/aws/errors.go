package aws

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/sessions/awssdk"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// explain turns an error of the SDK or of the local disk into a failure. It returns failures and nil unchanged.
func (c *Client) explain(err error) error {
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
		class := classOfAnswer(api.ErrorCode(), awssdk.Status(err))
		return &spool.Failure{Class: class, Text: fmt.Sprintf("%s: %s: %s", op.OperationName, api.ErrorCode(), c.advice(class, api.ErrorMessage(), err)), Err: err}
	default:
		class := spool.Unreachable
		if s := awssdk.Status(err); s > 0 {
			class = classOfAnswer("", s)
		}
		return &spool.Failure{Class: class, Text: fmt.Sprintf("%s: no answer: %s", op.OperationName, awssdk.Cause(op.Err)), Err: err}
	}
}

// advice returns the service's message, with the remedy where it is known.
func (c *Client) advice(class spool.Class, message string, err error) string {
	message = strings.TrimSuffix(awssdk.OneLine(message), ".")
	switch class {
	case spool.Denied:
		return withMessage("not allowed: 'mirrorsink help delivery' lists the least permissions", message)
	case spool.Misplaced:
		if region := bucketRegion(err); region != "" {
			return fmt.Sprintf("the bucket is in %s and AWS_REGION is %s: set AWS_REGION to the bucket's region", region, c.region)
		}
		return withMessage(fmt.Sprintf("the bucket is not in %s: set AWS_REGION to its region", c.region), message)
	case spool.Credentials:
		return message + ": check AWS_PROFILE, the role and the clock"
	case spool.Missing:
		return fmt.Sprintf("%s: create it, or check the name and AWS_REGION, which is %s", message, c.region)
	case spool.Unreachable, spool.Throttled, spool.Fault, spool.Lost, spool.Refused, spool.Local, spool.Classes:
	}
	return message
}

func withMessage(advice, message string) string {
	if message == "" {
		return advice
	}
	return advice + ". AWS answered: " + message
}

// isAnswer reports whether the service answered with this code.
func isAnswer(err error, code string) bool {
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
