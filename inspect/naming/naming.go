// Package naming finds what a person would call a flow: the name in its messages (TLS SNI, HTTP host, a certificate), or else the
// name that DNS gave for its address. It also finds why no lookup explains an outbound flow, and where the names disagree.
//
// A Namer keeps its names outside the flow records, in bounded memory. It reads no packets: its caller reports when a flow opens and
// what parsers found.
package naming

import (
	"math"
	"net/netip"
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/mirror"
	"github.com/mirrorsink/mirrorsink/inspect/pdns"
)

// Reach is how long after a flow's first packet an answer may be seen that explains it. A mirror does not keep the order of packets:
// copies of a response may be later than those of the connection that followed it, by another interface, queue or path.
const Reach = 50 * time.Millisecond

// Config is what a Namer needs.
type Config struct {
	DNS      *pdns.Cache // the answers that were seen; several namers may share it
	Names    *flow.Names // where the flows' names are kept; the Namer owns it
	Sessions *mirror.Table
	Exempt   []netip.Prefix // networks to which connections need no lookup, besides the site's own
	Details  event.KindSet  // the events that have the SNI and the DNS name of their flow beside its name; Interval events also the JA4
	Refused  *uint64        // counts the names for which there was no room
	// Pending is the memory for flows about which answers may still come. Undecided counts the events and flows that claim nothing about
	// DNS since it was full.
	Pending   int
	Undecided *uint64
}

// Namer names flows. It is not safe for concurrent use.
type Namer struct {
	Config
	pending pendings
	settled int64 // the time of all packets that were seen
	scratch []byte
}

// New returns a Namer.
func New(cfg Config) *Namer {
	return &Namer{Config: cfg, pending: newPendings(cfg.Pending), settled: math.MinInt64}
}

// client returns a flow's client as passive DNS identifies it, and the server's address.
func (n *Namer) client(r *flow.Record) (client pdns.Host, server decap.Addr) {
	from, to := r.Endpoints()
	return pdns.Host{Session: n.Sessions.ID(r.Key.Session), Addr: from.Addr}, to.Addr
}

// Message takes names, addresses and fingerprints from a message of a flow.
func (n *Namer) Message(r *flow.Record, h *l7.Hint, nanos int64) {
	if h.Role == l7.Response {
		n.learn(r, h, nanos)
	}
	if h.NameSource == l7.SNI || h.NameSource == l7.QUICSNI {
		n.serverName(r, h, nanos)
	} else {
		n.setName(r, h.Name, h.NameSource)
	}
	n.attach(r, detailJA4, h.JA4)
}

// learn adds what a DNS response answered to the flow's client.
func (n *Namer) learn(r *flow.Record, h *l7.Hint, nanos int64) {
	if len(h.Answers) == 0 && len(h.Aliases) == 0 {
		return
	}
	client, _ := n.client(r)
	for i := range h.Aliases {
		a := &h.Aliases[i]
		n.DNS.AddAlias(client.Session, withoutService(a.Name), a.Target, a.TTL, nanos)
	}
	for i := range h.Answers {
		a := &h.Answers[i]
		if a.Addr.IsValid() {
			n.DNS.Add(client, a.Addr.As16(), a.Name, a.TTL, nanos)
		}
		if a.ECH {
			n.DNS.AddECH(client.Session, a.Name, a.TTL, nanos)
		}
	}
}

// setName gives a flow a name, unless it has one from better evidence. Among equals the first one stays.
func (n *Namer) setName(r *flow.Record, name []byte, source l7.NameSource) {
	name = trimDot(name)
	if len(name) == 0 || source <= r.NameSource {
		return
	}
	if r.NameSource == l7.ByDNS {
		n.keepDNSName(r)
	}
	ref := n.Names.Rename(r.Name, name)
	if ref == 0 {
		*n.Refused++
		return
	}
	r.Name, r.NameSource = ref, source
}

// Release frees the name of a flow that has ended.
func (n *Namer) Release(r *flow.Record) {
	if p, _ := n.pending.find(r); p != nil {
		n.pending.detach(p)
	}
	n.Names.Free(r.Name)
	r.Name = 0
}

// Describe sets in an event what is known of its flow's name. The texts are copied into the event's batch. waits reports that answers of
// DNS may still change that: then Complete must be called with the place, best when Decided.
func (n *Namer) Describe(b *event.Batch, e *event.Event, r *flow.Record) (place uint64, waits bool) {
	n.scratch = n.Names.Append(n.scratch[:0], r.Name)
	e.Name, e.NameSource = b.CopyText(n.scratch), r.NameSource
	e.Conflicts, e.ECH = e.Conflicts|r.NameFlags.Conflicts(), r.NameFlags.ECH()
	e.NameConfidence = confidence(e, r.NameFlags&flow.WeakName != 0)
	if !l7.Table[e.Proto].Lookup {
		e.Direct = r.NameFlags.Direct()
	}
	if n.Details.Has(e.Kind) {
		n.describeDetails(b, e, r)
	}
	return n.waits(e, r)
}

// confidence returns how certain a flow's name is. What the client asked for on the connection itself is certain, unless it may be
// the outer name of an encrypted hello; an address may serve many names, and a certificate may be for others too.
func confidence(e *event.Event, weak bool) event.Confidence {
	overlap := e.Conflicts&event.Overlap != 0 // the name may be in the copy that the receiver did not take
	switch e.NameSource {
	case l7.SNI, l7.QUICSNI, l7.HTTPHost:
		if overlap || e.ECH == event.ECHUnknown {
			return event.Low
		}
		return event.High
	case l7.ByDNS:
		if weak {
			return event.Low
		}
		return event.Medium
	case l7.ByCert:
		if overlap {
			return event.Low
		}
		return event.Medium
	default:
		return event.Low
	}
}
