package facts

import (
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// groupTag is the tag that Auto Scaling puts on its instances.
const groupTag = "aws:autoscaling:groupName"

// OfEvent fills f with the facts of an event's flow, as of the event. services are AWS's ranges; nil for none. f keeps its memory for the
// next event.
func OfEvent(f *policy.Flow, b *event.Batch, e *event.Event, services *flowlog.Services) {
	lookups := f.Names.Lookups[:0]
	src, dst := e.Addrs()
	*f = policy.Flow{
		Source: policy.Source{Addr: src, VNI: e.VNI, Mirrored: e.Mirrored},
		Addr:   dst, Port: e.DstPort, Protocol: e.IPProto, Service: services.Of(dst), Services: services != nil, App: e.AppProto(),
		Opened: openedBy(e), Late: Late(e), Hidden: Hidden(e),
		Disputed: e.Conflicts != 0, NoDNS: e.Direct == event.NoDNSSeen,
	}
	if o := e.Owner; o != nil {
		s := &f.Source
		s.Interface, s.Instance, s.Subnet, s.VPC, s.Account, s.Tags, s.Group = o.ENI, o.Instance, o.Subnet, o.VPC, o.Account, o.Tags, o.Tags[groupTag]
	}
	name := string(b.Text(e.Name))
	switch e.NameSource {
	case l7.SNI, l7.QUICSNI:
		f.Names.SNI = name
	case l7.HTTPHost:
		f.Names.Host = name
	case l7.ByDNS:
		lookups = append(lookups, name)
	case l7.NoName, l7.ByCert:
	}
	if e.Window.SNI.Len > 0 {
		f.Names.SNI = string(b.Text(e.Window.SNI))
	}
	if e.Window.DNSName.Len > 0 {
		lookups = append(lookups[:0], string(b.Text(e.Window.DNSName)))
	}
	f.Names.Lookups = lookups
}

// Late reports whether the flow of an event began before the first copy: nothing of its handshake was seen.
func Late(e *event.Event) bool { return e.IsTCP() && e.Initiator < event.BySYNACK }

// Hidden reports whether an encrypted hello has the name of an event's flow.
func Hidden(e *event.Event) bool { return e.ECH == event.ECHReal || e.ECH == event.ECHUnknown }

// openedBy reports who opened the flow of an event. Src is the client: it is the mirrored interface, or a host behind it, if its packets
// left there. A plain capture has no interface, so every client in it is judged.
func openedBy(e *event.Event) policy.Opened {
	switch {
	case e.Direction == event.Egress, !e.Mirrored:
		return policy.OpenedHere
	case e.Direction == event.Ingress:
		return policy.OpenedThere
	default:
		return policy.OpenedUnknown
	}
}
