package sessions

import (
	"fmt"
	"net/netip"
	"slices"
)

// Spec is what is wanted, as ParseSpec reads it from YAML. Lists are in the order of the file.
type Spec struct {
	File     string // its name, for messages
	Owner    string
	Targets  []TargetSpec
	Filters  []FilterSpec
	Sources  []SourceSpec
	Sessions []SessionSpec
}

// Position is where in the file something stands, from 1.
type Position struct{ Line, Column int }

// An Error is what is wrong with a spec, and where.
type Error struct {
	File string
	At   Position
	Text string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.At.Line, e.At.Column, e.Text)
}

// errorAt says what is wrong with a part of the spec.
func (s *Spec) errorAt(at Position, format string, args ...any) *Error {
	return &Error{s.File, at, fmt.Sprintf(format, args...)}
}

// TargetSpec is a mirror target: one that is there already, or an address of which one is made.
type TargetSpec struct {
	At           Position
	Name         string
	ID           string // of a target that is there, possibly another account's; then none of the following
	Interface    string
	LoadBalancer string
	Endpoint     string
}

// FilterSpec is a filter. A direction that the file leaves out has rules that take everything, IPv4 and IPv6.
type FilterSpec struct {
	At        Position
	Name      string
	AmazonDNS bool // on unless the file says otherwise: without it no lookup at the VPC's resolver is seen, and every connection looks as if it had none
	Rules     []Rule
}

// SourceSpec chooses interfaces: those of which all that is given holds, and nothing of Exclude. There is something given.
type SourceSpec struct {
	At       Position
	Name     string
	Optional bool // may match nothing, such as an Auto Scaling group of no instances
	Selector
	Devices []int // device indexes; empty is all
	Exclude []Selector
}

// Selector says what an interface must have: of each list one of the values, and all the tags, on the interface or on its
// instance. An empty list is not asked.
type Selector struct {
	Tags       Tags
	Interfaces []string
	Instances  []string
	Groups     []string // Auto Scaling groups, by name
	VPCs       []string
	Subnets    []string
	Types      []string // of interfaces, as EC2 calls them: interface, load_balancer, nat_gateway, …
}

// SessionSpec mirrors the interfaces that sources choose, each in a session of its own.
type SessionSpec struct {
	At           Position
	Name         string
	Sources      []string
	Filter       string
	Target       string            // or
	ZoneTargets  map[string]string // by availability zone: traffic between zones costs
	PacketLength int               // 0 for whole packets
	Number       int               // 0 for the next free one
	VNI          VNIRange          // the zero value leaves the choice to AWS
}

// VNIRange is one VNI for all, if From is To, or from which one is assigned to each source. Set tells VNI 0 from none.
type VNIRange struct {
	Set      bool
	From, To uint32
}

// one reports whether the range is one VNI for all.
func (r VNIRange) one() bool { return r.Set && r.From == r.To }

func (r VNIRange) has(vni uint32) bool { return r.From <= vni && vni <= r.To }

// Every address of a family.
var (
	anywhere4 = netip.MustParsePrefix("0.0.0.0/0")
	anywhere6 = netip.MustParsePrefix("::/0")
)

// everything are the rules of a direction for which the spec has none.
func everything(direction string) []Rule {
	return []Rule{
		{Direction: direction, Number: 10, Action: Accept, Source: anywhere4, Destination: anywhere4},
		{Direction: direction, Number: 20, Action: Accept, Source: anywhere6, Destination: anywhere6},
	}
}

// find returns the entry of a name.
func find[T any](list []T, named func(*T) bool) *T {
	if i := slices.IndexFunc(list, func(t T) bool { return named(&t) }); i >= 0 {
		return &list[i]
	}
	return nil
}
