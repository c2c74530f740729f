package sessions

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// Inventory maps the packets of each mirror session, by source address and VNI, to the interface behind it. It is stored as JSON, or made
// from a State.
type Inventory struct {
	Format  int       `json:"format"` // InventoryFormat
	Made    time.Time `json:"made"`   // UTC
	Region  string    `json:"region,omitempty"`
	Entries []Entry   `json:"sessions"`
}

// InventoryFormat is the version of the format that Write writes and ReadInventory reads.
const InventoryFormat = 1

// Entry is one mirror session and its interface.
type Entry struct {
	Outer     netip.Addr   `json:"outer"` // the interface's primary address: the source of the copies
	VNI       uint32       `json:"vni"`
	Session   string       `json:"session"`
	Interface string       `json:"interface"`
	MAC       string       `json:"mac,omitempty"`
	Addresses []netip.Addr `json:"addresses,omitempty"` // all private addresses, the primary one first
	Instance  string       `json:"instance,omitempty"`
	VPC       string       `json:"vpc,omitempty"`
	Subnet    string       `json:"subnet,omitempty"`
	Zone      string       `json:"zone,omitempty"`
	ZoneID    string       `json:"zone_id,omitempty"`
	Type      string       `json:"type,omitempty"`
	Account   string       `json:"account,omitempty"`
	Tags      account.Tags `json:"tags,omitempty"` // those of the instance, overridden by those of the interface
}

// entryKey identifies an entry: the two fields that the outer headers of a packet have.
type entryKey struct {
	outer netip.Addr
	vni   uint32
}

func (e *Entry) key() entryKey { return entryKey{e.Outer, e.VNI} }

// Omission is a session that is not in the inventory, with the reason.
type Omission struct {
	Session string
	Why     string
}

// NewInventory joins the sessions of a state with their interfaces, and these with their instances, by ID. Entries are ordered by outer
// source, VNI and session, omissions by session. It omits a session whose interface is unknown or has no address; sessions of different
// interfaces with the same address (in different VPCs) and VNI, since packets cannot be attributed; and of several sessions of one
// interface with the same VNI all but the first.
func NewInventory(s *account.State, made time.Time) (*Inventory, []Omission) {
	j := join{Index: account.NewIndex(s), byKey: map[entryKey][]*account.Session{}}
	for i := range s.Sessions {
		j.add(&s.Sessions[i])
	}
	inv := &Inventory{Format: InventoryFormat, Made: made.UTC(), Region: s.Region, Entries: []Entry{}}
	for _, same := range j.byKey {
		if e := j.entry(same); e != nil {
			inv.Entries = append(inv.Entries, *e)
		}
	}
	slices.SortFunc(inv.Entries, func(a, b Entry) int {
		return cmp.Or(a.Outer.Compare(b.Outer), cmp.Compare(a.VNI, b.VNI))
	})
	slices.SortFunc(j.omitted, func(a, b Omission) int { return cmp.Compare(a.Session, b.Session) })
	return inv, j.omitted
}

// join builds an inventory.
type join struct {
	*account.Index
	byKey   map[entryKey][]*account.Session // sessions with the same source and VNI
	omitted []Omission
}

func (j *join) add(s *account.Session) {
	i := j.InterfaceByID[s.Interface]
	switch {
	case i == nil:
		j.omit(s, "its interface %s is not there", s.Interface)
	case !i.Primary.IsValid():
		j.omit(s, "its interface %s has no private address", s.Interface)
	default:
		at := entryKey{i.Primary.Unmap(), s.VNI}
		j.byKey[at] = append(j.byKey[at], s)
	}
}

func (j *join) omit(s *account.Session, format string, args ...any) {
	j.omitted = append(j.omitted, Omission{s.ID, fmt.Sprintf(format, args...)})
}

// entry returns the entry of sessions with the same source and VNI, or nil if it would be ambiguous.
func (j *join) entry(same []*account.Session) *Entry {
	slices.SortFunc(same, func(a, b *account.Session) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID))
	})
	first := same[0]
	for _, s := range same[1:] {
		if s.Interface != first.Interface {
			for _, s := range same {
				j.omit(s, "several interfaces send from %v with VNI %d", j.InterfaceByID[s.Interface].Primary, s.VNI)
			}
			return nil
		}
	}
	for _, s := range same[1:] {
		j.omit(s, "session %s of the same interface has VNI %d too", first.ID, s.VNI)
	}
	return j.describe(first)
}

// describe returns the entry of a session with all known facts.
func (j *join) describe(s *account.Session) *Entry {
	i := j.InterfaceByID[s.Interface]
	e := &Entry{
		Outer: i.Primary.Unmap(), VNI: s.VNI, Session: s.ID, Interface: i.ID, MAC: i.MAC, Addresses: slices.Clone(i.Addresses),
		Instance: i.Instance, VPC: i.VPC, Subnet: i.Subnet, Zone: i.Zone, ZoneID: i.ZoneID, Type: i.Type, Account: cmp.Or(i.Account, s.Account),
	}
	instance := j.InstanceByID[i.Instance]
	if instance == nil || len(instance.Tags) == 0 {
		e.Tags = maps.Clone(i.Tags)
		return e
	}
	e.Tags = maps.Clone(instance.Tags)
	maps.Copy(e.Tags, i.Tags)
	return e
}
