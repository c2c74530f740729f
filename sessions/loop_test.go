package sessions

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

const loopSpec = `
owner: o
targets: {sink: {TARGET}}
filters: {all: {}}
sources: {vpc: {vpcs: vpc-1}}
sessions: {all: {sources: vpc, filter: all, target: sink}}
`

const (
	sinkBalancer = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/sinks/0123456789abcdef"
	viaBalancer  = "network-load-balancer: " + `"` + sinkBalancer + `"`
)

// behind is what is behind load balancers, or why that cannot be read.
type behind struct {
	ids []string
	err error
}

func (b behind) Behind(context.Context, string) ([]string, error) { return b.ids, b.err }

func loopState() *account.State {
	at := func(text string) []netip.Addr { return []netip.Addr{netip.MustParseAddr(text)} }
	return &account.State{
		Interfaces: []account.Interface{
			{ID: "eni-a", VPC: "vpc-1", Instance: "i-a", Addresses: at("10.0.0.1")}, {ID: "eni-b", VPC: "vpc-1", Instance: "i-b", Addresses: at("10.0.0.2")},
			{ID: "eni-c", VPC: "vpc-1", Addresses: at("10.0.0.3")}, {ID: "eni-d", VPC: "vpc-1", Addresses: at("10.0.0.4")},
		},
		Instances: []account.Instance{{ID: "i-a"}, {ID: "i-b"}},
		Targets:   []account.Target{{ID: "tmt-0a", LoadBalancer: sinkBalancer}, {ID: "tmt-0b", Interface: "eni-x"}},
	}
}

// TestLoops: sources that are behind the load balancer that is their target are refused with what excludes them, whichever way the target
// is named and the balancer knows them.
func TestLoops(t *testing.T) {
	for name, c := range map[string]struct {
		target        string
		allow         bool
		balancer      behind
		refused, warn string
	}{
		"an instance":            {viaBalancer, false, behind{ids: []string{"i-b", "i-other"}}, "source vpc: eni-b is behind load balancer sinks, the target of its session: what it receives would be mirrored to it again, without end; exclude it: exclude: {instances: [i-b]}", ""},
		"instances":              {viaBalancer, false, behind{ids: []string{"i-a", "i-b"}}, "source vpc: eni-a and 1 more is behind load balancer sinks, the target of its session: what it receives would be mirrored to it again, without end; exclude it: exclude: {instances: [i-a, i-b]}", ""},
		"an address":             {viaBalancer, false, behind{ids: []string{"10.0.0.3"}}, "source vpc: eni-c is behind load balancer sinks, the target of its session: what it receives would be mirrored to it again, without end; exclude it: exclude: {interfaces: [eni-c]}", ""},
		"an existing target":     {"id: tmt-0a", false, behind{ids: []string{"i-a"}}, "source vpc: eni-a is behind load balancer sinks, the target of its session: what it receives would be mirrored to it again, without end; exclude it: exclude: {instances: [i-a]}", ""},
		"allowed":                {viaBalancer, true, behind{ids: []string{"i-a"}}, "", "source vpc: eni-a is behind load balancer sinks, the target of its session: what it receives would be mirrored to it again, without end; exclude it: exclude: {instances: [i-a]}"},
		"nothing of ours":        {viaBalancer, false, behind{ids: []string{"i-other", "10.9.9.9"}}, "", ""},
		"another kind of target": {"id: tmt-0b", false, behind{ids: []string{"i-a"}}, "", ""},
		"no permission":          {viaBalancer, false, behind{err: &APIError{Class: Denied}}, "", "load balancer sinks: whether a source is behind it cannot be said, and would be mirrored without end: elasticloadbalancing:DescribeTargetGroups and DescribeTargetHealth are not permitted"},
		"no such balancer":       {viaBalancer, false, behind{err: &APIError{Class: NotFound}}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			want, err := spec.Parse("x", []byte(strings.Replace(loopSpec, "TARGET", c.target, 1)))
			require.NoError(t, err)
			want.AllowLoop = c.allow
			have := loopState()
			require.NoError(t, ReadBehind(t.Context(), c.balancer, want, have))
			p, err := Diff(want, have)
			require.NoError(t, err)
			require.Equal(t, c.refused, strings.Join(p.Refusals, "\n"))
			require.Equal(t, c.warn, strings.Join(p.Warnings, "\n"))
			if c.refused == "" {
				return
			}
			_, exclusion, _ := strings.Cut(c.refused, "exclude: {")
			text := strings.Replace(strings.Replace(loopSpec, "TARGET", c.target, 1), "vpcs: vpc-1", "vpcs: vpc-1, exclude: {"+exclusion, 1)
			want, err = spec.Parse("x", []byte(text))
			require.NoError(t, err)
			require.NoError(t, ReadBehind(t.Context(), c.balancer, want, have))
			p, err = Diff(want, have)
			require.NoError(t, err)
			require.Empty(t, p.Refusals)
		})
	}
	want, err := spec.Parse("x", []byte(strings.Replace(loopSpec, "TARGET", viaBalancer, 1)))
	require.NoError(t, err)
	require.ErrorContains(t, ReadBehind(t.Context(), behind{err: &APIError{Class: Throttled, Code: "Throttling"}}, want, loopState()), "Throttling")
}
