// Package sessions manages EC2's traffic mirroring as desired state. Compare derives the plan that brings an account to the state of a
// spec, Apply makes the plan's changes, NewInventory lists which interface is behind each mirror session.
//
// Everything but Apply and Prober is a pure function of its arguments; the AWS SDK is in sessions/aws. A resource without the spec's owner
// in its tags is never changed.
package sessions

import (
	"context"
	"errors"
	"fmt"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// Reader reads the state of an account: every page of it. The caller owns the state. It is safe for concurrent use.
type Reader interface {
	Read(ctx context.Context) (*account.State, error)
}

// Changer makes one change. It retries where that helps: after throttling, 5xx, and lost replies. It returns the ID of the changed
// resource, which is new after Create. The error is an *APIError if EC2 answered with one. It is safe for concurrent use.
type Changer interface {
	Change(ctx context.Context, c *Change, how Call) (id string, err error)
	// Rules returns the rules of a filter.
	Rules(ctx context.Context, filter string) ([]account.Rule, error)
}

// Call holds the options of a change.
type Call struct {
	Token  string // ClientToken: creations with the same token create one resource
	DryRun bool   // only ask whether the call is permitted; if so, the error is an *APIError of class WouldSucceed
	Recent bool   // the change depends on one made a moment ago, which EC2 may not know everywhere yet: NotFound and InUse are retried
}

// Class sorts error codes by what to do about them.
type Class uint8

// Classes.
const (
	Other        Class = iota // needs a person
	NotFound                  // the resource, or one that the call refers to, does not exist
	Exists                    // the resource exists already
	InUse                     // others refer to the resource
	Throttled                 // too many calls, after all retries
	Denied                    // no permission
	WouldSucceed              // the answer to DryRun
	Limit                     // a quota
	Unreachable               // no answer: credentials, region, network
	numClasses
)

var classNames = [numClasses]string{
	Other: "other", NotFound: "not_found", Exists: "exists", InUse: "in_use", Throttled: "throttled", Denied: "denied",
	WouldSucceed: "would_succeed", Limit: "limit", Unreachable: "unreachable",
}

// String returns the class as metrics show it.
func (c Class) String() string { return classNames[c] }

// APIError is EC2's error answer to a call, or the lack of an answer.
type APIError struct {
	Action  string // of the API, such as CreateTrafficMirrorSession
	Code    string // as EC2 spells it; "" if there was no answer
	Message string // one line
	Class   Class
	Err     error // the SDK's
}

func (e *APIError) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("%s: %s", e.Action, e.Message)
	}
	return fmt.Sprintf("%s: %s: %s", e.Action, e.Code, e.Message)
}

func (e *APIError) Unwrap() error { return e.Err }

// ClassOf returns the class of an error, Other if it is not the API's.
func ClassOf(err error) Class {
	var api *APIError
	if errors.As(err, &api) {
		return api.Class
	}
	return Other
}
