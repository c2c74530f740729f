package aws

import (
	"context"
	"net/http"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
)

// OverHTTP returns a client whose calls go by an HTTP client, which needs no network.
func OverHTTP(cfg Config, client *http.Client) *Client {
	return newClient(cfg, sdk.Config{
		Region: "eu-west-1", HTTPClient: client,
		Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
			return sdk.Credentials{AccessKeyID: "x", SecretAccessKey: "x"}, nil
		}),
	})
}
