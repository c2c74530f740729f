// Package aws is the outputs that AWS receives: finished files go to S3, lines go to CloudWatch Logs. Both stand in a folder
// on the local disk, the spool, until AWS has said that it has them: an outage costs disk, up to a bound, and then the oldest
// files, which are counted. What is written into files and lines is others' business; the SDK's types and errors do not leave.
package aws

import (
	"cmp"
	"context"
	"time"

	"github.com/mirrorsink/mirrorsink/sessions/awssdk"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Config says how patiently AWS is talked to. Whose account, which region and which endpoints is found where all of AWS's tools
// look: the AWS_ variables, ~/.aws, the instance's role.
type Config struct {
	Timeout time.Duration // of one try of one call; 0 is a minute
	Backoff Backoff
}

// Backoff is how long an output waits between two tries when nothing can be delivered.
type Backoff struct {
	First   time.Duration // after the first failure, doubled after each further one; 0 is half a second
	Longest time.Duration // at most; 0 is 30 s
	Slow    time.Duration // where trying again does not help before a person has acted, as without permission; 0 is a minute
	GiveUp  time.Duration // a Close ends when nothing could be delivered for so long; 0 is a minute
}

// A call is tried a few times by the SDK, which knows how to wait for a throttled service; what is left is the sender's to
// wait for. A part of eight megabytes that takes longer than a minute is on a connection that is dead.
const (
	attempts       = 3
	defaultTimeout = time.Minute
	defaultFirst   = 500 * time.Millisecond
	defaultLongest = 30 * time.Second
	defaultSlow    = time.Minute
	defaultGiveUp  = time.Minute
)

// Client holds what the outputs need to talk to AWS. It is safe for concurrent use.
type Client struct {
	s3      *s3.Client
	logs    *cloudwatchlogs.Client
	region  string
	backoff Backoff
}

// Open finds region and credentials and returns a client; nothing is asked of S3 or CloudWatch Logs yet. Errors are of one
// line, and say what to set.
func Open(ctx context.Context, cfg Config) (*Client, error) {
	base, err := awssdk.Load(ctx, awssdk.Options{HTTP: awshttp.NewBuildableClient().WithTimeout(cmp.Or(cfg.Timeout, defaultTimeout))})
	if err != nil {
		return nil, err
	}
	return newClient(cfg, base), nil
}

func newClient(cfg Config, base sdk.Config) *Client {
	wait := Backoff{
		First:   cmp.Or(cfg.Backoff.First, defaultFirst),
		Longest: cmp.Or(cfg.Backoff.Longest, defaultLongest),
		Slow:    cmp.Or(cfg.Backoff.Slow, defaultSlow),
		GiveUp:  cmp.Or(cfg.Backoff.GiveUp, defaultGiveUp),
	}
	retryer := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff, o.RateLimiter = attempts, wait.First, ratelimit.None // the sender's back-off bounds the load
	})
	base.RetryMaxAttempts = 0 // the retryer has it
	base.Retryer = func() sdk.Retryer { return retryer }
	return &Client{
		s3: s3.NewFromConfig(base, func(o *s3.Options) {
			// A server at an address of its own seldom has a DNS name for every bucket.
			o.UsePathStyle = o.BaseEndpoint != nil
		}),
		logs:    cloudwatchlogs.NewFromConfig(base),
		region:  base.Region,
		backoff: wait,
	}
}
