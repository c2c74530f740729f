package sessions

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

const twoSessions = `
owner: o
targets: {sink: {network-interface: eni-0f}}
filters: {all: {}}
sources: {a: {vpcs: vpc-1}}
sessions:
  one: {sources: a, filter: all, target: sink, vni: 7}
  two: {sources: a, filter: all, target: sink, vni: %s}
`

// TestWarnings has the remarks that no golden file has.
func TestWarnings(t *testing.T) {
	state := func(n int) *account.State {
		s := &account.State{}
		for i := range n {
			s.Interfaces = append(s.Interfaces, account.Interface{ID: fmt.Sprintf("eni-%03d", i), VPC: "vpc-1"})
		}
		return s
	}
	for _, c := range []struct {
		name, vni string
		sources   int
		want      []string
	}{
		{"none", "8", 10, nil},
		{"one VNI on an interface", "7", 1, []string{"eni-000: sessions one and two have the same VNI 7; their copies cannot be distinguished"}},
		{"more sources than most types accept", "8", 11, []string{"target eni-0f: 11 sources; only the largest instance types take more than 10"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, err := spec.Parse("x", fmt.Appendf(nil, twoSessions, c.vni))
			require.NoError(t, err)
			p, err := Diff(want, state(c.sources))
			require.NoError(t, err)
			assert.Equal(t, c.want, p.Warnings)
			assert.Empty(t, p.Refusals)
		})
	}
}

func TestTooManySessions(t *testing.T) {
	want, err := spec.Parse("x", fmt.Appendf(nil, twoSessions, "8"))
	require.NoError(t, err)
	state := &account.State{Interfaces: []account.Interface{{ID: "eni-000", VPC: "vpc-1"}}}
	for i := range account.MaxSessions - 1 {
		state.Sessions = append(state.Sessions, account.Session{ID: fmt.Sprint("tms-", i), Interface: fmt.Sprint("eni-other-", i)})
	}
	p, err := Diff(want, state)
	require.NoError(t, err)
	assert.Equal(t, []string{"10001 sessions, those of others included; AWS allows 10000 in an account and region"}, p.Refusals)
}
