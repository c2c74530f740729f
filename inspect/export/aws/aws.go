// Package aws delivers to AWS: finished files to S3, lines to CloudWatch Logs, counters to CloudWatch. Files and lines wait in the spool, a folder on the local disk,
// until AWS has confirmed that it has them. During an outage the spool grows to a bound. Past the bound the oldest files are dropped
// and counted. The package does not know the contents of files and lines. The SDK's types and errors are not part of its API.
package aws

import (
	"cmp"
	"context"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/sessions/awssdk"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Config sets timeouts and delays. Account, region and endpoints are found where all of AWS's tools find them: in the AWS_ variables,
// in ~/.aws, in the instance's role.
type Config struct {
	Timeout time.Duration // of one attempt of one call; 0 is a minute
	Backoff spool.Backoff
}

// The SDK retries a call a few times, with delays for a throttled service. All further retries are the sender's. A part of eight
// megabytes takes more than a minute only on a dead connection.
const (
	attempts       = 3
	defaultTimeout = time.Minute
)

// Client holds the connections of all outputs to AWS. It is safe for concurrent use.
type Client struct {
	s3      *s3.Client
	logs    *cloudwatchlogs.Client
	metrics *cloudwatch.Client
	region  string
	backoff spool.Backoff
}

// Open finds region and credentials and returns a client. It does not call S3 or CloudWatch Logs. Errors have one line, which names
// the setting to change.
func Open(ctx context.Context, cfg Config) (*Client, error) {
	base, err := awssdk.Load(ctx, awssdk.Options{HTTP: awshttp.NewBuildableClient().WithTimeout(cmp.Or(cfg.Timeout, defaultTimeout))})
	if err != nil {
		return nil, err
	}
	return newClient(cfg, base), nil
}

func newClient(cfg Config, base sdk.Config) *Client {
	wait := cfg.Backoff.OrDefaults()
	retryer := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff, o.RateLimiter = attempts, wait.First, ratelimit.None // the sender's backoff bounds the load
	})
	base.RetryMaxAttempts = 0 // the retryer has it
	base.Retryer = func() sdk.Retryer { return retryer }
	return &Client{
		s3: s3.NewFromConfig(base, func(o *s3.Options) {
			// A server at a configured address rarely has a DNS name for each bucket.
			o.UsePathStyle = o.BaseEndpoint != nil
		}),
		logs:    cloudwatchlogs.NewFromConfig(base),
		metrics: cloudwatch.NewFromConfig(base),
		region:  base.Region,
		backoff: wait,
	}
}
