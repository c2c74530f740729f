package naming

import (
	"math/bits"
	"time"
	"unsafe"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/pdns"
)

// Disorder is by how much a packet may be seen after later ones: copies take several ways, and the kernel queues a packet some time after
// it gave it its time. What DNS says about a flow is decided when all packets up to Reach after its start must have been seen.
const Disorder = 50 * time.Millisecond

const decideAfter = int64(Reach + Disorder)

// pending is what DNS says about a flow that has begun not long ago, as long as an answer may still change it.
type pending struct {
	r      *flow.Record // nil when the flow has ended
	client pdns.Host
	server decap.Addr
	start  int64
	due    int64  // when it is decided
	chain  uint32 // the next one in the same bucket: an index of all and 1
	events int    // that wait for it

	// The answer so far, and what it means. Once it is decided, that is what holds.
	answer   pdns.Answer // without its name
	found    bool
	direct   event.Direct
	conflict bool // event.SNINotInDNS
	ech      event.ECH
	name     uint32 // in Names: the name in DNS that was found since the flow began; 0 for none
	sni      uint32 // in Names: the name in the client's hello; 0 for none
}

// pendings is a queue of what is pending, in the order in which it came, with an index by flow. Places are numbered on and on: those
// before decided are decided and may still have events, those before timed have a due time.
type pendings struct {
	all                        []pending // a power of two; as many as were needed so far, so that they stay in the processor's cache
	index                      []uint32  // by hash of the record's address: an index of all and 1
	first, decided, timed, end uint64
	most                       int // the bound of all
}

// pendingBytes is the memory of one, with its share of the index.
const pendingBytes = int(unsafe.Sizeof(pending{})) + 4

const minPending = 64

func newPendings(bytes int) pendings {
	most := 1 << (bits.Len(uint(max(minPending, bytes/pendingBytes))) - 1)
	return pendings{all: make([]pending, minPending), index: make([]uint32, minPending), most: most}
}

// grow makes room for twice as many.
func (q *pendings) grow() {
	old := *q
	q.all, q.index = make([]pending, 2*len(old.all)), make([]uint32, 2*len(old.all))
	for place := q.first; place != q.end; place++ {
		p := q.at(place)
		*p = *old.at(place)
		if p.r != nil {
			q.enter(p, place)
		}
	}
}

// enter puts what has a place into the index.
func (q *pendings) enter(p *pending, place uint64) {
	head := q.bucket(p.r)
	p.chain, *head = *head, uint32(place&uint64(len(q.all)-1))+1
}

func (q *pendings) at(place uint64) *pending { return &q.all[place&uint64(len(q.all)-1)] }

// bucket returns the start of the chain of a record, which keeps its address while its flow lives.
func (q *pendings) bucket(r *flow.Record) *uint32 {
	const golden = 0x9e3779b97f4a7c15 // spreads addresses that differ by multiples of a record's size
	return &q.index[uint64(uintptr(unsafe.Pointer(r)))*golden>>32&uint64(len(q.index)-1)]
}

// find returns what is pending of a flow, or nil, and its place.
func (q *pendings) find(r *flow.Record) (p *pending, place uint64) {
	if q.decided == q.end {
		return nil, 0
	}
	for i := *q.bucket(r); i != 0; i = q.all[i-1].chain {
		if p := &q.all[i-1]; p.r == r {
			last := q.end - 1
			return p, last - (last-uint64(i-1))&uint64(len(q.all)-1)
		}
	}
	return nil, 0
}

// add adds a flow; nil if there is no room.
func (q *pendings) add(r *flow.Record) *pending {
	if q.end-q.first == uint64(len(q.all)) {
		if len(q.all) == q.most {
			return nil
		}
		q.grow()
	}
	p := q.at(q.end)
	*p = pending{r: r, start: r.Start}
	q.enter(p, q.end)
	q.end++
	return p
}

