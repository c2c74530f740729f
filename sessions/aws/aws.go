// Package aws implements the interfaces of sessions and sessions/doctor with the AWS SDK. It reads the state of an account and its network
// and makes the changes of a plan. It exports none of the SDK's types; the error of a call is a *sessions.APIError of one line.
package aws

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/mirrorsink/mirrorsink/sessions/awssdk"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/smithy-go/middleware"

	"github.com/mirrorsink/mirrorsink/sessions"
)

// Config selects the account and region, and sets timeouts and retries. Missing settings come from the AWS_ variables, ~/.aws, and the
// instance's role.
type Config struct {
	Region      string        // "" is AWS_REGION's, or the profile's
	Endpoint    string        // URL of EC2 and Elastic Load Balancing, if they are not AWS's own
	Profile     string        // "" is AWS_PROFILE's
	MaxAttempts int           // of one call; 0 is AWS_MAX_ATTEMPTS or 8
	MaxBackoff  time.Duration // longest wait between two attempts; 0 is 20 s
	Timeout     time.Duration // of one attempt; 0 is a minute
	OnCall      OnCall        // called after every attempt; may be nil
	Flags       bool          // the command has --region and --profile, which errors then name
}

// Defaults. With eight attempts and waits of up to 20 s a call survives about half a minute of throttling. A page of a thousand instances
// can take EC2 several seconds, so only a dead connection gives no answer for a minute.
const (
	defaultAttempts = 8
	defaultBackoff  = 20 * time.Second
	defaultTimeout  = time.Minute
)

// idleConnections is the number of idle connections to keep, so that concurrent changes need no new handshakes. The SDK keeps 10.
const idleConnections = 64

// Client calls EC2 and Elastic Load Balancing in one region. It is safe for concurrent use.
type Client struct {
	ec2     *ec2.Client
	elb     *elb.Client
	region  string
	place   string // region or endpoint, for messages
	retryer *retry.Standard
	backoff time.Duration // longest wait between two attempts
}

var (
	_ sessions.Reader  = (*Client)(nil)
	_ sessions.Changer = (*Client)(nil)
)

// Open finds region and credentials and returns a client. It does not call EC2. Errors have one line and name what to set.
func Open(ctx context.Context, cfg Config) (*Client, error) {
	if err := checkEndpoint(cfg.Endpoint); err != nil {
		return nil, err
	}
	base, err := awssdk.Load(ctx, awssdk.Options{HTTP: httpClient(cfg), Region: cfg.Region, Profile: cfg.Profile, Flags: cfg.Flags})
	if err != nil {
		return nil, err
	}
	return newClient(cfg, base), nil
}

func newClient(cfg Config, base sdk.Config) *Client {
	cfg.MaxAttempts = cmp.Or(cfg.MaxAttempts, base.RetryMaxAttempts, defaultAttempts)
	cfg.MaxBackoff = cmp.Or(cfg.MaxBackoff, defaultBackoff)
	retryer := newRetryer(cfg.MaxAttempts, cfg.MaxBackoff)
	base.RetryMaxAttempts = 0 // the retryer has it
	base.Retryer = func() sdk.Retryer { return retryer }
	base.APIOptions = append(base.APIOptions, func(s *middleware.Stack) error { return s.Build.Add(plainBody{}, middleware.Before) })
	if cfg.OnCall != nil {
		base.APIOptions = append(base.APIOptions, func(s *middleware.Stack) error { return s.Finalize.Insert(cfg.OnCall, "Retry", middleware.After) })
	}
	if cfg.Endpoint != "" {
		base.BaseEndpoint = sdk.String(cfg.Endpoint)
	}
	c := &Client{ec2: ec2.NewFromConfig(base), elb: elb.NewFromConfig(base), region: base.Region, retryer: retryer, backoff: cfg.MaxBackoff}
	c.place = "in " + base.Region
	if at := c.ec2.Options().BaseEndpoint; at != nil {
		c.place = "at " + *at
	}
	return c
}

func httpClient(cfg Config) *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTimeout(cmp.Or(cfg.Timeout, defaultTimeout)).WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = idleConnections
	})
}

func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("endpoint %q: want a URL such as http://127.0.0.1:4566", endpoint)
	}
	return nil
}
