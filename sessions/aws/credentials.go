package aws

import (
	"context"
	"errors"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go"
)

// metadataService is where an instance finds the credentials of its role. It is asked once: where nothing answers at its
// address, the SDK's three tries with waits in between take five seconds, one takes half a second to one.
type metadataService struct{ *imds.Client }

// configure makes the client, of the configuration that is only known when all of it is loaded.
func (m *metadataService) configure(base sdk.Config) {
	m.Client = imds.NewFromConfig(base, func(o *imds.Options) { o.Retryer = sdk.NopRetryer{} })
}

// checkedCredentials tells a failure to find credentials from all others.
type checkedCredentials struct{ sdk.CredentialsProvider }

func (c checkedCredentials) Retrieve(ctx context.Context) (sdk.Credentials, error) {
	found, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return found, &credentialsError{err}
	}
	return found, nil
}

// credentialsError is a failure to find credentials, in one line.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string {
	const set = "set AWS_PROFILE or AWS_ACCESS_KEY_ID, or run on an instance with a role"
	var op *smithy.OperationError
	switch {
	case errors.Is(e.err, context.Canceled):
		return "cancelled while credentials were looked for"
	case !errors.As(e.err, &op):
		return fmt.Sprintf("no credentials: %s: %s", cause(e.err), set)
	case op.ServiceID == "ec2imds":
		return "no credentials: " + set // the instance's metadata service comes last: there are none anywhere
	}
	return fmt.Sprintf("no credentials: %s: %s", op.OperationName, cause(op.Err)) // of STS or SSO, for a profile
}

func (e *credentialsError) Unwrap() error { return e.err }
