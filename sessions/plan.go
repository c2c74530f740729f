package sessions

import "github.com/mirrorsink/mirrorsink/sessions/account"

// Kind is a kind of resource.
type Kind uint8

// Kinds, in the order in which they are created; they are deleted in the opposite one.
const (
	KindTarget Kind = iota
	KindFilter
	KindRule
	KindServices // the network services of a filter; they are only modified
	KindSession
	numKinds
)

var kindNames = [numKinds]string{
	KindTarget: "target", KindFilter: "filter", KindRule: "rule", KindServices: "services", KindSession: "session",
}

// String returns the kind's name, as plans and references show it.
func (k Kind) String() string { return kindNames[k] }

// MarshalText writes the kind's name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Op is what a change does.
type Op uint8

// Operations.
const (
	Create Op = iota
	Modify
	Delete
	numOps
)

var opNames = [numOps]string{Create: "create", Modify: "modify", Delete: "delete"}

// String returns the operation's name.
func (o Op) String() string { return opNames[o] }

// MarshalText writes the operation's name.
func (o Op) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Change is one step of a plan, and one call of the EC2 API.
type Change struct {
	Op   Op     `json:"op"`
	Kind Kind   `json:"kind"`
	Name string `json:"name"`         // what people call it: "sink"; "all ingress 10"; "web eni-0a"
	ID   string `json:"id,omitempty"` // of what is modified or deleted; of a new rule and of services the filter's, see Session for those that do not exist yet
	Why  string `json:"why"`
	Want Object `json:"want,omitzero"` // as it is to be; nothing when deleting
	Have Object `json:"have,omitzero"` // as it is; nothing when creating

	phase phase
	lane  string // changes of a phase with the same lane are made one after the other, others at the same time
}

// phase orders the changes of a plan: a phase begins when the one before it is done.
type phase uint8

// Phases. Sessions that go do so before others come or change, so that they do not stand in their way: an interface has
// three sessions at most, its session numbers are unique, and an interface target has so many sources.
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

// Object is a resource: one of the fields is set, Filter for KindServices too.
type Object struct {
	Target  *account.Target  `json:"target,omitempty"`
	Filter  *account.Filter  `json:"filter,omitempty"`
	Rule    *account.Rule    `json:"rule,omitempty"`
	Session *account.Session `json:"session,omitempty"`
}

// Plan is what Apply would do, in that order, and what a person should know of it.
type Plan struct {
	Owner        string            `json:"owner"`
	Account      string            `json:"account,omitempty"`
	Region       string            `json:"region,omitempty"`
	Changes      []Change          `json:"changes"`
	Refusals     []string          `json:"refusals,omitempty"` // what AWS would refuse: a plan with one is not applied
	Warnings     []string          `json:"warnings,omitempty"`
	Foreign      []account.Session `json:"foreign,omitempty"` // sessions of others on interfaces that the spec chooses
	Skipped      []Skip            `json:"skipped,omitempty"`
	Unmirrorable []Skip            `json:"unmirrorable,omitempty"` // interfaces of new sessions, with EC2's reason: see Prober
	Sessions     int               `json:"sessions"`               // of ours, once the plan is carried out
}

// Skip is an interface that a source chooses and that gets no session, and why.
type Skip struct {
	Interface string `json:"interface"`
	Why       string `json:"why"`
}

// Empty reports whether there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Changes) == 0 }
