package aws

import (
	"context"
	"io"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// plainBody hides the WriteTo method of a request's body from net/http. The SDK closes the body as soon as an answer begins. WriteTo of a
// closed body returns io.EOF, which net/http takes for a broken connection: it closes the connection, and an answer of more than a few
// kilobytes is truncated. This happens where answers come at once, as on loopback. If net/http only reads the body, io.EOF is its end.
type plainBody struct{}

// ID returns the name of the SDK's middleware.
func (plainBody) ID() string { return "mirrorsink.plainBody" }

// HandleBuild replaces the body of the request.
func (plainBody) HandleBuild(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
	if request, ok := in.Request.(*smithyhttp.Request); ok {
		if body, ok := request.GetStream().(io.ReadSeeker); ok {
			plain, err := request.SetStream(struct{ io.ReadSeeker }{body})
			if err != nil {
				return middleware.BuildOutput{}, middleware.Metadata{}, err
			}
			in.Request = plain
		}
	}
	return next.HandleBuild(ctx, in)
}
