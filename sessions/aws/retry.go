package aws

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/sessions/awssdk"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/mirrorsink/mirrorsink/sessions"
)

// newRetryer returns a retryer that retries after throttling, 5xx and lost replies. A repeated call has the same ClientToken. The SDK's
// retry budget for all calls together is off: it would end a large plan within a minute of throttling, and the limit on attempts with
// growing waits already bounds the load.
func newRetryer(attempts int, backoff time.Duration) *retry.Standard {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff, o.RateLimiter = attempts, backoff, ratelimit.None
		o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(ownRule)}, o.Retryables...)
	})
}

// ownRule precedes the SDK's rules. A search for credentials has its own retries. A reply that ends within its body counts as lost, which
// the SDK treats otherwise.
func ownRule(err error) sdk.Ternary {
	var credentials *awssdk.CredentialsError
	switch {
	case errors.As(err, &credentials):
		return sdk.FalseTernary
	case errors.Is(err, io.ErrUnexpectedEOF):
		return sdk.TrueTernary
	}
	return sdk.UnknownTernary
}

// EC2 knows a new resource everywhere within seconds. Eleven attempts, with waits that grow from half a second to four, take up to half a
// minute.
const (
	patientAttempts = 11
	firstPatience   = 500 * time.Millisecond
	longestPatience = 4 * time.Second
)

// patientRetryer also retries errors that occur while EC2 does not know a recent change everywhere.
type patientRetryer struct {
	*retry.Standard
	backoff time.Duration                  // at most
	passing func(api smithy.APIError) bool // reports whether an error may disappear in a moment
}

// patience returns the retryer of a change that depends on a recent one. A deletion is not retried if the resource does not exist.
func (c *Client) patience(op sessions.Op) patientRetryer {
	if op == sessions.Delete {
		return patientRetryer{c.retryer, c.backoff, inUse}
	}
	return patientRetryer{c.retryer, c.backoff, unmade}
}

func (r patientRetryer) MaxAttempts() int { return max(r.Standard.MaxAttempts(), patientAttempts) }

func (r patientRetryer) IsErrorRetryable(err error) bool {
	return r.passes(err) || r.Standard.IsErrorRetryable(err)
}

func (r patientRetryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	if !r.passes(err) {
		return r.Standard.RetryDelay(attempt, err)
	}
	wait := min(firstPatience<<min(attempt-1, 8), longestPatience, r.backoff)
	return wait/2 + rand.N(wait/2+1), nil
}

func (r patientRetryer) passes(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && r.passing(api)
}

// unmade reports whether a mirror resource was not found: it may have been created a moment ago. An interface that is not found is gone,
// since we create none.
func unmade(api smithy.APIError) bool {
	return classOfCode(api.ErrorCode()) == sessions.NotFound && strings.HasPrefix(api.ErrorCode(), "InvalidTrafficMirror")
}

// inUse reports whether another resource refers to the deleted one: it may have been deleted a moment ago.
func inUse(api smithy.APIError) bool { return classOfCode(api.ErrorCode()) == sessions.InUse }
