package spec

import (
	"cmp"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// documented returns the spec that docs/sessions.md shows.
func documented(tb testing.TB) []byte {
	page, err := os.ReadFile("../../docs/sessions.md")
	require.NoError(tb, err)
	m := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)
	require.NotNil(tb, m)
	return m[1]
}

func TestDocumentedSpec(t *testing.T) {
	spec, err := Parse("mirror.yaml", documented(t))
	require.NoError(t, err)
	prefix := netip.MustParsePrefix
	rule := func(direction string, number int, action string, protocol int, source, destination string, ports *account.PortRange) account.Rule {
		return account.Rule{Direction: direction, Number: number, Action: action, Protocol: protocol, Source: prefix(source),
			Destination: prefix(destination), DestinationPorts: ports}
	}
	everything := []account.Rule{
		rule("ingress", 10, "accept", 0, "0.0.0.0/0", "0.0.0.0/0", nil),
		rule("ingress", 20, "accept", 0, "::/0", "::/0", nil),
		rule("egress", 10, "accept", 0, "0.0.0.0/0", "0.0.0.0/0", nil),
		rule("egress", 20, "accept", 0, "::/0", "::/0", nil),
	}
	require.Equal(t, &Spec{
		File:  "mirror.yaml",
		Owner: "payments-prod",
		Targets: []Target{
			{Name: "sink", Interface: "eni-0a1b2c3d4e5f60718"},
			{Name: "west-b", LoadBalancer: "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/sink/50dc6c495c0c9188"},
			{Name: "shared", ID: "tmt-0f1e2d3c4b5a69788"},
		},
		Filters: []Filter{
			{Name: "everything", AmazonDNS: true, Rules: everything},
			{Name: "web", AmazonDNS: true, Rules: []account.Rule{
				rule("ingress", 10, "reject", 0, "10.0.0.0/8", "0.0.0.0/0", nil),
				rule("ingress", 20, "accept", 6, "0.0.0.0/0", "0.0.0.0/0", &account.PortRange{From: 443, To: 443}),
				rule("ingress", 30, "accept", 6, "::/0", "::/0", &account.PortRange{From: 443, To: 443}),
				rule("egress", 100, "reject", 17, "0.0.0.0/0", "10.0.0.2/32", nil),
				rule("egress", 200, "accept", 0, "0.0.0.0/0", "0.0.0.0/0", nil),
			}},
		},
		Sources: []Source{
			{Name: "web", Optional: true, Devices: []int{0}, Selector: Selector{
				Tags: account.Tags{"service": "web"}, Groups: []string{"web-blue", "web-green"}, VPCs: []string{"vpc-0123456789abcdef0"},
			}, Exclude: []Selector{
				{Tags: account.Tags{"mirror": "off"}},
				{Subnets: []string{"subnet-0123456789abcdef0"}},
			}},
			{Name: "database", Selector: Selector{Interfaces: []string{"eni-00112233445566778"}}},
		},
		Sessions: []Session{
			{Name: "web", Sources: []string{"web"}, Filter: "everything",
				ZoneTargets:  map[string]string{"eu-west-1a": "sink", "eu-west-1b": "west-b"},
				PacketLength: 8500, Number: 1, VNI: VNIRange{Set: true, From: 100, To: 199}},
			{Name: "database", Sources: []string{"database"}, Filter: "web", Target: "shared"},
		},
	}, unplaced(spec))
}

