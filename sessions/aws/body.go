package aws

import (
	"context"
	"io"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// plainBody hides from net/http that a request's body can write itself. The SDK closes the body as soon as an answer begins,
// and a closed one that is asked to write itself says io.EOF, which net/http takes for a broken connection: it closes it,
// and an answer of more than a few kilobytes breaks off. It happens where answers come at once, as on loopback. Of a body that
// is only read, io.EOF is its end.
type plainBody struct{}

// ID names the SDK's step in which the body is hidden.
func (plainBody) ID() string { return "mirrorsink.plainBody" }

// HandleBuild passes the request on with such a body.
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
