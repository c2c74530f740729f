package naming

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/pdns"
)

// serverName gives a flow the server name of a client's hello, and compares it with the name that was known before.
func (n *Namer) serverName(r *flow.Record, h *l7.Hint, nanos int64) {
	name := trimDot(h.Name)
	client, server := n.client(r)
	if pdns.IsResolver(server.Netip(), string(name)) {
		n.DNS.AddDoH(client, nanos)
	}
	known := n.Names.Append(n.scratch[:0], r.Name)
	n.scratch = known[:0]
	if h.ECH != l7.ECHNone {
		r.NameFlags = r.NameFlags.WithECH(event.ECHUnknown)
		if r.NameSource == l7.ByDNS {
			r.NameFlags = r.NameFlags.WithECH(n.classifyECH(client.Session, known, name, nanos))
		}
		if r.NameFlags.ECH() == event.ECHReal {
			n.attach(r, detailSNI, name)
			return // the name in the clear is that of a provider that serves many others
		}
	}
	switch {
	case r.NameSource == l7.ByDNS && r.NameFlags&flow.WeakName == 0 && !n.explains(client.Session, server, known, name, nanos),
		r.NameFlags.Direct() == event.NoLookup && !isAddress(name, server):
		r.NameFlags |= flow.NameFlags(event.SNINotInDNS)
	case r.NameSource == l7.HTTPHost && !agree(known, name):
		r.NameFlags |= flow.NameFlags(event.HostNotInSNI)
	}
	n.awaitName(r, name)
	n.setName(r, name, h.NameSource)
}

// awaitName makes a flow wait for answers if those so far do not explain its server's name, or the name in the clear of an encrypted hello.
func (n *Namer) awaitName(r *flow.Record, name []byte) {
	conflict := r.NameFlags.Conflicts()&event.SNINotInDNS != 0
	p, _ := n.pending.find(r)
	if p == nil && (conflict || r.NameFlags.ECH() == event.ECHUnknown) && n.isOpen(r) {
		if p = n.suspend(r); p != nil {
			p.found, p.direct = r.NameSource == l7.ByDNS, r.NameFlags.Direct()
		} else if conflict {
			r.NameFlags &^= flow.NameFlags(event.SNINotInDNS)
			*n.Undecided++
		}
	}
	if p != nil {
		n.keepHello(p, name, r)
	}
}

// explains reports whether a server's name in DNS explains the name in a client's hello. A hello has the name that
// the program was given. The resolver may have looked up another one for it: with a domain of its search list, or at the end of aliases
// that it followed itself.
func (n *Namer) explains(session uint32, server decap.Addr, known, name []byte, nanos int64) bool {
	if isAddress(name, server) {
		return true
	}
	known, name = withoutService(known), withoutService(name)
	return sameName(known, name) || completed(known, name) || completed(name, known) && bytes.IndexByte(known, '.') < 0 ||
		n.DNS.Alias(session, known, name, nanos) || n.DNS.Alias(session, name, known, nanos)
}

// classifyECH distinguishes a real Encrypted Client Hello from GREASE, by what the client had looked up and the name in the clear. A
// client needs the server's key from an HTTPS record for a real one; and if the name in the clear is what the client had looked up, there
// is nothing to hide.
func (n *Namer) classifyECH(session uint32, known, name []byte, nanos int64) event.ECH {
	switch {
	case n.DNS.ECH(session, known, nanos):
		return event.ECHReal
	case sameName(known, name):
		return event.ECHGrease
	default:
		return event.ECHUnknown
	}
}
