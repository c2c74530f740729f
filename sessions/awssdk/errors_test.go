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

	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
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
	assert.Nil(t, Answer(&CredentialsError{err: api}), "another service's answer")
	assert.Nil(t, Answer(errors.New("x")))
	assert.Equal(t, 403, Status(fmt.Errorf("call: %w", response(403, api))))
	assert.Zero(t, Status(api))
}

func TestCredentialsError(t *testing.T) {
	metadata := func(err error) error {
		return &smithy.OperationError{ServiceID: "ec2imds", OperationName: "GetToken", Err: err}
	}
	role := &smithy.GenericAPIError{Code: "AssumeRoleUnauthorizedAccess", Message: "EC2 cannot assume the role sink. Please see the docs"}
	for _, c := range []struct {
		want string
		err  error
		from source
	}{
		{"no credentials: exit status 1: " + setCredentials, errors.New("exit status 1"), source{}},
		{"no credentials: " + setCredentials, metadata(errors.New("x")), source{}},
		{"no credentials: the instance's metadata service answered with HTTP status 500", metadata(response(500, errors.New("x"))), source{}},
		{"no credentials: AssumeRole: HTTP status 403", &smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRole", Err: response(403, errors.New("x"))}, source{login: "aws sso login"}},
		{`no credentials: the credential_process of profile p failed: exit status 1: run it by hand: /bin/x y`, fmt.Errorf("a: %w", &processcreds.ProviderError{Err: errors.New("exit status 1")}), source{profile: "p", process: "/bin/x\n y"}},
		{`no credentials: profile p is not logged in: run "aws sso login --profile p"`, errors.New("x"), source{profile: "p", login: "aws sso login"}},
		{"no credentials: GetRoleCredentials: connection refused", &smithy.OperationError{ServiceID: "SSO", OperationName: "GetRoleCredentials", Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}, source{profile: "p", login: "aws sso login"}},
		{"no credentials: AssumeRoleUnauthorizedAccess: EC2 cannot assume the role sink: let ec2.amazonaws.com assume it in its trust policy", fmt.Errorf("failed: %w", role), source{}},
	} {
		err := &CredentialsError{c.err, c.from}
		assert.EqualError(t, err, c.want)
		assert.ErrorIs(t, err, c.err)
	}
	assert.EqualError(t, &CredentialsError{fmt.Errorf("x: %w", context.Canceled), source{}}, "cancelled while looking for credentials")
}
