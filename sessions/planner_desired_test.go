package sessions

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// TestExplicitVNIsComeFirst: a single VNI takes precedence over a range, whatever their order in the spec.
func TestExplicitVNIsComeFirst(t *testing.T) {
	const head = "owner: o\ntargets: {sink: {network-interface: eni-0f}}\nfilters: {all: {}}\nsources: {a: {interfaces: eni-0a}}\nsessions:\n"
	const ranged, named = "  ranged: {sources: a, filter: all, target: sink, vni: 5-6}\n", "  named: {sources: a, filter: all, target: sink, vni: 5}\n"
	have := &account.State{Interfaces: []account.Interface{{ID: "eni-0a"}}, Sessions: []account.Session{
		{ID: "tms-1", Interface: "eni-0a", Target: "tmt-1", Filter: "tmf-1", Number: 1, VNI: 5, Tags: account.Tags{account.OwnerTag: "o", account.NameTag: "ranged"}},
	}}
	for _, text := range []string{head + ranged + named, head + named + ranged} {
		spec, err := spec.Parse("x", []byte(text))
		require.NoError(t, err)
		p, err := Diff(spec, have)
		require.NoError(t, err)
		assert.Empty(t, p.Warnings)
		vnis := map[string]uint32{}
		for _, c := range p.Changes {
			if c.Kind == KindSession {
				vnis[c.Name] = c.Want.Session.VNI
			}
		}
		assert.Equal(t, map[string]uint32{"ranged eni-0a": 6, "named eni-0a": 5}, vnis)
	}
}
