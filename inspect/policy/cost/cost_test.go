package cost

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func prices(t *testing.T, region string) *Prices {
	t.Helper()
	text, err := os.ReadFile("../../../deploy/prices/aws.yaml")
	require.NoError(t, err)
	p, err := Read("aws.yaml", text, region)
	require.NoError(t, err)
	return p
}

func find(t *testing.T, options []Option, name string) Option {
	t.Helper()
	for _, o := range options {
		if o.Name == name {
			return o
		}
	}
	require.Fail(t, "no option "+name)
	return Option{}
}

func sum(items ...Item) float64 { return Option{Items: items}.Total().USD }

// TestPublishedExamples compares with published outputs of infracost for the same inputs: a mirror session 10.95 a month, two NAT gateways
// with 100 GB 70.20, two Network Firewall endpoints 576.70 and 100 GB 6.50, a Network Load Balancer 16.43.
func TestPublishedExamples(t *testing.T) {
	p := prices(t, "us-east-1")
	options := Options(p, Usage{Interfaces: 1, Zones: 2, Gigabytes: 100})
	require.InDelta(t, 10.95, sum(find(t, options, "mirroring with mirrorsink").Items[0]), 1e-9)
	require.InDelta(t, 70.20, sum(find(t, options, "proxy").Items[:2]...), 1e-9)
	require.InDelta(t, 576.70, sum(find(t, options, "Network Firewall").Items[0]), 1e-9)
	require.InDelta(t, 6.50, sum(find(t, options, "Network Firewall").Items[1]), 1e-9)
	require.InDelta(t, 16.43, sum(find(t, options, "mirroring with mirrorsink").Items[2]), 1e-9)
}

func TestUnknown(t *testing.T) {
	options := Options(prices(t, "ap-northeast-1"), Usage{Interfaces: 1, Zones: 2, Gigabytes: 100})
	require.False(t, find(t, options, "mirroring with mirrorsink").Total().Known)
	require.False(t, find(t, options, "host agents").Total().Known)
	require.Equal(t, Price{583.2, true}, find(t, options, "Network Firewall").Total())
	require.Equal(t, Price{0, true}, find(t, options, "security groups and NACLs").Total())
	_, known := BreakEven(prices(t, "ap-northeast-1"), Usage{Zones: 2}, "Network Firewall")
	require.False(t, known, "the price of sessions is unknown")
}

func TestBreakEven(t *testing.T) {
	p := prices(t, "us-east-1")
	p.prices["sink-instance-hour"] = Price{0, true}
	n, known := BreakEven(p, Usage{Zones: 2, Gigabytes: 0}, "Network Firewall")
	require.True(t, known)
	require.Equal(t, 52, n) // (576.70 - 16.43) / 10.95 is 51.2
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"date: 30.11.2026\nregions: {}":                            `p.yaml:1:7: date: want a date such as 2026-11-30, found "30.11.2026"`,
		"date: 2026-11-30\nregions: {us-east-1: {nat-hour: 1}}":    `p.yaml:2:23: unknown key "nat-hour" in region us-east-1; did you mean "nlb-hour"?`,
		"date: 2026-11-30\nregions: {us-east-1: {nlb-hour: -1}}":   `p.yaml:2:33: nlb-hour: want US dollars such as 0.015, or unknown, found "-1"`,
		"date: 2026-11-30\nregions: {us-east-2: {nlb-hour: 0.02}}": `p.yaml has no prices of us-east-1; did you mean "us-east-2"?`,
	} {
		_, err := Read("p.yaml", []byte(text), "us-east-1")
		require.EqualError(t, err, want, text)
	}
}
