package naming

import (
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// Kinds of text that are attached to a flow's name, for flow log records.
const (
	detailSNI     byte = iota + 1 // unless it is the name
	detailDNSName                 // likewise
	detailJA4
)

// attach keeps a text of a kind with a flow's name.
func (n *Namer) attach(r *flow.Record, kind byte, text []byte) {
	if n.Details == 0 || len(text) == 0 {
		return
	}
	ref, ok := n.Names.Attach(r.Name, kind, text)
	if !ok {
		*n.Refused++
	}
	r.Name = ref
}

// keepDNSName attaches the name from DNS to a flow that gets a better one.
func (n *Namer) keepDNSName(r *flow.Record) {
	if n.Details == 0 {
		return
	}
	var name [256]byte // n.scratch may hold the better one
	n.attach(r, detailDNSName, n.Names.Append(name[:0], r.Name))
}

// describeDetails sets in an event the texts that are attached to its flow's name.
func (n *Namer) describeDetails(b *event.Batch, e *event.Event, r *flow.Record) {
	w := &e.Window
	w.SNI, w.DNSName = n.copyDetail(b, r, detailSNI), n.copyDetail(b, r, detailDNSName)
	if e.Kind == event.Interval {
		w.JA4 = n.copyDetail(b, r, detailJA4)
	}
	switch r.NameSource {
	case l7.SNI, l7.QUICSNI:
		w.SNI = e.Name
	case l7.ByDNS:
		w.DNSName = e.Name
	case l7.NoName, l7.ByCert, l7.HTTPHost:
	}
}

// copyDetail copies an attached text into a batch.
func (n *Namer) copyDetail(b *event.Batch, r *flow.Record, kind byte) event.Span {
	n.scratch = n.Names.Attached(n.scratch[:0], r.Name, kind)
	return b.CopyText(n.scratch)
}
