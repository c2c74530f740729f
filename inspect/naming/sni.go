package naming

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/pdns"
)

// serverName gives a flow the server name of a client's hello, and compares it with the name that was known before.
func (n *Namer) serverName(r *flow.Record, h *l7.Hint, nanos int64) {
	client, server := n.client(r)
	if pdns.IsResolver(server.Netip(), string(h.Name)) {
		n.DNS.AddDoH(client, nanos)
	}
	known := n.Names.Append(n.scratch[:0], r.Name)
	n.scratch = known[:0]
	same := bytes.EqualFold(known, h.Name)
	if h.ECH != l7.ECHNone {
		r.NameFlags = r.NameFlags.WithECH(n.classifyECH(r, client.Session, known, same, nanos))
		if r.NameFlags.ECH() == event.ECHReal {
			n.attach(r, detailSNI, h.Name)
			return // the name in the clear is that of a provider that serves many others
		}
	}
	switch {
	case r.NameSource == l7.ByDNS && !same && r.NameFlags&flow.WeakName == 0, r.NameFlags.Direct() == event.NoLookup:
		r.NameFlags |= flow.NameFlags(event.SNINotInDNS)
	case r.NameSource == l7.HTTPHost && !same:
		r.NameFlags |= flow.NameFlags(event.HostNotInSNI)
	}
	n.setName(r, h.Name, h.NameSource)
}

// classifyECH distinguishes a real Encrypted Client Hello from GREASE. known is the flow's name so far, and same reports that it is
// the name in the clear too. A client needs the server's key from an HTTPS record for a real one; and if the name in the clear is
// what the client had looked up, there is nothing to hide.
func (n *Namer) classifyECH(r *flow.Record, session uint32, known []byte, same bool, nanos int64) event.ECH {
	switch {
	case r.NameSource != l7.ByDNS:
		return event.ECHUnknown
	case n.DNS.ECH(session, known, nanos):
		return event.ECHReal
	case same:
		return event.ECHGrease
	default:
		return event.ECHUnknown
	}
}
