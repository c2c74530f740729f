// Package spec reads the YAML file that describes which interfaces are to be mirrored where. It checks the file by itself; what is
// wrong only in a given account, such as a source that matches nothing, is for sessions.Diff to find.
package spec

import (
	"fmt"

	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// Spec is the desired state. Lists are in the order of the file.
type Spec struct {
	File     string // its name, for messages
	Owner    string
	Targets  []Target
	Filters  []Filter
	Sources  []Source
	Sessions []Session

	AllowLoop bool // sources behind the load balancer that is their target are a warning; not of the file
}

// Errorf returns an error about a part of the spec.
func (s *Spec) Errorf(at strictyaml.Position, format string, args ...any) *strictyaml.Error {
	return &strictyaml.Error{File: s.File, At: at, Text: fmt.Sprintf(format, args...)}
}

// Target is a mirror target: an existing one by its ID, or the address of one that is created.
type Target struct {
	At           strictyaml.Position
	Name         string
	ID           string // of an existing target, possibly another account's; then the following are empty
	Interface    string
	LoadBalancer string
	Endpoint     string
}

// Filter is a filter. A direction that the file leaves out has rules that accept everything, IPv4 and IPv6.
type Filter struct {
	At        strictyaml.Position
	Name      string
	AmazonDNS bool // default true: without it no lookup at the VPC's resolver is mirrored, and every connection looks as if it had none
	Rules     []account.Rule
}

// Source chooses interfaces: those that match the selector and Devices, and none of Exclude.
type Source struct {
	At       strictyaml.Position
	Name     string
	Optional bool // may match nothing, such as an Auto Scaling group of no instances
	Selector
	Devices []int // device indexes; empty is all
	Exclude []Selector
}

// Selector is a condition on an interface. It must have one value of each list and all the tags, on itself or on its instance. An
// empty list is no condition.
type Selector struct {
	Tags       account.Tags
	Interfaces []string
	Instances  []string
	Groups     []string // Auto Scaling groups, by name
	VPCs       []string
	Subnets    []string
	Types      []string // of interfaces, in EC2's spelling: interface, load_balancer, nat_gateway, …
}

// Session mirrors the interfaces that its sources choose, each in a session of its own.
type Session struct {
	At           strictyaml.Position
	Name         string
	Sources      []string
	Filter       string
	Target       string            // or
	ZoneTargets  map[string]string // by availability zone: traffic between zones costs
	PacketLength int               // 0 for whole packets
	Number       int               // 0 for the next free one
	VNI          VNIRange          // the zero value leaves the choice to AWS
}

// VNIRange is a range of VNIs, of which each session gets one. If From equals To, all sessions share the VNI. Set is false if the spec
// has no VNI.
type VNIRange struct {
	Set      bool
	From, To uint32
}

// Shared reports whether all sessions have the same VNI.
func (r VNIRange) Shared() bool { return r.Set && r.From == r.To }

// Contains reports whether a VNI is in the range.
func (r VNIRange) Contains(vni uint32) bool { return r.From <= vni && vni <= r.To }
