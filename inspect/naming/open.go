package naming

import (
	"net/netip"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/mirror"
	"github.com/mirrorsink/mirrorsink/inspect/pdns"
)

// Outbound reports whether a flow's client is on our side: it is the mirrored interface, or, where that is neither end, is behind
// it or has an address of the site. A server behind the interface proves nothing: it may be what a router forwards to.
func Outbound(r *flow.Record, sessions *mirror.Table, exempt []netip.Prefix) bool {
	client, server := r.Endpoints()
	switch sessions.DirectionByAddress(r.Key.Session, client.Addr, server.Addr) {
	case event.Egress:
		return true
	case event.Ingress:
		return false
	case event.NoDirection:
	}
	return r.Direction() == event.Egress || pdns.Exempt(client.Addr.Netip(), exempt)
}

// Opened names a flow by what DNS had answered, when the flow began, for the address that its client connects to. It is called when
// a flow begins, and again when its client turns out to be the other side.
func (n *Namer) Opened(r *flow.Record, outbound bool) {
	n.dropDNSName(r)
	client, server := n.client(r)
	answer, found := n.DNS.Lookup(n.scratch[:0], client, server, r.Start, r.Start+int64(Reach))
	r.NameFlags &^= flow.WeakName
	if found {
		n.setName(r, answer.Name, l7.ByDNS)
		if r.NameSource != l7.ByDNS {
			n.attach(r, detailDNSName, answer.Name)
		}
		n.scratch = answer.Name[:0]
		answer.Name = nil
		if isWeak(&answer) {
			r.NameFlags |= flow.WeakName
		}
	}
	direct := event.NotDirect
	if outbound {
		direct = directs[pdns.Explain(&pdns.Evidence{
			Start: r.Start, Exempt: pdns.Exempt(server.Netip(), n.Exempt), Found: found, Answer: answer,
			SeesDNS: n.DNS.SeesDNS(client.Session), DoH: n.DNS.DoH(client, r.Start),
		})]
	}
	if p, _ := n.pending.find(r); p != nil || n.isOpen(r) && (!found || isWeak(&answer) || direct != event.NotDirect) {
		direct = n.awaitAnswer(r, &answer, found, direct)
	}
	r.NameFlags = r.NameFlags.WithDirect(direct)
}

// awaitAnswer makes a flow wait for an answer that explains it. It returns what is claimed meanwhile: nothing, if there is no room.
func (n *Namer) awaitAnswer(r *flow.Record, answer *pdns.Answer, found bool, direct event.Direct) event.Direct {
	p := n.suspend(r)
	if p != nil {
		p.answer, p.found, p.direct = *answer, found, direct
		return direct
	}
	if direct != event.NotDirect {
		*n.Undecided++
	}
	return event.NotDirect
}

// isWeak reports whether an answer may be of another name.
func isWeak(a *pdns.Answer) bool { return a.Stale || a.Shared || a.OtherHost }

// dropDNSName removes what DNS had answered for the other side, before the flow was turned round.
func (n *Namer) dropDNSName(r *flow.Record) {
	if r.NameSource == l7.ByDNS {
		n.Names.Free(r.Name)
		r.Name, r.NameSource = 0, l7.NoName
	}
	n.Names.Detach(r.Name, detailDNSName)
}

var directs = [...]event.Direct{
	pdns.Explained: event.NotDirect, pdns.NoLookup: event.NoLookup, pdns.LookupExpired: event.LookupExpired,
	pdns.DoHSuspected: event.DoHSuspected, pdns.NoDNSSeen: event.NoDNSSeen,
}
