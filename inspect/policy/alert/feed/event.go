package feed

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
)

// firstSignature is the number of the signature of the first kind of alerts. The others follow in their order.
const firstSignature = 9478001

// categories are Suricata's texts for classes of signatures.
var categories = [policy.NumAlertKinds]string{
	policy.Exfiltration: "Potential Corporate Privacy Violation", policy.Violation: "Potential Corporate Privacy Violation",
	policy.DirectToAddress: "Potentially Bad Traffic", policy.NewName: "Misc activity",
	policy.Beacon: "Malware Command and Control Activity Detected", policy.LongConnection: "Misc activity",
	policy.DNSTunnel: "Malware Command and Control Activity Detected", policy.ManagementPort: "Misc activity",
	policy.Cleartext: "Potential Corporate Privacy Violation", policy.ResolverBypass: "Potentially Bad Traffic",
	policy.Listed: "Potentially Bad Traffic", policy.Match: "Misc activity",
}

// Batch returns an alert as a batch with one event.
func Batch(a *alert.Alert) *event.Batch {
	e := event.Event{
		Kind: event.Alert, Nanos: a.Last, FlowID: a.Flow, DstPort: a.Port, IPProto: a.Protocol,
		Finding: &event.Finding{
			ID: firstSignature + uint32(a.Kind), Signature: "mirrorsink egress " + a.Kind.String(), Category: categories[a.Kind],
			Severity: uint8(a.Severity), Metadata: metadata(a),
		},
	}
	if a.From.IsValid() && a.Addr.IsValid() {
		e.Src, e.Dst, e.IPVersion = a.From.As16(), a.Addr.As16(), 4
		if a.From.Is6() {
			e.IPVersion = 6
		}
	}
	return &event.Batch{Events: []event.Event{e}}
}

// metadata returns what is known of an alert. Unknown members are left out.
func metadata(a *alert.Alert) (all []event.Metadata) {
	add := func(key string, values ...string) {
		if len(values) > 0 && values[0] != "" {
			all = append(all, event.Metadata{Key: key, Values: values})
		}
	}
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	moment := func(nanos int64) string { return time.Unix(0, nanos).UTC().Format(time.RFC3339Nano) }
	add("state", a.State.String())
	add("rule", a.Rule)
	add("workload", a.Workload)
	add("source", a.Source)
	add("destination", a.To)
	add("bytes", number(a.Bytes))
	if a.Within > 0 {
		add("window", a.Within.String())
	}
	add("count", number(a.Count))
	add("repeats", number(a.Repeats))
	add("first_seen", moment(a.First))
	add("last_seen", moment(a.Last))
	add("interface", a.Interface)
	add("instance", a.Instance)
	add("account", a.Account)
	add("evidence", a.Evidence)
	if a.Uncertain {
		add("uncertain", "true")
	}
	var flows []string
	for _, f := range a.Flows {
		flows = append(flows, fmt.Sprintf("%d %v %d bytes", f.ID, netip.AddrPortFrom(f.Addr, f.Port), f.Bytes))
	}
	add("flows", flows...)
	return all
}
