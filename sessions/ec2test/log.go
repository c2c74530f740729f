package ec2test

import (
	"maps"
	"net/url"
	"slices"
)

// Mutation is a call that changes something, or would.
type Mutation struct {
	Action string
	ID     string // of what it was about, if it was found
	Code   string // of the error; "" if the call took effect
	DryRun bool
	Body   string // the form
}

// Param returns a parameter of the call, such as SessionNumber.
func (m Mutation) Param(key string) string {
	form, _ := url.ParseQuery(m.Body) // it was parsed before
	return form.Get(key)
}

// Calls returns how many calls there were of each action, also those that failed.
func (s *Server) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// Mutations returns all calls that change something, or would, in their order.
func (s *Server) Mutations() []Mutation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mutations)
}

// ForgetCalls empties the log, and counts from 0.
func (s *Server) ForgetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mutations = nil
	clear(s.calls)
}
