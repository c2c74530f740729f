package inspect

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/pdns"
)

// ends returns the addresses of a flow's client and server, and its client as passive DNS knows it.
func (w *Worker) ends(r *flow.Record) (client pdns.Host, server decap.Addr) {
	client.Session, client.Addr, server = w.sessions.ID(r.Key.Tap), r.Key.Lo, r.Key.Hi
	if r.Client() == 1 {
		client.Addr, server = r.Key.Hi, r.Key.Lo
	}
	return client, server
}

// begun has a flow explained whose first packet came.
func (w *Worker) begun(r *flow.Record, s flow.Side, p *decap.Packet) {
	w.forward.Begin(r, s, p)
	if w.diary != nil {
		w.diary.begin(w, r)
	}
	w.opened(r)
}

// opened has a flow explained when it begins, and again when it is turned round.
func (w *Worker) opened(r *flow.Record) {
	k := &r.Key
	if k.Proto != decap.TCP && k.Proto != decap.UDP || k.Version&decap.InPieces != 0 {
		return
	}
	client, server := w.ends(r)
	outbound := w.outbound(r, client.Addr, server)
	if w.diary != nil {
		w.diary.open(w, r, outbound)
		return
	}
	w.explain(r, outbound)
}

// explain finds out what DNS had said, when the flow began, of the address that its client connects to.
func (w *Worker) explain(r *flow.Record, outbound bool) {
	w.forgetDNS(r)
	client, server := w.ends(r)
	answer, found := w.known.dns.Lookup(w.name[:0], client, server, r.Start)
	r.Facts &^= flow.WeakName
	if found {
		w.call(r, answer.Name, l7.ByDNS)
		if r.NameSource != l7.ByDNS {
			w.remember(r, textDNS, answer.Name)
		}
		w.name = answer.Name[:0]
		if answer.Stale || answer.Shared || answer.OtherHost {
			r.Facts |= flow.WeakName
		}
	}
	r.Facts = r.Facts.WithDirect(event.NotDirect)
	if outbound {
		r.Facts = r.Facts.WithDirect(directs[pdns.Explain(&pdns.Evidence{
			Start: r.Start, Exempt: pdns.Exempt(server.Netip(), w.cfg.Exempt), Found: found, Answer: answer,
			SeesDNS: w.known.dns.SeesDNS(client.Session), DoH: w.known.dns.DoH(client, r.Start),
		})])
	}
}

// forgetDNS takes away what DNS had said of the other end, before the flow was turned round.
func (w *Worker) forgetDNS(r *flow.Record) {
	if r.NameSource == l7.ByDNS {
		w.names.Free(r.Name)
		r.Name, r.NameSource = 0, l7.NoName
	}
	w.names.Detach(r.Name, textDNS)
}

var directs = [...]event.Direct{
	pdns.Explained: event.NotDirect, pdns.NoLookup: event.NoLookup, pdns.LookupExpired: event.LookupExpired,
	pdns.DoHSuspected: event.DoHSuspected, pdns.NoDNSSeen: event.NoDNSSeen,
}

// outbound reports whether a flow's client is on our side: it is the mirrored interface, or, where that is neither end, is
// behind it or has an address of the site. A server behind the interface proves nothing: it may be what a router forwards to.
func (w *Worker) outbound(r *flow.Record, client, server decap.Addr) bool {
	switch w.sessions.DirectionByAddress(r.Key.Tap, client, server) {
	case event.Egress:
		return true
	case event.Ingress:
		return false
	case event.NoDirection:
	}
	if r.Direction() == event.Egress {
		return true
	}
	return pdns.Exempt(client.Netip(), w.cfg.Exempt)
}

// learn remembers what a DNS response told the flow's client.
func (w *Worker) learn(r *flow.Record, nanos int64) {
	client, _ := w.ends(r)
	for i := range w.hint.Answers {
		a := &w.hint.Answers[i]
		if a.Addr.IsValid() {
			w.known.dns.Add(client, a.Addr.As16(), a.Name, a.TTL, nanos)
		}
		if a.ECH {
			w.known.dns.AddECH(client.Session, a.Name, a.TTL, nanos)
		}
	}
}

// baptize gives the flow the name that a message says, and compares it with what was known before.
func (w *Worker) baptize(r *flow.Record, nanos int64) {
	h := &w.hint
	if h.NameSource != l7.SNI && h.NameSource != l7.QUICSNI {
		w.call(r, h.Name, h.NameSource)
		return
	}
	client, server := w.ends(r)
	if pdns.IsResolver(server.Netip(), string(h.Name)) {
		w.known.dns.AddDoH(client, nanos)
	}
	known := w.names.Append(w.name[:0], r.Name)
	w.name = known[:0]
	same := bytes.EqualFold(known, h.Name)
	if h.ECH != l7.ECHNone {
		r.Facts = r.Facts.WithECH(w.encrypted(r, client.Session, known, same, nanos))
		if r.Facts.ECH() == event.ECHReal {
			w.remember(r, textSNI, h.Name)
			return // the name in the clear is that of who runs the server for many
		}
	}
	switch {
	case r.NameSource == l7.ByDNS && !same && r.Facts&flow.WeakName == 0, r.Facts.Direct() == event.NoLookup:
		r.Facts |= flow.Facts(event.SNINotInDNS)
	case r.NameSource == l7.HTTPHost && !same:
		r.Facts |= flow.Facts(event.HostNotInSNI)
	}
	w.call(r, h.Name, h.NameSource)
}

// encrypted tells a real Encrypted Client Hello from GREASE. known is the flow's name so far, and same that it is the name in
// the clear too. Only who has the server's key, from an HTTPS record, can send a real one; and if the name in the clear is
// what the client had looked up, there is nothing that it hides.
func (w *Worker) encrypted(r *flow.Record, tap uint32, known []byte, same bool, nanos int64) event.ECH {
	switch {
	case r.NameSource != l7.ByDNS:
		return event.ECHUnknown
	case w.known.dns.ECH(tap, known, nanos):
		return event.ECHReal
	case same:
		return event.ECHGrease
	default:
		return event.ECHUnknown
	}
}

// confidence is how sure a flow's name is. What the client asked for on the connection itself is certain, unless it may be
// the outside of an encrypted hello; an address may serve many names, and a certificate may be for others too.
func confidence(r *flow.Record) event.Confidence {
	switch r.NameSource {
	case l7.SNI, l7.QUICSNI, l7.HTTPHost:
		if r.Facts.ECH() == event.ECHUnknown {
			return event.Low
		}
		return event.High
	case l7.ByDNS:
		if r.Facts&flow.WeakName != 0 {
			return event.Low
		}
		return event.Medium
	case l7.ByCert:
		return event.Medium
	default:
		return event.Low
	}
}