// detach removes a flow from the index.
func (q *pendings) detach(p *pending) {
	if p.r == nil {
		return
	}
	link := q.bucket(p.r)
	for &q.all[*link-1] != p {
		link = &q.all[*link-1].chain
	}
	*link, p.r = p.chain, nil
}

// isOpen reports whether answers may still come that explain a flow.
func (n *Namer) isOpen(r *flow.Record) bool { return r.Start+decideAfter > n.settled }

// suspend makes a flow wait for its answers; nil if there is no room.
func (n *Namer) suspend(r *flow.Record) *pending {
	p, _ := n.pending.find(r)
	if p == nil {
		p = n.pending.add(r)
	}
	if p != nil {
		p.client, p.server = n.client(r)
	}
	return p
}

// keepHello keeps what a client's hello said, to compare it again.
func (n *Namer) keepHello(p *pending, name []byte, r *flow.Record) {
	n.Names.Free(p.sni)
	p.sni, p.ech = n.Names.Put(name), r.NameFlags.ECH()
	p.conflict = r.NameFlags.Conflicts()&event.SNINotInDNS != 0
}

// Settle decides about flows. own is the time of all packets that this namer was given, all the time of all packets that any namer
// with the same DNS was given.
func (n *Namer) Settle(own, all int64) {
	q := &n.pending
	n.settled = max(n.settled, all)
	for ; q.timed != q.end; q.timed++ {
		p := q.at(q.timed)
		p.due = min(p.start, own) + decideAfter // own is less only for a packet with an impossible time
	}
	for q.decided != q.timed && q.at(q.decided).due <= all {
		n.decide(q.at(q.decided))
		q.decided++
	}
	n.free()
}

// Settled reports whether nothing is left to decide once all packets up to a time were seen.
func (n *Namer) Settled(all int64) bool {
	q := &n.pending
	for place := q.decided; place != q.end; place++ {
		if q.at(place).start+decideAfter > all {
			return false
		}
	}
	return true
}

// free ends what is decided and has no events that wait.
func (n *Namer) free() {
	q := &n.pending
	for q.first != q.decided && q.at(q.first).events == 0 {
		p := q.at(q.first)
		n.Names.Free(p.name)
		n.Names.Free(p.sni)
		q.first++
	}
}

// decide asks DNS again. More answers may explain a flow, and end a conflict. They never make one.
func (n *Namer) decide(p *pending) {
	answer, found := n.DNS.Lookup(n.scratch[:0], p.client, p.server, p.start, p.start+int64(Reach))
	if found {
		n.scratch = answer.Name[:0]
	}
	var hello [256]byte
	sni := n.Names.Append(hello[:0], p.sni)
	n.decideDirect(p, &answer, found)
	n.decideConflict(p, &answer, found, sni)
	if p.ech == event.ECHUnknown && found {
		p.ech = n.classifyECH(p.client.Session, answer.Name, sni, p.start)
		p.conflict = p.conflict && p.ech != event.ECHReal
	}
	if found && (p.ech == event.ECHReal || p.improves(&answer)) {
		p.answer, p.name = answer, n.Names.Put(answer.Name)
		p.answer.Name = nil
	}
	if p.r != nil {
		n.revise(p, answer.Name, sni)
	}
	n.pending.detach(p)
}

// improves reports whether an answer is better than the one when the flow began.
func (p *pending) improves(a *pdns.Answer) bool {
	return !p.found || !isWeak(a) || p.answer.OtherHost && !a.OtherHost || p.answer.Stale && !a.Stale
}

// decideDirect finds again why no lookup explains a flow, if none did so far.
func (n *Namer) decideDirect(p *pending, answer *pdns.Answer, found bool) {
	if p.direct == event.NotDirect {
		return
	}
	reason := pdns.Explain(&pdns.Evidence{
		Start: p.start, Found: found, Answer: *answer, SeesDNS: p.direct != event.NoDNSSeen, DoH: n.DNS.DoH(p.client, p.start),
	})
	if reason != pdns.NoLookup {
		p.direct = directs[reason]
	}
}

