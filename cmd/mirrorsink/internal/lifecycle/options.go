// Package lifecycle ends a sink in step with its Auto Scaling group: it watches the instance's metadata service, and when the instance is to
// be terminated it lets the sink drain, keeps the group waiting, and completes the lifecycle hook once everything is written.
//
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/retrieving-target-lifecycle-state-through-imds.html
package lifecycle

import (
	"time"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

// Options are the flags.
type Options struct {
	Hook string // the lifecycle hook for terminating instances; "" watches nothing
}

// AddTo adds the flags.
func (o *Options) AddTo(f *pflag.FlagSet) {
	flags.In(f, flags.AWS).String(&o.Hook, "lifecycle", "HOOK", "when the Auto Scaling group terminates this instance, drain, write everything, and complete this lifecycle hook")
}

// Times are how long the parts of an end take.
type Times struct {
	Drain    time.Duration // how long to go on receiving
	Given    bool          // Drain was chosen by a person; otherwise it is what the hook's timeout leaves
	Deadline time.Duration // how long writing may take
}

// margin is what the calls to AWS and the looks at the metadata service take of a hook's timeout.
const margin = 3 * every

// drain returns how long to go on receiving for a hook's timeout: all but what writing takes, and half of a short one.
func (t Times) drain(timeout time.Duration) time.Duration {
	if t.Given {
		return t.Drain
	}
	return max(timeout-t.Deadline-margin, timeout/2)
}

// drainUntil returns how long to go on receiving if the instance is gone at a time.
func (t Times) drainUntil(end time.Time) time.Duration {
	left := time.Until(end) - t.Deadline - margin
	if t.Given {
		left = min(left, t.Drain)
	}
	return max(left, 0)
}
