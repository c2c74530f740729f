package sessions_test

import (
	"net/netip"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions"
)

// documented returns the spec that docs/sessions.md shows.
func documented(tb testing.TB) []byte {
	page, err := os.ReadFile("../docs/sessions.md")
	require.NoError(tb, err)
	m := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)
	require.NotNil(tb, m)
	return m[1]
}

func TestDocumentedSpec(t *testing.T) {
	spec, err := sessions.ParseSpec("mirror.yaml", documented(t))
	require.NoError(t, err)
	prefix := netip.MustParsePrefix
	rule := func(direction string, number int, action string, protocol int, source, destination string, ports *sessions.PortRange) sessions.Rule {
		return sessions.Rule{Direction: direction, Number: number, Action: action, Protocol: protocol, Source: prefix(source),
			Destination: prefix(destination), DestinationPorts: ports}
	}
	everything := []sessions.Rule{
		rule("ingress", 10, "accept", 0, "0.0.0.0/0", "0.0.0.0/0", nil),
		rule("ingress", 20, "accept", 0, "::/0", "::/0", nil),
		rule("egress", 10, "accept", 0, "0.0.0.0/0", "0.0.0.0/0", nil),
		rule("egress", 20, "accept", 0, "::/0", "::/0", nil),
	}
	require.Equal(t, &sessions.Spec{
		File:  "mirror.yaml",
		Owner: "payments-prod",
		Targets: []sessions.TargetSpec{
			{Name: "sink", Interface: "eni-0a1b2c3d4e5f60718"},
			{Name: "west-b", LoadBalancer: "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/sink/50dc6c495c0c9188"},
			{Name: "shared", ID: "tmt-0f1e2d3c4b5a69788"},
		},
		Filters: []sessions.FilterSpec{
			{Name: "everything", AmazonDNS: true, Rules: everything},
			{Name: "web", AmazonDNS: true, Rules: []sessions.Rule{
				rule("ingress", 10, "reject", 0, "10.0.0.0/8", "0.0.0.0/0", nil),
				rule("ingress", 20, "accept", 6, "0.0.0.0/0", "0.0.0.0/0", &sessions.PortRange{From: 443, To: 443}),
				rule("ingress", 30, "accept", 6, "::/0", "::/0", &sessions.PortRange{From: 443, To: 443}),
				rule("egress", 100, "reject", 17, "0.0.0.0/0", "10.0.0.2/32", nil),
				rule("egress", 200, "accept", 0, "0.0.0.0/0", "0.0.0.0/0", nil),
			}},
		},
		Sources: []sessions.SourceSpec{
			{Name: "web", Optional: true, Devices: []int{0}, Selector: sessions.Selector{
				Tags: sessions.Tags{"service": "web"}, Groups: []string{"web-blue", "web-green"}, VPCs: []string{"vpc-0123456789abcdef0"},
			}, Exclude: []sessions.Selector{
				{Tags: sessions.Tags{"mirror": "off"}},
				{Subnets: []string{"subnet-0123456789abcdef0"}},
			}},
			{Name: "database", Selector: sessions.Selector{Interfaces: []string{"eni-00112233445566778"}}},
		},
		Sessions: []sessions.SessionSpec{
			{Name: "web", Sources: []string{"web"}, Filter: "everything",
				ZoneTargets:  map[string]string{"eu-west-1a": "sink", "eu-west-1b": "west-b"},
				PacketLength: 8500, Number: 1, VNI: sessions.VNIRange{Set: true, From: 100, To: 199}},
			{Name: "database", Sources: []string{"database"}, Filter: "web", Target: "shared"},
		},
	}, unplaced(spec))
}

// unplaced returns the spec without positions.
func unplaced(spec *sessions.Spec) *sessions.Spec {
	for i := range spec.Targets {
		spec.Targets[i].At = sessions.Position{}
	}
	for i := range spec.Filters {
		spec.Filters[i].At = sessions.Position{}
	}
	for i := range spec.Sources {
		spec.Sources[i].At = sessions.Position{}
	}
	for i := range spec.Sessions {
		spec.Sessions[i].At = sessions.Position{}
	}
	return spec
}

func TestSpecPositions(t *testing.T) {
	spec, err := sessions.ParseSpec("x", []byte("owner: o\nsources:\n  a: {vpcs: vpc-1}\n  b:\n    vpcs: [vpc-2]\nsessions: {}\n"))
	require.NoError(t, err)
	require.Equal(t, sessions.Position{Line: 3, Column: 3}, spec.Sources[0].At)
	require.Equal(t, sessions.Position{Line: 4, Column: 3}, spec.Sources[1].At)
}
