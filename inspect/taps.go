package inspect

import (
	"encoding/binary"
	"net/netip"
	"sync"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/pdns"
)

// maxTaps bounds the table of mirror sessions. An account has at most 10,000 (quota of VPC Traffic Mirroring); several
// accounts may send to one sink. A forged outer source could make up more: those are counted and told as tap 0.
const maxTaps = 1 << 16

// tap is one mirror session as its packets tell it: the mirrored interface's primary address and the VNI. One of both is
// not enough: VNIs chosen by hand collide, and an interface may have three sessions.
type tap struct {
	source decap.Addr
	vni    uint32
}

// Shared is what workers know together: the answers of DNS, which may come to another worker than the connections that
// they explain, and one numbering of mirror sessions for them. It is safe for concurrent use.
type Shared struct {
	dns  *pdns.Cache
	gate gate

	mu  sync.Mutex // guards ids
	ids map[tap]uint32
}

// NewShared makes room for so many bytes of DNS answers.
func NewShared(bytes int) *Shared {
	return &Shared{dns: pdns.New(bytes), ids: map[tap]uint32{{}: 0}}
}

// DNS returns how full the memory for DNS answers is.
func (s *Shared) DNS() pdns.Counts { return s.dns.Counts() }

// id returns the number of a session that all workers use. A worker asks once for each.
func (s *Shared) id(t tap) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, ok := s.ids[t]
	if !ok {
		id = uint32(len(s.ids))
		s.ids[t] = id
	}
	return id
}

// taps numbers mirror sessions. Number 0 is for packets without one: plain captures.
type taps struct {
	list  []tap          // by number
	ids   []uint32       // by number: Shared's
	owner []*event.Owner // by number; nil if not known
	index []uint16       // open addressing, at most half full; 0 is free
	known *Shared

	// Most packets come from the session of the one before.
	last       uint16 // 0 before the first
	lastSource netip.Addr
	lastVNI    uint32

	owners     Owners // nil without an inventory
	generation uint64 // of owners, when all sessions were asked for last
}

func newTaps(known *Shared, owners Owners) *taps {
	return &taps{
		list: make([]tap, 1, 64), ids: make([]uint32, 1, 64), owner: make([]*event.Owner, 1, 64),
		index: make([]uint16, 2*maxTaps), known: known, owners: owners,
	}
}

// refresh asks again whose the sessions are, if the answers may be others.
func (t *taps) refresh() {
	if t.owners == nil {
		return
	}
	g := t.owners.Generation()
	if g == t.generation {
		return
	}
	t.generation = g
	for n := 1; n < len(t.list); n++ {
		t.owner[n] = t.ask(&t.list[n])
	}
}

// ask returns the owner of a session.
func (t *taps) ask(of *tap) *event.Owner {
	if t.owners == nil {
		return nil
	}
	return t.owners.Owner(of.source.Netip(), of.vni)
}

// number returns the session's number; ok is false if there is no room for a new one.
func (t *taps) number(source netip.Addr, vni uint32) (n uint16, ok bool) {
	if t.last != 0 && source == t.lastSource && vni == t.lastVNI {
		return t.last, true
	}
	want := tap{source.As16(), vni}
	for i := want.hash() % uint64(len(t.index)); ; i = (i + 1) % uint64(len(t.index)) {
		n := t.index[i]
		if n == 0 {
			if len(t.list) == maxTaps {
				return 0, false
			}
			n = uint16(len(t.list))
			t.list, t.ids, t.owner = append(t.list, want), append(t.ids, t.known.id(want)), append(t.owner, t.ask(&want))
			t.index[i] = n
		}
		if t.list[n] == want {
			t.last, t.lastSource, t.lastVNI = n, source, vni
			return n, true
		}
	}
}

func (t *tap) hash() uint64 {
	a := binary.LittleEndian.Uint64(t.source[:8])
	b := binary.LittleEndian.Uint64(t.source[8:])
	h := (a ^ b ^ uint64(t.vni)<<20) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

// maxVLANStacks bounds the table of VLAN stacks; flows of further ones are told without tags.
const maxVLANStacks = 1 << 12

// vlanStack is the VLAN tags of a frame, outermost first.
type vlanStack struct {
	tags [decap.MaxVLANs]uint16
	n    uint8
}

// vlans numbers stacks of VLAN tags, so that a flow record needs two bytes for them. Number 0 is no tag.
type vlans struct {
	list   []vlanStack
	number map[vlanStack]uint16
}

func newVLANs() *vlans {
	return &vlans{list: make([]vlanStack, 1), number: map[vlanStack]uint16{{}: 0}}
}

// of returns the number of a packet's tags. It is asked once a flow.
func (v *vlans) of(p *decap.Packet) uint16 {
	s := vlanStack{p.VLANs, p.NumVLANs}
	n, ok := v.number[s]
	if !ok && len(v.list) < maxVLANStacks {
		n = uint16(len(v.list))
		v.list = append(v.list, s)
		v.number[s] = n
	}
	return n
}
