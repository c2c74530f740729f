package spec

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// TestPrintedSpecs: any spec, written as YAML in blocks or as JSON, parses to itself.
func TestPrintedSpecs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anySpec(t)
		print := rapid.SampledFrom([]func(any) ([]byte, error){json.Marshal, yaml.Marshal}).Draw(t, "print")
		text, err := print(printable{t}.spec(want))
		require.NoError(t, err)
		got, err := Parse("s", text)
		require.NoError(t, err, "%s", text)
		require.Equal(t, want, unplaced(got), "%s", text)
	})
}

var (
	hex17   = rapid.StringMatching(`[0-9a-f]{17}`)
	text    = rapid.StringMatching(`[A-Za-z]([ -~é]{0,9}[!-~])?`) // goccy's encoder forgets quotes that "? x" needs
	numbers = func(to int) *rapid.Generator[[]int] {
		return rapid.SliceOfNDistinct(rapid.IntRange(1, to), 0, account.MaxRulesPerFilter/2, rapid.ID)
	}
)

// anyNames are in the order of letters, in which maps are printed.
func anyNames(t *rapid.T, label string) []string {
	list := rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Za-z0-9._-]{1,20}`), 1, 3, rapid.ID).Draw(t, label)
	slices.Sort(list)
	return list
}

func anyIDs(t *rapid.T, prefix string) (list []string) {
	for _, d := range rapid.SliceOfNDistinct(hex17, 0, 3, rapid.ID).Draw(t, prefix) {
		list = append(list, prefix+d)
	}
	return list
}

func anySpec(t *rapid.T) *Spec {
	s := &Spec{File: "s", Owner: rapid.StringMatching(`[A-Za-z0-9._/-]{1,64}`).Draw(t, "owner")}
	for i, name := range anyNames(t, "targets") {
		s.Targets = append(s.Targets, anyTarget(t, name, i))
	}
	for _, name := range anyNames(t, "filters") {
		rules := append(anyRules(t, account.Ingress), anyRules(t, account.Egress)...)
		s.Filters = append(s.Filters, Filter{Name: name, AmazonDNS: rapid.Bool().Draw(t, "amazon-dns"), Rules: rules})
	}
	for _, name := range anyNames(t, "sources") {
		source := Source{Name: name, Optional: rapid.Bool().Draw(t, "optional"), Selector: anySelector(t)}
		source.Devices = append(source.Devices, numbers(15).Draw(t, "devices")...)
		for range rapid.IntRange(0, 2).Draw(t, "exclude") {
			source.Exclude = append(source.Exclude, anySelector(t))
		}
		s.Sources = append(s.Sources, source)
	}
	for _, name := range anyNames(t, "sessions") {
		s.Sessions = append(s.Sessions, anySession(t, s, name))
	}
	return s
}

// anyTarget is another one for each i.
func anyTarget(t *rapid.T, name string, i int) Target {
	number := fmt.Sprintf("%017x", i)
	return rapid.SampledFrom([]Target{
		{Name: name, ID: "tmt-" + number}, {Name: name, Interface: "eni-" + number}, {Name: name, Endpoint: "vpce-" + number},
		{Name: name, LoadBalancer: "arn:aws-us-gov:elasticloadbalancing:us-gov-west-1:111122223333:loadbalancer/net/a-b/" + number},
	}).Draw(t, "target")
}

func anyRules(t *rapid.T, direction string) (rules []account.Rule) {
	for _, n := range numbers(account.MaxRuleNumber).Draw(t, "numbers") {
		r := account.Rule{Direction: direction, Number: n, Action: rapid.SampledFrom([]string{account.Accept, account.Reject}).Draw(t, "action"),
			Protocol: rapid.SampledFrom([]int{0, 1, 6, 17, 58, 255}).Draw(t, "protocol")}
		size := rapid.SampledFrom([]int{4, 16}).Draw(t, "size")
		r.Source, r.Destination = anyPrefix(t, size), anyPrefix(t, size)
		if r.Protocol == 6 || r.Protocol == 17 {
			r.SourcePorts, r.DestinationPorts = anyPorts(t), anyPorts(t)
		}
		rules = append(rules, r)
	}
	return rules
}

func anyPorts(t *rapid.T) *account.PortRange {
	from := rapid.IntRange(0, 65535).Draw(t, "from")
	return rapid.SampledFrom([]*account.PortRange{nil, {From: from, To: from}, {From: from, To: 65535}}).Draw(t, "ports")
}

// anyPrefix has an address of size bytes. One of IPv6 is never mapped IPv4.
func anyPrefix(t *rapid.T, size int) netip.Prefix {
	b := rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "address")
	b[0] |= 1
	addr, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(addr, rapid.IntRange(0, 8*size).Draw(t, "bits")).Masked()
}

func anySelector(t *rapid.T) Selector {
	return Selector{
		Tags:       rapid.MapOfN(rapid.StringMatching(`[A-Za-z0-9:/ ]{0,9}`), text, 1, 3).Draw(t, "tags"),
		Interfaces: anyIDs(t, "eni-"),
		Instances:  anyIDs(t, "i-"),
		Groups:     rapid.SliceOfNDistinct(text, 1, 2, rapid.ID).Draw(t, "groups"),
		VPCs:       anyIDs(t, "vpc-"),
		Subnets:    anyIDs(t, "subnet-"),
	}
}

func anySession(t *rapid.T, spec *Spec, name string) Session {
	s := Session{Name: name,
		Filter:       rapid.SampledFrom(spec.Filters).Draw(t, "filter").Name,
		PacketLength: rapid.SampledFrom([]int{0, account.MinPacketLength, 128, account.MaxPacketLength}).Draw(t, "packet-length"),
		Number:       rapid.IntRange(0, account.MaxSessionNumber).Draw(t, "number"),
	}
	for _, source := range spec.Sources[rapid.IntRange(0, len(spec.Sources)-1).Draw(t, "source"):] {
		s.Sources = append(s.Sources, source.Name)
	}
	target := rapid.SampledFrom(spec.Targets).Draw(t, "target").Name
	if rapid.Bool().Draw(t, "by zone") {
		s.ZoneTargets = map[string]string{"eu-west-1a": target, "us-west-2-lax-1b": spec.Targets[0].Name}
	} else {
		s.Target = target
	}
	if from := rapid.Uint32Range(0, account.MaxVNI).Draw(t, "vni"); rapid.Bool().Draw(t, "vni given") {
		s.VNI = VNIRange{true, from, rapid.SampledFrom([]uint32{from, account.MaxVNI}).Draw(t, "to")}
	}
	return s
}
