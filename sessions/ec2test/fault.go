package ec2test

import (
	"math/rand/v2"
	"slices"
)

// Fault is a failure of a call. The zero value is none.
type Fault struct {
	Code, Message string // of the answer; the call takes no effect
	Status        int    // HTTP status of the answer; 0 for the usual one of the code
	LostRequest   bool   // the connection is closed, and the call takes no effect
	LostReply     bool   // the call takes effect, and the connection is closed without an answer
}

// Throttled is EC2's answer to too many calls.
func Throttled() Fault {
	return Fault{Code: "RequestLimitExceeded", Message: "Request limit exceeded."}
}

// Internal is an internal error of EC2.
func Internal() Fault { return Fault{Code: "InternalError", Message: "An internal error has occurred"} }

// Refused is an answer with a given code.
func Refused(code, message string) Fault { return Fault{Code: code, Message: message} }

// LostReply lets the call take effect and loses the answer.
func LostReply() Fault { return Fault{LostReply: true} }

// Always stands for an unlimited number of calls.
const Always = -1

// faultRule selects the calls that get a fault.
type faultRule struct {
	fault    Fault
	actions  []string // empty for all
	mutating bool     // only calls that change something
	skip     int      // number of calls that pass first
	left     int      // number of calls that then fail
	random   *rand.Rand
	fraction float64
}

// matches reports whether a call fails, and counts it.
func (r *faultRule) matches(action string, mutating bool) bool {
	if r.left == 0 || len(r.actions) > 0 && !slices.Contains(r.actions, action) || r.mutating && !mutating {
		return false
	}
	if r.random != nil && r.random.Float64() >= r.fraction {
		return false
	}
	if r.skip > 0 {
		r.skip--
		return false
	}
	if r.left > 0 {
		r.left--
	}
	return true
}

// FailNext makes the next n calls fail, or all for Always. If actions are given, only calls of these count.
func (s *Server) FailNext(f Fault, n int, actions ...string) {
	s.addFault(&faultRule{fault: f, left: n, actions: actions})
}

// FailSome makes a fraction of all calls fail from now on, chosen by a random generator with the given seed. If actions are given, only
// calls of these fail.
func (s *Server) FailSome(f Fault, fraction float64, seed uint64, actions ...string) {
	s.addFault(&faultRule{fault: f, left: Always, actions: actions, fraction: fraction, random: rand.New(rand.NewPCG(seed, 0))})
}

// FailMutation makes the kth of the following calls that change something fail, counted from 1. Dry runs do not count.
func (s *Server) FailMutation(k int, f Fault) {
	s.addFault(&faultRule{fault: f, mutating: true, skip: k - 1, left: 1})
}

// Hook sets a function that runs before each call. Its arguments are the action and the number of calls of that action, this one included.
// It may use the server. There is one hook; nil removes it.
func (s *Server) Hook(hook func(action string, n int) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook
}

// ClearFaults removes all faults and the hook.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.hook = nil, nil
}

// Deny makes actions unpermitted from now on. A creation with tags needs CreateTags too.
func (s *Server) Deny(actions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range actions {
		s.denied[a] = struct{}{}
	}
}

// Permit undoes Deny.
func (s *Server) Permit(actions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range actions {
		delete(s.denied, a)
	}
}

// Delay hides each resource created from now on from the n calls after its creation, or from all for Always. EC2 does the same for a
// moment, as it is eventually consistent. 0 ends the delay for later creations.
func (s *Server) Delay(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = n
}

// ShowAll makes every created resource visible to the following calls.
func (s *Server) ShowAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store.showAll()
}

func (s *Server) addFault(r *faultRule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, r)
}

// faultOf returns the fault of a call. The caller holds the lock; it is released while the hook runs.
func (s *Server) faultOf(action string, mutating bool) Fault {
	if hook, n := s.hook, s.calls[action]; hook != nil {
		s.mu.Unlock()
		f := hook(action, n)
		s.mu.Lock()
		if f != (Fault{}) {
			return f
		}
	}
	for _, r := range s.faults {
		if r.matches(action, mutating) {
			return r.fault
		}
	}
	return Fault{}
}
