package awssdk

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go"
)

// metadataService provides the credentials of an instance's role. It is tried once: where no host answers at its address, the SDK's three
// tries and the waits between them take five seconds, one try takes up to a second.
type metadataService struct{ *imds.Client }

// configure creates the client. The configuration that it needs is known only after loading.
func (m *metadataService) configure(cfg aws.Config) {
	m.Client = imds.NewFromConfig(cfg, func(o *imds.Options) { o.Retryer = aws.NopRetryer{} })
}

// checkedCredentials marks a failure to find credentials.
type checkedCredentials struct{ aws.CredentialsProvider }

func (c checkedCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return found, &CredentialsError{err}
	}
	return found, nil
}

// CredentialsError is a failure to find credentials. Its text has one line.
type CredentialsError struct{ err error }

func (e *CredentialsError) Error() string {
	const set = "set AWS_PROFILE or AWS_ACCESS_KEY_ID, or run on an instance with a role"
	var op *smithy.OperationError
	switch {
	case errors.Is(e.err, context.Canceled):
		return "cancelled while looking for credentials"
	case !errors.As(e.err, &op):
		return fmt.Sprintf("no credentials: %s: %s", Cause(e.err), set)
	case op.ServiceID == "ec2imds":
		return "no credentials: " + set // the instance's metadata service comes last: no other source has any
	}
	return fmt.Sprintf("no credentials: %s: %s", op.OperationName, Cause(op.Err)) // of STS or SSO, for a profile
}

func (e *CredentialsError) Unwrap() error { return e.err }
