package aws

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/awssdk"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/mirrorsink/mirrorsink/sessions"
)

// newRetryer tries again after throttling, 5xx and lost replies; what is repeated carries the same ClientToken. The SDK's
// budget of retries for all calls together is off: it would end a large plan in a minute in which EC2 throttles, and the
// number of tries and the growing waits bound the load already.
func newRetryer(attempts int, backoff time.Duration) *retry.Standard {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff, o.RateLimiter = attempts, backoff, ratelimit.None
		o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(ownRule)}, o.Retryables...)
	})
}

// ownRule is asked before the SDK's. A search for credentials has its own tries, and a reply that breaks off in its body is as
// lost as one that never came, which the SDK sees otherwise.
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

// Something that was made a moment ago is known everywhere within seconds. Eleven tries, with waits that grow from half a
// second to four, last up to half a minute.
const (
	patientAttempts = 11
	firstPatience   = 500 * time.Millisecond
	longestPatience = 4 * time.Second
)

// patientRetryer also tries again where EC2 may not know everywhere yet what was done a moment ago.
type patientRetryer struct {
	*retry.Standard
	backoff time.Duration                  // at most
	passing func(api smithy.APIError) bool // reports whether an error may be over in a moment
}

// patience is how a change is tried again that depends on what was done a moment ago. What is to be deleted and is not there is
// gone as it should be.
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

// unmade reports whether a mirror resource was not found: it may just have been made. An interface is nothing that we make; if
// it is not there it is gone.
func unmade(api smithy.APIError) bool {
	return classOfCode(api.ErrorCode()) == sessions.NotFound && strings.HasPrefix(api.ErrorCode(), "InvalidTrafficMirror")
}

// inUse reports whether something else refers to what is to be deleted: that may just have gone itself.
func inUse(api smithy.APIError) bool { return classOfCode(api.ErrorCode()) == sessions.InUse }
