package judge

import (
	"math"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export/records"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/facts"
)

const text = `
workloads:
  web: {tags: {role: web}}
  near: {cidr: 10.0.0.0/24}
allow:
  - {from: web, to: ["*.example.com", 203.0.113.0/24], ports: [443]}
  - {to: [b.test]}
`

func rules(t require.TestingT, text string) *Rules {
	p, err := policy.Parse("p.yaml", []byte(text), policy.Config{})
	require.NoError(t, err)
	return &Rules{Policy: p, Services: new(flowlog.Services)}
}

var owners = []*event.Owner{
	nil, {ENI: "eni-1", Instance: "i-1", Tags: map[string]string{"role": "web"}}, {ENI: "eni-2", Tags: map[string]string{}},
}

// drawEvent draws an event of a kind with facts that matter for verdicts, of few values each, so that many are equal but for one.
func drawEvent(t *rapid.T, b *event.Batch) event.Event {
	name := func(label string) event.Span {
		return b.CopyText([]byte(rapid.SampledFrom([]string{"", "a.example.com", "b.test", "example.com", "192.0.2.1"}).Draw(t, label)))
	}
	addr := rapid.SampledFrom([]string{"10.0.0.1", "10.0.1.1", "203.0.113.5", "192.0.2.9", "224.0.0.1"})
	e := event.Event{
		Kind: event.Interval, IPVersion: 4, IPProto: 6,
		Src: netip.MustParseAddr(addr.Draw(t, "src")).As16(), Dst: netip.MustParseAddr(addr.Draw(t, "dst")).As16(), SrcPort: 40000,
		DstPort: rapid.SampledFrom([]uint16{443, 22}).Draw(t, "port"), Owner: rapid.SampledFrom(owners).Draw(t, "owner"),
		NameSource: rapid.SampledFrom([]l7.NameSource{l7.NoName, l7.SNI, l7.HTTPHost, l7.ByDNS, l7.ByCert}).Draw(t, "source"),
		Initiator:  rapid.SampledFrom([]event.Initiator{event.BySYN, event.BySYNACK, event.ByPorts}).Draw(t, "initiator"),
		ECH:        rapid.SampledFrom([]event.ECH{event.ECHNone, event.ECHGrease, event.ECHReal}).Draw(t, "ech"),
		Conflicts:  rapid.SampledFrom([]event.Conflict{0, event.SNINotInDNS}).Draw(t, "conflicts"),
		Direct:     rapid.SampledFrom([]event.Direct{event.NotDirect, event.NoLookup, event.NoDNSSeen}).Draw(t, "direct"),
		Flow:       event.FlowRecord{Packets: [2]uint64{1, 1}, Bytes: [2]uint64{40, 40}},
	}
	if e.NameSource != l7.NoName {
		e.Name = name("name")
	}
	switch e.NameSource {
	case l7.SNI:
		e.Window.SNI = e.Name
	case l7.ByDNS:
		e.Window.DNSName = e.Name
	case l7.HTTPHost, l7.ByCert:
		e.Window.DNSName = name("dns")
	default:
	}
	if rapid.Bool().Draw(t, "mirrored") {
		e.Mirrored, e.VNI, e.Outer = true, rapid.Uint32Range(1, 2).Draw(t, "vni"), netip.MustParseAddr("10.0.0.1")
		e.Direction = rapid.SampledFrom([]event.Direction{event.NoDirection, event.Ingress, event.Egress}).Draw(t, "direction")
	} else {
		e.Owner = nil
	}
	return e
}

// TestVerdictsAreThoseOfTheFacts: what a judge remembers changes no verdict, also when the rules change, and the record of an event has the
// same verdict.
func TestVerdictsAreThoseOfTheFacts(t *testing.T) {
	both := []*Rules{rules(t, text), rules(t, "allow: [{to: any}]")}
	seen := map[string]bool{}
	check := func(t *rapid.T) {
		now := both[0]
		j := New(func() *Rules { return now })
		builder := records.NewBuilder(records.Config{Services: now.Services})
		for range rapid.IntRange(1, 12).Draw(t, "n") {
			b := &event.Batch{}
			b.Events = append(b.Events, drawEvent(t, b))
			now = rapid.SampledFrom(both).Draw(t, "rules")
			e := &b.Events[0]
			j.Batch(b)
			var f policy.Flow
			facts.OfEvent(&f, b, e, now.Services)
			want := wordsOf(now.Policy.Decide(&f))
			require.Equal(t, want, e.Policy)
			if want != nil {
				seen[want.Kind+" "+want.Reason] = true
			}
			for _, r := range builder.Records(b, e) {
				require.True(t, math.IsNaN(r.Completeness))
				r.Workload = "" // so that it is found by the other facts
				outbound := facts.Of(&f, &r)
				f.Services = true // records do not say that ranges are loaded
				if f.Source.Tags = map[string]string(nil); e.Owner != nil {
					f.Source.Tags = e.Owner.Tags // records have none
				}
				require.Equal(t, want, wordsOf(now.Policy.Decide(&f)), "%+v", r)
				require.Equal(t, (r.Initiator == "src") != (e.Direction == event.Ingress), outbound)
			}
		}
	}
	for _, kind := range []string{"allowed ", "not-allowed no-rule", "exempt exempt", "inconclusive unknown-workload"} {
		for range 50 { // until chance has brought one
			if !seen[kind] {
				rapid.Check(t, check)
			}
		}
		require.True(t, seen[kind], kind)
	}
}

// TestNoAllocations: a verdict that is remembered costs no memory.
func TestNoAllocations(t *testing.T) {
	r := rules(t, text)
	j := New(func() *Rules { return r })
	b := &event.Batch{}
	b.Events = append(b.Events, event.Event{
		Kind: event.Flow, IPVersion: 4, IPProto: 6, DstPort: 443, Src: netip.MustParseAddr("10.0.0.1").As16(),
		Dst: netip.MustParseAddr("203.0.113.5").As16(), Owner: owners[1], Mirrored: true, Direction: event.Egress, Name: b.CopyText([]byte("a.example.com")), NameSource: l7.SNI, Initiator: event.BySYN,
	})
	j.Batch(b)
	require.Equal(t, "web", b.Events[0].Policy.Workload)
	require.Zero(t, testing.AllocsPerRun(100, func() { j.Batch(b) }))
}

func BenchmarkRemembered(bench *testing.B) {
	r := rules(bench, text)
	j := New(func() *Rules { return r })
	b := &event.Batch{}
	b.Events = append(b.Events, event.Event{
		Kind: event.Flow, IPVersion: 4, IPProto: 6, DstPort: 443, Src: netip.MustParseAddr("10.0.0.1").As16(),
		Dst: netip.MustParseAddr("203.0.113.5").As16(), Owner: owners[1], Mirrored: true, Direction: event.Egress, Name: b.CopyText([]byte("a.example.com")), NameSource: l7.SNI, Initiator: event.BySYN,
	})
	for bench.Loop() {
		j.Batch(b)
	}
}
