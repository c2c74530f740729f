package aws

import (
	"context"

	"github.com/aws/smithy-go/middleware"
)

// OnCall is told of every try of every call: the action, such as CreateTrafficMirrorSession, and what came of it, which is "ok"
// or the name of a sessions.Class. It is called from many goroutines at once.
type OnCall func(action, outcome string)

// ID names the SDK's step in which OnCall is told.
func (OnCall) ID() string { return "mirrorsink.OnCall" }

// HandleFinalize passes a try on and tells what came of it.
func (f OnCall) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	out, meta, err := next.HandleFinalize(ctx, in)
	outcome := "ok"
	if err != nil {
		outcome = classOf(err).String()
	}
	f(middleware.GetOperationName(ctx), outcome)
	return out, meta, err
}