// decideConflict compares the name in the client's hello again, if it was a conflict so far.
func (n *Namer) decideConflict(p *pending, answer *pdns.Answer, found bool, sni []byte) {
	if !p.conflict {
		return
	}
	other := found && !isWeak(answer) && !n.explains(p.client.Session, p.server, answer.Name, sni, p.start)
	unknown := p.direct == event.NoLookup && !isAddress(sni, p.server)
	p.conflict = len(sni) > 0 && (other || unknown)
}

// revise corrects the record of a flow by what was decided.
func (n *Namer) revise(p *pending, name, sni []byte) {
	r := p.r
	r.NameFlags = r.NameFlags.WithDirect(p.direct)
	if !p.conflict {
		r.NameFlags &^= flow.NameFlags(event.SNINotInDNS)
	}
	if r.NameFlags.ECH() == event.ECHUnknown {
		r.NameFlags = r.NameFlags.WithECH(p.ech)
	}
	if p.name == 0 {
		return
	}
	hidden := isHidden(p.ech, r.NameSource)
	if hidden {
		n.attach(r, detailSNI, sni)
	}
	if hidden || r.NameSource <= l7.ByDNS {
		before := r.NameSource
		r.NameSource = l7.NoName
		n.setName(r, name, l7.ByDNS)
		if r.NameSource == l7.NoName {
			r.NameSource = before // there was no room
		}
	} else {
		n.attach(r, detailDNSName, name)
	}
	r.NameFlags &^= flow.WeakName
	if isWeak(&p.answer) {
		r.NameFlags |= flow.WeakName
	}
}

// isHidden reports whether a name is the one in the clear of an encrypted hello, and therefore not the name of the server.
func isHidden(ech event.ECH, source l7.NameSource) bool {
	return ech == event.ECHReal && (source == l7.SNI || source == l7.QUICSNI)
}

// waits reports whether an event of a flow has to wait for what DNS says about it: for the place that Decided and Complete take.
func (n *Namer) waits(e *event.Event, r *flow.Record) (place uint64, ok bool) {
	if l7.Table[e.Proto].Lookup && e.Kind == event.AppLayer {
		return 0, false // lookups are answered before anything else happens
	}
	if e.Direct == event.NotDirect && e.Conflicts&event.SNINotInDNS == 0 && e.NameSource > l7.ByDNS && e.ECH != event.ECHUnknown &&
		!n.Details.Has(e.Kind) {
		return 0, false
	}
	p, place := n.pending.find(r)
	if p == nil {
		return 0, false
	}
	p.events++
	return place, true
}

// Decided reports whether it is decided what an event waits for.
func (n *Namer) Decided(place uint64) bool { return place < n.pending.decided }

// Complete corrects an event of a batch that has waited. Before it is decided, the event claims nothing about DNS.
func (n *Namer) Complete(b *event.Batch, e *event.Event, place uint64) {
	p := n.pending.at(place)
	p.events--
	if !n.Decided(place) {
		if e.Direct != event.NotDirect || e.Conflicts&event.SNINotInDNS != 0 {
			e.Direct, e.Conflicts = event.NotDirect, e.Conflicts&^event.SNINotInDNS
			*n.Undecided++
		}
		return
	}
	if !l7.Table[e.Proto].Lookup {
		e.Direct = p.direct
	}
	if !p.conflict {
		e.Conflicts &^= event.SNINotInDNS
	}
	if e.ECH == event.ECHUnknown && p.ech != event.ECHNone {
		e.ECH = p.ech
	}
	if p.name != 0 {
		n.scratch = n.Names.Append(n.scratch[:0], p.name)
		name := b.CopyText(n.scratch)
		if e.NameSource <= l7.ByDNS || isHidden(e.ECH, e.NameSource) {
			e.Name, e.NameSource = name, l7.ByDNS
		}
		if n.Details.Has(e.Kind) {
			e.Window.DNSName = name
		}
	}
	e.NameConfidence = confidence(e, isWeak(&p.answer))
	n.free()
}
