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

// Reader reads what there is: every page of it. The state is the caller's. It is safe for concurrent use.
type Reader interface {
	Read(ctx context.Context) (*account.State, error)
}

// Changer makes one change. It tries again by itself where that helps (throttling, 5xx, lost replies), and returns the ID of
// what it changed, which for Create is new. An error is an *APIError where EC2 said so. It is safe for concurrent use.
type Changer interface {
	Change(ctx context.Context, c *Change, how Call) (id string, err error)
	// Rules returns the rules of a filter.
	Rules(ctx context.Context, filter string) ([]account.Rule, error)
}

// Call says how a change is made.
type Call struct {
	Token   string // ClientToken: a repeated creation with the same one is the same resource
	DryRun  bool   // only ask whether it would be allowed; the answer yes is an *APIError of class WouldSucceed
	Settled bool   // false: the change depends on one made a moment ago that EC2 may not know everywhere yet, so NotFound and InUse are tried again
}

// Class sorts error codes by what is to be done about them.
type Class uint8

// Classes.
const (
	Other        Class = iota // needs a person
	NotFound                  // what the call is about, or refers to, is not there
	Exists                    // it is there already
	InUse                     // it cannot go while others refer to it
	Throttled                 // too many calls, after all tries
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

// String returns the class's name, as metrics show it.
func (c Class) String() string { return classNames[c] }

// APIError is what EC2 says to a call, or that it says nothing.
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
