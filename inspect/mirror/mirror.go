// Package mirror numbers the mirror sessions that packets come from, and finds for each the interface that it mirrors and the
// direction of packets at that interface.
//
// A Table belongs to one worker. IDs are shared by workers, and are safe for concurrent use.
package mirror

import (
	"encoding/binary"
	"net/netip"
	"sync"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// MaxSessions bounds a table, session 0 included. An account has at most 10,000 sessions (quota of VPC Traffic Mirroring), and
// several accounts may send to one sink. Packets with forged outer sources could make up more: those are counted to session 0.
const MaxSessions = 1 << 16

// Session is a mirror session as its packets identify it: by the mirrored interface's primary address and the VNI. Neither is
// enough alone: VNIs chosen by hand collide, and an interface may have three sessions.
type Session struct {
	Outer decap.Addr
	VNI   uint32
}

// Owners is the inventory of mirrored interfaces. A table asks it for a session's owner when the session is new, and again for
// all sessions, at most once a batch, when Generation has changed. Both methods are called by several goroutines at the same
// time, and must not block.
type Owners interface {
	// Owner returns the interface that sends copies from an address with a VNI; nil if it is not known. IPv4 addresses are
	// never IPv4-mapped.
	Owner(outer netip.Addr, vni uint32) *event.Owner
	// Generation changes whenever Owner may return something else than before.
	Generation() uint64
}

// IDs numbers sessions for several tables: the tables of two workers give a session different numbers, but the same ID.
type IDs struct {
	mu  sync.Mutex // guards ids
	ids map[Session]uint32
}

// NewIDs returns IDs that know only the zero session, which has ID 0.
func NewIDs() *IDs { return &IDs{ids: map[Session]uint32{{}: 0}} }

// of returns a session's ID. A table asks once for each session.
func (i *IDs) of(s Session) uint32 {
	i.mu.Lock()
	defer i.mu.Unlock()
	id, ok := i.ids[s]
	if !ok {
		id = uint32(len(i.ids))
		i.ids[s] = id
	}
	return id
}

// Table numbers mirror sessions. Number 0 is for packets without one: those of plain captures.
type Table struct {
	sessions []entry  // by number
	index    []uint16 // open addressing, at most half full; 0 is free
	ids      *IDs

	// Most packets come from the session of the packet before.
	last      uint16 // 0 before the first packet
	lastOuter netip.Addr
	lastVNI   uint32

	owners     Owners // nil without an inventory
	generation uint64 // of owners, as of the last Refresh
	byAddress  addressIndex
}

// entry is what a table knows of a session.
type entry struct {
	Session
	id    uint32
	owner *event.Owner // nil if not known
}

// NewTable returns a table without sessions. owners is nil without an inventory.
func NewTable(ids *IDs, owners Owners) *Table {
	return &Table{sessions: make([]entry, 1, 64), index: make([]uint16, 2*MaxSessions), ids: ids, owners: owners}
}

// Len returns how many numbers are in use, number 0 included.
func (t *Table) Len() int { return len(t.sessions) }

// Session returns the session of a number.
func (t *Table) Session(n uint16) Session { return t.sessions[n].Session }

// ID returns the ID of a session, which other tables share.
func (t *Table) ID(n uint16) uint32 { return t.sessions[n].id }

// Owner returns the interface that a session mirrors; nil if it is not known.
func (t *Table) Owner(n uint16) *event.Owner { return t.sessions[n].owner }

// HasInventory reports whether there is an inventory to ask for owners.
func (t *Table) HasInventory() bool { return t.owners != nil }

// Generation changes whenever owners may have changed.
func (t *Table) Generation() uint64 { return t.generation }

// Refresh asks for the owners of all sessions again if they may have changed.
func (t *Table) Refresh() {
	if t.owners == nil {
		return
	}
	g := t.owners.Generation()
	if g == t.generation {
		return
	}
	t.generation = g
	for n := 1; n < len(t.sessions); n++ {
		t.sessions[n].owner = t.ownerOf(t.sessions[n].Session)
	}
}

func (t *Table) ownerOf(s Session) *event.Owner {
	if t.owners == nil {
		return nil
	}
	return t.owners.Owner(s.Outer.Netip(), s.VNI)
}

// Number returns a session's number, which is a new one for a session not seen before; ok is false if there is no room for it.
func (t *Table) Number(outer netip.Addr, vni uint32) (n uint16, ok bool) {
	if t.last != 0 && outer == t.lastOuter && vni == t.lastVNI {
		return t.last, true
	}
	want := Session{outer.As16(), vni}
	for i := want.hash() % uint64(len(t.index)); ; i = (i + 1) % uint64(len(t.index)) {
		n := t.index[i]
		if n == 0 {
			if len(t.sessions) == MaxSessions {
				return 0, false
			}
			n = uint16(len(t.sessions))
			t.sessions = append(t.sessions, entry{want, t.ids.of(want), t.ownerOf(want)})
			t.index[i] = n
		}
		if t.sessions[n].Session == want {
			t.last, t.lastOuter, t.lastVNI = n, outer, vni
			return n, true
		}
	}
}

func (s *Session) hash() uint64 {
	a := binary.LittleEndian.Uint64(s.Outer[:8])
	b := binary.LittleEndian.Uint64(s.Outer[8:])
	h := (a ^ b ^ uint64(s.VNI)<<20) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}
