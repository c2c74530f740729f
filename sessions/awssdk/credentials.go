package awssdk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go"
)

// metadataService provides the credentials of an instance's role, and its region. It is tried once: where no host answers at its address,
// the SDK's three tries and the waits between them take five seconds, one try takes up to a second.
type metadataService struct{ *imds.Client }

// configure creates the client. The configuration that it needs is known only after loading.
func (m *metadataService) configure(cfg aws.Config) {
	m.Client = imds.NewFromConfig(cfg, func(o *imds.Options) { o.Retryer = aws.NopRetryer{} })
}

// region returns the instance's region; "" if there is no instance, or it does not say.
func (m *metadataService) region(ctx context.Context) string {
	found, err := m.GetRegion(ctx, nil)
	if err != nil {
		return ""
	}
	return found.Region
}

// source is where a profile's credentials come from.
type source struct {
	profile string
	process string // its credential_process
	login   string // the command that logs in: "" if the profile has no login
}

// checkedCredentials marks a failure to find credentials.
type checkedCredentials struct {
	aws.CredentialsProvider
	source source
}

func (c checkedCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return found, &CredentialsError{err, c.source}
	}
	return found, nil
}

// CredentialsError is a failure to find credentials. Its text has one line, with the cause and the remedy.
type CredentialsError struct {
	err    error
	source source
}

const setCredentials = "set AWS_PROFILE or AWS_ACCESS_KEY_ID, or run on an instance with a role"

func (e *CredentialsError) Error() string {
	if errors.Is(e.err, context.Canceled) {
		return "cancelled while looking for credentials"
	}
	return "no credentials: " + e.reason()
}

func (e *CredentialsError) reason() string {
	var op *smithy.OperationError
	var process *processcreds.ProviderError
	switch called := errors.As(e.err, &op); {
	case called && op.ServiceID == "ec2imds":
		return e.metadata() // the instance's metadata service comes last: no other source has any
	case errors.As(e.err, &process):
		return fmt.Sprintf("the credential_process of profile %s failed: %s: run it by hand: %s", e.source.profile, Cause(process.Err), OneLine(e.source.process))
	case e.source.login != "" && e.loggedOut():
		return fmt.Sprintf("profile %s is not logged in: run \"%s --profile %[1]s\"", e.source.profile, e.source.login)
	case called:
		return fmt.Sprintf("%s: %s", op.OperationName, Cause(op.Err)) // of STS or SSO, for a profile
	case e.role() != "":
		return e.role()
	}
	return Cause(e.err) + ": " + setCredentials
}

// loggedOut reports whether a failure is one of the login, and not of the network or of a role.
func (e *CredentialsError) loggedOut() bool {
	var network *net.OpError
	var op *smithy.OperationError
	sts := errors.As(e.err, &op) && op.ServiceID == "STS" && Status(e.err) > 0
	return !errors.As(e.err, &network) && !sts && Status(e.err) < 500
}

// metadata returns why the instance's metadata service gave none.
func (e *CredentialsError) metadata() string {
	var timeout interface{ Timeout() bool }
	switch status := Status(e.err); {
	case status == http.StatusNotFound:
		return "this instance has no role: attach an instance profile to it"
	case status == http.StatusForbidden:
		return "the instance's metadata service is off: turn it on with \"aws ec2 modify-instance-metadata-options --http-endpoint enabled\""
	case status > 0:
		return fmt.Sprintf("the instance's metadata service answered with HTTP status %d", status)
	case errors.As(e.err, &timeout) && timeout.Timeout():
		return setCredentials + " (in a container on one, its metadata service wants a hop limit of 2)"
	}
	return setCredentials
}

// role returns why EC2 gave no credentials of the instance's role, as its metadata service says; "" if it does not.
func (e *CredentialsError) role() string {
	var api *smithy.GenericAPIError
	if !errors.As(e.err, &api) {
		return ""
	}
	said, _, _ := strings.Cut(OneLine(api.Message), ". ")
	remedy := "see the role's instance profile"
	if strings.Contains(api.Code, "AssumeRole") {
		remedy = "let ec2.amazonaws.com assume it in its trust policy"
	}
	return fmt.Sprintf("%s: %s: %s", api.Code, said, remedy)
}

func (e *CredentialsError) Unwrap() error { return e.err }