// goodSpecs are valid specs with features that the documented one lacks.
var goodSpecs = []struct {
	name, text string
	want       Spec
}{
	{"nothing", "owner: o\nsessions: {}\n", Spec{}},
	{"from Windows", "\ufeffowner: o\r\nsessions: {}\r\n", Spec{}},
	{"as JSON", `{"owner": "o", "sessions": {}}`, Spec{}},
	{"between marks", "---\nowner: o\nsessions: {}\n...\n", Spec{}},
	{"endpoint", "owner: o\ntargets: {t: {gateway-load-balancer-endpoint: vpce-0a}}\nsessions: {}",
		Spec{Targets: []Target{{Name: "t", Endpoint: "vpce-0a"}}}},
	{"a filter that takes nothing", "owner: o\nfilters: {f: {amazon-dns: false, ingress: [], egress: []}}\nsessions: {}",
		Spec{Filters: []Filter{{Name: "f"}}}},
	{"-1 is all protocols", "owner: o\nfilters: {f: {ingress: {action: accept, protocol: -1, source: 0.0.0.0/0}, egress: []}}\nsessions: {}",
		Spec{Filters: []Filter{{Name: "f", AmazonDNS: true, Rules: []account.Rule{{Direction: account.Ingress, Number: 10, Action: account.Accept, Source: anywhere4, Destination: anywhere4}}}}}},
	{"one rule without a list", "owner: o\nfilters: {f: {ingress: [], egress: {action: accept, protocol: UDP, destination: '2001:db8::7', source-ports: '53'}}}\nsessions: {}",
		Spec{Filters: []Filter{{Name: "f", AmazonDNS: true, Rules: []account.Rule{{Direction: account.Egress, Number: 10, Action: account.Accept, Protocol: 17,
			Source: anywhere6, Destination: netip.MustParsePrefix("2001:db8::7/128"), SourcePorts: &account.PortRange{From: 53, To: 53}}}}}}},
	{"eight rules and a direction left out", "owner: o\nfilters: {f: {ingress: [" +
		strings.Repeat("{action: reject, source: 10.0.0.1},", 8) + "]}}\nsessions: {}",
		Spec{Filters: []Filter{{Name: "f", AmazonDNS: true, Rules: append(eightRules(), acceptAll(account.Egress)...)}}}},
	{"texts that look like something else", "owner: 10\nsources: {1: {tags: {off: no, 1: 010, 'aws:x': '', null: 1.0}, exclude: {tags: {a: true}}}}\nsessions: {}",
		Spec{Owner: "10", Sources: []Source{{Name: "1", Selector: Selector{Tags: account.Tags{"off": "no", "1": "010", "aws:x": "", "null": "1.0"}},
			Exclude: []Selector{{Tags: account.Tags{"a": "true"}}}}}}},
	{"nothing is excluded", "owner: o\nsources: {s: {vpcs: vpc-1, exclude: []}}\nsessions: {}",
		Spec{Sources: []Source{{Name: "s", Selector: Selector{VPCs: []string{"vpc-1"}}}}}},
	{"VNI 0, sessions first", "sessions: {s: {sources: s, filter: f, target: t, vni: 0}}\nowner: o\nsources: {s: {vpcs: vpc-1}}\n" +
		"filters: {f: {ingress: [], egress: []}}\ntargets: {t: {id: tmt-1}}",
		Spec{Targets: []Target{{Name: "t", ID: "tmt-1"}}, Filters: []Filter{{Name: "f", AmazonDNS: true}},
			Sources:  []Source{{Name: "s", Selector: Selector{VPCs: []string{"vpc-1"}}}},
			Sessions: []Session{{Name: "s", Sources: []string{"s"}, Filter: "f", Target: "t", VNI: VNIRange{Set: true}}}}},
}

func eightRules() (rules []account.Rule) {
	for i := range 8 {
		rules = append(rules, account.Rule{Direction: account.Ingress, Number: 10 * (i + 1), Action: account.Reject,
			Source: netip.MustParsePrefix("10.0.0.1/32"), Destination: anywhere4})
	}
	return rules
}

func TestGoodSpecs(t *testing.T) {
	for _, c := range goodSpecs {
		t.Run(c.name, func(t *testing.T) {
			c.want.File, c.want.Owner = "s.yaml", cmp.Or(c.want.Owner, "o")
			got, err := Parse("s.yaml", []byte(c.text))
			require.NoError(t, err)
			require.Equal(t, &c.want, unplaced(got))
		})
	}
}

// unplaced returns the spec without positions.
func unplaced(spec *Spec) *Spec {
	for i := range spec.Targets {
		spec.Targets[i].At = strictyaml.Position{}
	}
	for i := range spec.Filters {
		spec.Filters[i].At = strictyaml.Position{}
	}
	for i := range spec.Sources {
		spec.Sources[i].At = strictyaml.Position{}
	}
	for i := range spec.Sessions {
		spec.Sessions[i].At = strictyaml.Position{}
	}
	return spec
}

func TestSpecPositions(t *testing.T) {
	spec, err := Parse("x", []byte("owner: o\nsources:\n  a: {vpcs: vpc-1}\n  b:\n    vpcs: [vpc-2]\nsessions: {}\n"))
	require.NoError(t, err)
	require.Equal(t, strictyaml.Position{Line: 3, Column: 3}, spec.Sources[0].At)
	require.Equal(t, strictyaml.Position{Line: 4, Column: 3}, spec.Sources[1].At)
}

// TestWindowsLineEnds: they are accepted and change no position.
func TestWindowsLineEnds(t *testing.T) {
	text := strings.ReplaceAll("# a comment\nowner: o\n# another\nsources:\n  a:\n    vpcs: vpc-1 # one more\n  b: {vpcs: vpc-2}\nsessions: {}\n", "\n", "\r\n")
	spec, err := Parse("x", []byte(text))
	require.NoError(t, err)
	require.Equal(t, strictyaml.Position{Line: 7, Column: 3}, spec.Sources[1].At)
	_, err = Parse("x", []byte(strings.Replace(text, "{vpcs: vpc-2}", "{vpcs: 2}", 1)))
	require.ErrorContains(t, err, "x:7:13: ")
}
