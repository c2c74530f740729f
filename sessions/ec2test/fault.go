package ec2test

import (
	"math/rand/v2"
	"slices"
)

// Fault is what goes wrong with a call. The zero value is nothing.
type Fault struct {
	Code, Message string // answered in place of doing the call
	Status        int    // HTTP status of that; 0 for the one that EC2 has for the code
	Unheard       bool   // the connection is closed and nothing is done
	Lost          bool   // the call takes effect, and the connection is closed without an answer
}

// Throttled is EC2's answer to too many calls.
func Throttled() Fault {
	return Fault{Code: "RequestLimitExceeded", Message: "Request limit exceeded."}
}

// Internal is an error of EC2's own.
func Internal() Fault { return Fault{Code: "InternalError", Message: "An internal error has occurred"} }

// Refused is an answer of a given code.
func Refused(code, message string) Fault { return Fault{Code: code, Message: message} }

// LostReply lets the call take effect, but nobody hears of it.
func LostReply() Fault { return Fault{Lost: true} }

// Always is a number of calls that never ends.
const Always = -1

// faultRule says which calls a fault befalls.
type faultRule struct {
	fault    Fault
	actions  []string // none for all
	mutating bool     // only calls that change something
	skip     int      // this many of them pass first
	left     int      // then this many fail
	random   *rand.Rand
	fraction float64
}

// befalls reports whether a call fails, and counts it.
func (r *faultRule) befalls(action string, mutating bool) bool {
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

// FailNext lets the next n calls fail, or Always; only calls of the given actions if there are any.
func (s *Server) FailNext(f Fault, n int, actions ...string) {
	s.addFault(&faultRule{fault: f, left: n, actions: actions})
}

// FailSome lets a fraction of all calls fail from now on, chosen by a generator of that seed; only calls of the given actions
// if there are any.
func (s *Server) FailSome(f Fault, fraction float64, seed uint64, actions ...string) {
	s.addFault(&faultRule{fault: f, left: Always, actions: actions, fraction: fraction, random: rand.New(rand.NewPCG(seed, 0))})
}

// FailMutation lets the kth of the calls that change something fail, from 1 on, counted from now. Dry runs do not count.
func (s *Server) FailMutation(k int, f Fault) {
	s.addFault(&faultRule{fault: f, mutating: true, skip: k - 1, left: 1})
}

// Hook is asked before each call, with its action and how many of that action there have been, this one included. It may
// use the server. There is one hook; nil takes it away.
func (s *Server) Hook(hook func(action string, n int) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook
}

// ClearFaults takes away all faults and the hook.
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

// Permit takes back Deny.
func (s *Server) Permit(actions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range actions {
		delete(s.denied, a)
	}
}

// Delay hides what is created from now on from the n calls that follow the creation, or Always: they do not find it, as
// happens for a moment in an eventually consistent system. 0 ends that for what is created later.
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

// faultOf decides what goes wrong with a call. The lock is held, but not while the hook is asked.
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
		if r.befalls(action, mutating) {
			return r.fault
		}
	}
	return Fault{}
}
