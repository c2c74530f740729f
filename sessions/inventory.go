package sessions

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// Inventory says whose packets they are: for each mirror session the envelope's source and VNI, and the interface behind
// them. It stands in a file as JSON, or is made from a State.
type Inventory struct {
	Format  int       `json:"format"` // InventoryFormat
	Made    time.Time `json:"made"`   // UTC
	Region  string    `json:"region,omitempty"`
	Entries []Entry   `json:"sessions"`
}

// InventoryFormat is the format of inventories that this version writes, and the only one that it reads.
const InventoryFormat = 1

// Entry is one mirror session and its interface.
type Entry struct {
	Outer     netip.Addr   `json:"outer"` // the interface's primary address, from which the copies come
	VNI       uint32       `json:"vni"`
	Session   string       `json:"session"`
	Interface string       `json:"interface"`
	MAC       string       `json:"mac,omitempty"`
	Addresses []netip.Addr `json:"addresses,omitempty"` // all private ones, the primary one first
	Instance  string       `json:"instance,omitempty"`
	VPC       string       `json:"vpc,omitempty"`
	Subnet    string       `json:"subnet,omitempty"`
	Zone      string       `json:"zone,omitempty"`
	ZoneID    string       `json:"zone_id,omitempty"`
	Type      string       `json:"type,omitempty"`
	Account   string       `json:"account,omitempty"`
	Tags      Tags         `json:"tags,omitempty"` // of the instance, and over them those of the interface
}

// tap is what an entry is found by: it is all that a packet's envelope tells.
type tap struct {
	outer netip.Addr
	vni   uint32
}

func (e *Entry) tap() tap { return tap{e.Outer, e.VNI} }

// Omission is a session that is not in the inventory, and why.
type Omission struct {
	Session string
	Why     string
}

// NewInventory joins the sessions of a state with their interfaces and these with their instances, by ID. Entries are in
// the order of outer source, VNI and session. What is left out is told in the order of sessions: a session whose interface
// is not in the state or has no address; one that no packet can be told to belong to, since another interface has the same
// address in another VPC and the same VNI; and of several sessions of one interface with the same VNI all but the first.
func NewInventory(s *State, made time.Time) (*Inventory, []Omission) {
	j := join{
		interfaces: byID(s.Interfaces, func(i *Interface) string { return i.ID }),
		instances:  byID(s.Instances, func(i *Instance) string { return i.ID }),
		taps:       map[tap][]*Session{},
	}
	for i := range s.Sessions {
		j.add(&s.Sessions[i])
	}
	inv := &Inventory{Format: InventoryFormat, Made: made.UTC(), Region: s.Region, Entries: []Entry{}}
	for _, same := range j.taps {
		if e := j.entry(same); e != nil {
			inv.Entries = append(inv.Entries, *e)
		}
	}
	slices.SortFunc(inv.Entries, func(a, b Entry) int {
		return cmp.Or(a.Outer.Compare(b.Outer), cmp.Compare(a.VNI, b.VNI))
	})
	slices.SortFunc(j.left, func(a, b Omission) int { return cmp.Compare(a.Session, b.Session) })
	return inv, j.left
}

// OwnedBy returns the state with no other sessions than those that carry the owner's tag.
func (s *State) OwnedBy(owner string) *State {
	own := *s
	own.Sessions = nil
	for _, session := range s.Sessions {
		if session.Tags[OwnerTag] == owner {
			own.Sessions = append(own.Sessions, session)
		}
	}
	return &own
}

// join is an inventory in the making.
type join struct {
	interfaces map[string]*Interface
	instances  map[string]*Instance
	taps       map[tap][]*Session // those that a packet does not tell apart
	left       []Omission
}

func byID[T any](list []T, id func(*T) string) map[string]*T {
	m := make(map[string]*T, len(list))
	for i := range list {
		m[id(&list[i])] = &list[i]
	}
	return m
}

func (j *join) add(s *Session) {
	i := j.interfaces[s.Interface]
	switch {
	case i == nil:
		j.leave(s, "its interface %s is not there", s.Interface)
	case !i.Primary.IsValid():
		j.leave(s, "its interface %s has no private address", s.Interface)
	default:
		at := tap{i.Primary.Unmap(), s.VNI}
		j.taps[at] = append(j.taps[at], s)
	}
}

func (j *join) leave(s *Session, format string, args ...any) {
	j.left = append(j.left, Omission{s.ID, fmt.Sprintf(format, args...)})
}

// entry returns the entry of sessions that have source and VNI in common; nil if it would be a guess.
func (j *join) entry(same []*Session) *Entry {
	slices.SortFunc(same, func(a, b *Session) int { return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID)) })
	first := same[0]
	for _, s := range same[1:] {
		if s.Interface != first.Interface {
			for _, s := range same {
				j.leave(s, "several interfaces send from %v with VNI %d", j.interfaces[s.Interface].Primary, s.VNI)
			}
			return nil
		}
	}
	for _, s := range same[1:] {
		j.leave(s, "session %s of the same interface has VNI %d too", first.ID, s.VNI)
	}
	return j.describe(first)
}

// describe says all that is known of a session.
func (j *join) describe(s *Session) *Entry {
	i := j.interfaces[s.Interface]
	e := &Entry{
		Outer: i.Primary.Unmap(), VNI: s.VNI, Session: s.ID, Interface: i.ID, MAC: i.MAC, Addresses: slices.Clone(i.Addresses),
		Instance: i.Instance, VPC: i.VPC, Subnet: i.Subnet, Zone: i.Zone, ZoneID: i.ZoneID, Type: i.Type, Account: cmp.Or(i.Account, s.Account),
	}
	instance := j.instances[i.Instance]
	if instance == nil || len(instance.Tags) == 0 {
		e.Tags = maps.Clone(i.Tags)
		return e
	}
	e.Tags = maps.Clone(instance.Tags)
	maps.Copy(e.Tags, i.Tags)
	return e
}
