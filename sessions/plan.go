package sessions

import "github.com/mirrorsink/mirrorsink/sessions/account"

// Kind is a kind of resource.
type Kind uint8

// Kinds, in the order of creation. Deletion has the opposite order.
const (
	KindTarget Kind = iota
	KindFilter
	KindRule
	KindServices // the network services of a filter, which are only modified
	KindSession
	numKinds
)

var kindNames = [numKinds]string{
	KindTarget: "target", KindFilter: "filter", KindRule: "rule", KindServices: "services", KindSession: "session",
}

// String returns the kind as plans and references show it.
func (k Kind) String() string { return kindNames[k] }

// MarshalText returns the kind as JSON shows it.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Op is the operation of a change.
type Op uint8

// Operations.
const (
	Create Op = iota
	Modify
	Delete
	numOps
)

var opNames = [numOps]string{Create: "create", Modify: "modify", Delete: "delete"}

// String returns the operation as plans show it.
func (o Op) String() string { return opNames[o] }

// MarshalText returns the operation as JSON shows it.
func (o Op) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Change is one step of a plan: one call of the EC2 API.
type Change struct {
	Op   Op     `json:"op"`
	Kind Kind   `json:"kind"`
	Name string `json:"name"`         // for people: "sink"; "all ingress 10"; "web eni-0a"
	ID   string `json:"id,omitempty"` // of the modified or deleted resource; of the filter for a new rule and for services; may be a reference
	Why  string `json:"why"`
	Want Object `json:"want,omitzero"` // desired; empty for Delete
	Have Object `json:"have,omitzero"` // existing; empty for Create

	phase phase
	lane  string // changes of a phase in the same lane are made one after the other, lanes concurrently
}

// phase orders the changes of a plan. A phase begins when the one before it is complete.
type phase uint8

// Phases. Sessions are deleted before others are created or modified, since limits hold at every moment: an interface has at most three
// sessions with distinct numbers, and an interface target has a maximum number of sources.
const (
	createTargets phase = iota
	createFilters
	putRules
	setServices
	deleteSessions
	putSessions
	deleteRules
	deleteFilters
	deleteTargets
	numPhases
)

// Object is a resource. One of the fields is set; for KindServices it is Filter.
type Object struct {
	Target  *account.Target  `json:"target,omitempty"`
	Filter  *account.Filter  `json:"filter,omitempty"`
	Rule    *account.Rule    `json:"rule,omitempty"`
	Session *account.Session `json:"session,omitempty"`
}

// Plan lists the changes of Apply in order, with remarks.
type Plan struct {
	Owner        string            `json:"owner"`
	Account      string            `json:"account,omitempty"`
	Region       string            `json:"region,omitempty"`
	Changes      []Change          `json:"changes"`
	Refusals     []string          `json:"refusals,omitempty"` // what AWS would refuse; a plan with refusals is not applied
	Warnings     []string          `json:"warnings,omitempty"`
	Foreign      []account.Session `json:"foreign,omitempty"` // sessions of other owners on interfaces that the spec chooses
	Skipped      []Skip            `json:"skipped,omitempty"`
	Unmirrorable []Skip            `json:"unmirrorable,omitempty"` // interfaces of new sessions that EC2 would refuse: see Prober
	Sessions     int               `json:"sessions"`               // number of our sessions once the plan is applied
}

// Skip is an interface that a source chooses but that gets no session, with the reason.
type Skip struct {
	Interface string `json:"interface"`
	Why       string `json:"why"`
}

// Empty reports whether the plan has no changes.
func (p *Plan) Empty() bool { return len(p.Changes) == 0 }
