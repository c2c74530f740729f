package aws

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/awssdk"
)

// explain turns the SDK's error of a call into a *sessions.APIError. It returns other errors, and nil, unchanged.
func (c *Client) explain(err error) error {
	var op *smithy.OperationError
	if !errors.As(err, &op) {
		return err
	}
	e := &sessions.APIError{Action: op.OperationName, Class: classOf(err), Err: err}
	if api := awssdk.Answer(err); api != nil {
		e.Code, e.Message = api.ErrorCode(), messageFor(e.Class, api.ErrorMessage(), tries(err))
		return e
	}
	var credentials *awssdk.CredentialsError
	switch {
	case errors.As(err, &credentials):
		e.Message = credentials.Error()
	case errors.Is(err, context.Canceled):
		e.Message = "cancelled before there was an answer"
	default:
		e.Message = fmt.Sprintf("no answer from %s %s after %s: %s", op.ServiceID, c.place, tries(err), awssdk.Cause(op.Err))
	}
	return e
}

// classOf returns the class of the error of an attempt or a call.
func classOf(err error) sessions.Class {
	api := awssdk.Answer(err)
	if api == nil {
		return sessions.Unreachable
	}
	class := classOfCode(api.ErrorCode())
	if class == sessions.Other && awssdk.Status(err) >= 500 {
		return sessions.Unreachable // a failure of AWS, which a person cannot fix
	}
	return class
}

// tries returns the number of attempts with its noun.
func tries(err error) string {
	var tired *retry.MaxAttemptsError
	if errors.As(err, &tired) && tired.Attempt > 1 {
		return fmt.Sprintf("%d tries", tired.Attempt)
	}
	return "1 try"
}

// messageFor returns the message of an answer for people.
func messageFor(class sessions.Class, message, tries string) string {
	message = awssdk.OneLine(message)
	switch class {
	case sessions.Denied:
		const advice = `not allowed; the least policy is printed by "mirrorsink sessions iam-policy"`
		if message = denial(message); message != "" {
			return advice + ". AWS says: " + message
		}
		return advice
	case sessions.Throttled:
		return fmt.Sprintf("too many calls in this account, still refused after %s; try again later", tries)
	case sessions.Unreachable:
		if strings.HasSuffix(tries, "tries") {
			return fmt.Sprintf("%s (after %s)", message, tries)
		}
		return fmt.Sprintf("%s: sign in again, or check AWS_PROFILE and the clock", strings.TrimSuffix(message, "."))
	case sessions.Other, sessions.NotFound, sessions.Exists, sessions.InUse, sessions.WouldSucceed, sessions.Limit:
	}
	return message
}

// denial returns the part of EC2's message that names the caller and the missing permission. It removes the constant first sentence and the
// encoded part, a thousand characters that only sts:DecodeAuthorizationMessage can read.
func denial(message string) string {
	message, _, _ = strings.Cut(message, "Encoded authorization failure message:")
	message = strings.TrimPrefix(message, "You are not authorized to perform this operation.")
	return strings.TrimSpace(message)
}
