package awssdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/assert"
)

// response is the error of an answer with an HTTP status.
func response(status int, err error) error {
	return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: err}
}

func TestCause(t *testing.T) {
	for want, err := range map[string]error{
		"no such host ec2.x.amazonaws.com: check the region": &net.DNSError{Name: "ec2.x.amazonaws.com", IsNotFound: true},
		"connection refused": &net.OpError{Op: "dial", Err: fmt.Errorf("dial: %w", syscall.ECONNREFUSED)},
		"the connection was closed before the answer was whole": fmt.Errorf("read: %w", io.ErrUnexpectedEOF),
		"timeout":         fmt.Errorf("call: %w", context.DeadlineExceeded),
		"HTTP status 502": response(502, errors.New("deserialization failed")),
		"the last reason": fmt.Errorf("a: %w", fmt.Errorf("b: %w", errors.New("the\n last  reason"))),
	} {
		assert.Equal(t, want, Cause(err))
	}
}

func TestAnswer(t *testing.T) {
	api := &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}
	assert.Equal(t, "AccessDenied", Answer(fmt.Errorf("call: %w", api)).ErrorCode())
	assert.Nil(t, Answer(&smithy.GenericAPIError{Code: "UnknownError"}), "a proxy's page")
	assert.Nil(t, Answer(&CredentialsError{api}), "another service's answer")
	assert.Nil(t, Answer(errors.New("x")))
	assert.Equal(t, 403, Status(fmt.Errorf("call: %w", response(403, api))))
	assert.Zero(t, Status(api))
}

func TestCredentialsError(t *testing.T) {
	const set = ": set AWS_PROFILE or AWS_ACCESS_KEY_ID, or run on an instance with a role"
	for want, err := range map[string]error{
		"cancelled while looking for credentials":     fmt.Errorf("x: %w", context.Canceled),
		"no credentials: exit status 1" + set:         errors.New("exit status 1"),
		"no credentials" + set:                        &smithy.OperationError{ServiceID: "ec2imds", OperationName: "GetToken", Err: errors.New("x")},
		"no credentials: AssumeRole: HTTP status 403": &smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRole", Err: response(403, errors.New("x"))},
	} {
		assert.EqualError(t, &CredentialsError{err}, want)
		assert.ErrorIs(t, &CredentialsError{err}, err)
	}
}
