package aws

import (
	"context"

	"github.com/aws/smithy-go/middleware"
)

// OnCall is called after every attempt of every call. The action is such as CreateTrafficMirrorSession; the outcome is "ok" or the name of
// a sessions.Class. Calls may be concurrent.
type OnCall func(action, outcome string)

// ID returns the name of the SDK's middleware.
func (OnCall) ID() string { return "mirrorsink.OnCall" }

// HandleFinalize makes an attempt and reports its outcome.
func (f OnCall) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	out, meta, err := next.HandleFinalize(ctx, in)
	outcome := "ok"
	if err != nil {
		outcome = classOf(err).String()
	}
	f(middleware.GetOperationName(ctx), outcome)
	return out, meta, err
}
