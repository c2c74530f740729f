package inventory

import (
	"cmp"
	"maps"
	"net"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"sync/atomic"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/mirror"
	"github.com/mirrorsink/mirrorsink/sessions"
)

// owners looks up the owner of a mirror session for workers. The zero value is empty. It is safe for concurrent use, except that one
// goroutine at a time may call replace.
type owners struct{ table atomic.Pointer[ownerTable] }

var _ mirror.Owners = (*owners)(nil)

// ownerTable is never changed once it is in owners.
type ownerTable struct {
	generation uint64
	byTap      map[event.MirrorSession]*event.Owner
}

// Owner returns the owner of the mirror session with an outer address and VNI; nil if it is not known.
func (o *owners) Owner(outer netip.Addr, vni uint32) *event.Owner {
	if t := o.table.Load(); t != nil {
		return t.byTap[event.MirrorSession{Outer: outer, VNI: vni}]
	}
	return nil
}

// Generation changes whenever Owner's answers do.
func (o *owners) Generation() uint64 {
	if t := o.table.Load(); t != nil {
		return t.generation
	}
	return 0
}

// All returns all owners, in a slice that the caller may keep.
func (o *owners) All() []*event.Owner {
	t := o.table.Load()
	if t == nil {
		return nil
	}
	return slices.Collect(maps.Values(t.byTap))
}

// replace makes an inventory the current one. Entries that did not change keep their owner in memory, so that repeated reads neither
// disturb workers nor keep old copies alive in events.
func (o *owners) replace(inv *sessions.Inventory) {
	old := o.table.Load()
	if old == nil {
		old = new(ownerTable)
	}
	next := &ownerTable{old.generation + 1, make(map[event.MirrorSession]*event.Owner, len(inv.Entries))}
	kept := 0
	for i := range inv.Entries {
		e := &inv.Entries[i]
		at := event.MirrorSession{Outer: e.Outer, VNI: e.VNI}
		owner := ownerOf(e, inv.Region)
		if before := old.byTap[at]; reflect.DeepEqual(before, owner) {
			owner = before
			kept++
		}
		next.byTap[at] = owner
	}
	if kept < len(next.byTap) || kept < len(old.byTap) {
		o.table.Store(next)
	}
}

// regionOf is the region that a zone's name begins with: eu-west-1 of eu-west-1a, us-west-2 of us-west-2-lax-1a.
func regionOf(zone string) string { return regionName.FindString(zone) }

var regionName = regexp.MustCompile(`^[a-z]+(-[a-z]+)+-[0-9]+`)

// ownerOf converts an entry of a region's inventory.
func ownerOf(e *sessions.Entry, region string) *event.Owner {
	o := &event.Owner{
		ENI: e.Interface, Type: e.Type, Instance: e.Instance, VPC: e.VPC, Subnet: e.Subnet,
		Region: cmp.Or(regionOf(e.Zone), region), Zone: e.Zone, ZoneID: e.ZoneID,
		Account: e.Account, Session: e.Session, Addrs: e.Addresses, Tags: e.Tags,
	}
	if mac, err := net.ParseMAC(e.MAC); err == nil && len(mac) == len(o.MAC) {
		o.MAC, o.HasMAC = [6]byte(mac), true
	}
	return o
}
