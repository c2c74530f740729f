package ec2test

import (
	"maps"
	"net/url"
	"slices"
)

// Mutation is a call that changes something, or a dry run of one.
type Mutation struct {
	Action string
	ID     string // of the resource, if it was found
	Code   string // of the error; "" if the call took effect
	DryRun bool
	Body   string // the form
}

// Param returns a parameter of the call, such as SessionNumber.
func (m Mutation) Param(key string) string {
	form, _ := url.ParseQuery(m.Body) // it was parsed by the call
	return form.Get(key)
}

// Calls returns the number of calls by action, failed ones included.
func (s *Server) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// Mutations returns all calls that change something, and dry runs of them, in order.
func (s *Server) Mutations() []Mutation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mutations)
}

// ForgetCalls empties the log and resets the counters.
func (s *Server) ForgetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mutations = nil
	clear(s.calls)
}
