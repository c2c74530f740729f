// Package alert finds in the activity of flows what a policy wants to be alerted of, and keeps each fact as one alert: opened once, updated
// while it goes on, resolved when it is over. Time is that of packets; nothing here reads a clock.
package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// Activity is what one flow did since its last activity. The flow was opened from the side of a workload.
type Activity struct {
	At      int64  // Unix nanoseconds: the last packet
	ID      uint64 // of the flow
	Started int64  // Unix nanoseconds: the first packet
	New     bool   // the flow's first activity
	Ended   bool
	Sent    uint64          // payload bytes of the workload since the last activity, without retransmissions
	Total   uint64          // payload bytes of the workload so far
	Partial bool            // bytes of the workload are missing: what it sent is at least Sent
	Record  *flowlog.Record // of the flow so far, for expressions; nil if the policy has none
	Flow    *policy.Flow
	Verdict policy.Verdict
	Direct  string // why the flow counts as made straight to an address; "" if it does not
	Clear   bool   // credentials were sent without encryption
	Query   string // the name of a DNS query; "" for none

	from string // what source returned; "" before
}

// source returns the instance, the interface or the address that an activity is of.
func (a *Activity) source() string {
	s := &a.Flow.Source
	switch {
	case s.Instance != "":
		return s.Instance
	case s.Interface != "":
		return s.Interface
	case s.Addr.IsValid():
		if a.from == "" {
			a.from = s.Addr.String() // each detector asks
		}
		return a.from
	default:
		return ""
	}
}

// Key identifies an alert: one fact.
type Key struct {
	Rule     string // the alert's name in the policy
	Workload string
	Source   string // an instance, an interface or an address
	To       string // a name or an address
}

// Alert is one fact. It is immutable once it is given away.
type Alert struct {
	Key
	Kind      policy.AlertKind
	Severity  policy.Severity
	State     State
	First     int64  // Unix nanoseconds: the first activity of the fact
	Last      int64  // the last one
	Count     uint64 // activities of the fact
	Repeats   uint64 // of those, how many were not reported by themselves
	Bytes     uint64 // that count for the alert: the most in a window, or of all flows
	Evidence  string // one line for people
	Uncertain bool   // bytes are missing or the verdict is inconclusive: it may be more, or nothing
	Interface string
	Instance  string
	Account   string
	From      netip.Addr // the workload's address
	Addr      netip.Addr // the destination's
	Port      uint16
	Protocol  uint8
	Flow      uint64        // the last one
	Within    time.Duration // Bytes are of this span; 0 for all flows
	Flows     []FlowBytes   // the three largest, largest first
}

// ID returns the identity of the fact, the same in all reports of the alert, and at every sink that saw the same first activity.
func (a *Alert) ID() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %d", a.Rule, a.Workload, a.Source, a.To, a.First))
	return hex.EncodeToString(sum[:16])
}

// Title returns what happened in one phrase. It has names of traffic as they are.
func (a *Alert) Title() string {
	who := a.Source
	if a.Workload != "" {
		who = a.Workload + " " + who
	}
	return fmt.Sprintf("%s: %s to %s", a.Rule, who, a.To)
}

// FlowBytes is a flow of an alert with what the workload sent on it.
type FlowBytes struct {
	ID    uint64
	Addr  netip.Addr
	Port  uint16
	Bytes uint64
}

// State is where an alert is in its life.
type State uint8

// States.
const (
	Opened State = iota
	Updated
	Resolved
	numStates
)

var stateNames = [numStates]string{Opened: "opened", Updated: "updated", Resolved: "resolved"}

// String returns the word of a state.
func (s State) String() string { return stateNames[s] }
