package aws

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"

	"github.com/mirrorsink/mirrorsink/sessions/awssdk"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// failure is the error of a delivery, in one line.
type failure struct {
	class Class
	text  string
	err   error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.err }

// explain turns an error of the SDK or of the local disk into a failure. It returns failures and nil unchanged.
func (c *Client) explain(err error) error {
	var known *failure
	if err == nil || errors.As(err, &known) {
		return err
	}
	var op *smithy.OperationError
	var credentials *awssdk.CredentialsError
	switch api := awssdk.Answer(err); {
	case errors.As(err, &credentials):
		return &failure{Credentials, credentials.Error(), err}
	case !errors.As(err, &op):
		return &failure{Local, awssdk.OneLine(err.Error()), err}
	case api != nil:
		class := classOfAnswer(api.ErrorCode(), awssdk.Status(err))
		return &failure{class, fmt.Sprintf("%s: %s: %s", op.OperationName, api.ErrorCode(), c.advice(class, api.ErrorMessage(), err)), err}
	default:
		class := Unreachable
		if s := awssdk.Status(err); s > 0 {
			class = classOfAnswer("", s)
		}
		return &failure{class, fmt.Sprintf("%s: no answer: %s", op.OperationName, awssdk.Cause(op.Err)), err}
	}
}

// advice returns the service's message, with the remedy where it is known.
func (c *Client) advice(class Class, message string, err error) string {
	message = strings.TrimSuffix(awssdk.OneLine(message), ".")
	switch class {
	case Denied:
		return withMessage("not allowed: 'mirrorsink help delivery' lists the least permissions", message)
	case Misplaced:
		if region := bucketRegion(err); region != "" {
			return fmt.Sprintf("the bucket is in %s and AWS_REGION is %s: set AWS_REGION to the bucket's region", region, c.region)
		}
		return withMessage(fmt.Sprintf("the bucket is not in %s: set AWS_REGION to its region", c.region), message)
	case Credentials:
		return message + ": check AWS_PROFILE, the role and the clock"
	case Missing:
		return fmt.Sprintf("%s: create it, or check the name and AWS_REGION, which is %s", message, c.region)
	case Unreachable, Throttled, Fault, Lost, Refused, Local, Classes:
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

// diskError returns the error of a file or folder as a failure, with the remedy where it is known.
func diskError(what, path string, err error) error {
	advice := ""
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		advice = " (make room, or set a smaller --spool-size)"
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR):
		advice = " (give --spool a folder that this user may write to)"
	}
	return &failure{Local, fmt.Sprintf("%s %s: %s%s", what, path, awssdk.Cause(err), advice), err}
}
