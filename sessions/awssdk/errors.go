package awssdk

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// noCode is the code that the SDK gives an answer without a code that it understands, such as a proxy's page.
const noCode = "UnknownError"

// Answer returns the error that the called service answered with, or nil if there was no answer. A failure to find credentials is no
// answer, though its chain may hold another service's.
func Answer(err error) smithy.APIError {
	var credentials *CredentialsError
	var api smithy.APIError
	if errors.As(err, &credentials) || !errors.As(err, &api) || api.ErrorCode() == noCode {
		return nil
	}
	return api
}

// Status returns the HTTP status of the answer, or 0.
func Status(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// Cause returns the innermost reason of a failure, in one line.
func Cause(err error) string {
	var host *net.DNSError
	var number syscall.Errno
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &host) && host.IsNotFound:
		return fmt.Sprintf("no such host %s: check the region", host.Name)
	case errors.As(err, &number):
		return number.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the answer was whole"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case Status(err) >= 300:
		return fmt.Sprintf("HTTP status %d", Status(err))
	}
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return OneLine(err.Error())
}

// OneLine returns a text with each run of spaces and line ends replaced by one space.
func OneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
