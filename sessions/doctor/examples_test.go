package doctor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// TestEveryCallIsAsked: in an account with one resource of each kind that is ours, AskGrants asks about every call of apply, and each
// names existing resources only.
func TestEveryCallIsAsked(t *testing.T) {
	want, have := oneSource(t)
	tags := func(name string) account.Tags { return account.Tags{account.OwnerTag: "demo", account.NameTag: name} }
	have.Targets = []account.Target{{ID: "tmt-1", Interface: "eni-05", Tags: tags("sink")}}
	have.Filters = []account.Filter{{ID: "tmf-1", Tags: tags("everything"), Rules: []account.Rule{
		{ID: "tmfr-1", Filter: "tmf-1", Direction: account.Ingress, Number: account.MaxRuleNumber, Tags: tags("everything")},
	}}}
	have.Sessions = []account.Session{{ID: "tms-1", Interface: "eni-0a", Target: "tmt-1", Filter: "tmf-1", Number: 1, Tags: tags("web")}}
	f := &Facts{Spec: want, State: have}
	api := &answers{err: &sessions.APIError{Class: sessions.WouldSucceed}}
	require.NoError(t, AskGrants(t.Context(), api, f))
	require.Len(t, f.Grants, len(actions))
	assert.Empty(t, f.Unchecked)
	for i, g := range f.Grants {
		assert.Equal(t, "ec2:"+actions[i].name, g.Action)
		assert.Equal(t, Allowed, g.Answer)
		c := api.asked[i]
		assert.Equal(t, actions[i].op, c.Op, g.Action)
		assert.Equal(t, actions[i].kind, c.Kind, g.Action)
		assert.False(t, dependent(&c), g.Action)
		if c.Op == sessions.Create && c.Kind == sessions.KindRule {
			assert.NotEqual(t, have.Filters[0].Rules[0].Key(), c.Want.Rule.Key(), "the number is free")
		}
	}
	assert.Empty(t, f.refusedActions())
}

// TestDependentChangesAreNotAsked: what the plan creates has no ID yet.
func TestDependentChangesAreNotAsked(t *testing.T) {
	for _, c := range []struct {
		change sessions.Change
		want   bool
	}{
		{sessions.Change{ID: "tmf-1"}, false},
		{sessions.Change{ID: "filter/web"}, true},
		{sessions.Change{Want: sessions.Object{Session: &account.Session{Target: "tmt-1", Filter: "tmf-1"}}}, false},
		{sessions.Change{Want: sessions.Object{Session: &account.Session{Target: "target/sink", Filter: "tmf-1"}}}, true},
		{sessions.Change{Want: sessions.Object{Session: &account.Session{Target: "tmt-1", Filter: "filter/web"}}}, true},
	} {
		assert.Equal(t, c.want, dependent(&c.change), "%+v", c.change)
	}
}

// TestPolicyWithRefusals: the least policy is part of a diagnosis only if a call of apply is refused.
func TestPolicyWithRefusals(t *testing.T) {
	want, have := oneSource(t)
	have.Region = "eu-west-1"
	for answer, printed := range map[Answer]bool{Allowed: false, Undecided: false, Refused: true} {
		d, err := Diagnose(&Facts{Spec: want, State: have, Grants: []Grant{{Action: "ec2:CreateTags", Answer: answer}}})
		require.NoError(t, err)
		assert.Equal(t, printed, d.Policy != nil)
		assert.Equal(t, printed, d.Findings[0].Check == "permission")
		if printed {
			assert.Equal(t, "allow what this prints: mirrorsink sessions iam-policy apply --owner demo --region eu-west-1", d.Findings[0].Remedy)
		}
	}
}

// TestDiagnosisChangesNothing: the facts are as before.
func TestDiagnosisChangesNothing(t *testing.T) {
	want, have := oneSource(t)
	f := &Facts{Spec: want, State: have, Unchecked: []string{"x"}, SourceMTU: DefaultSourceMTU}
	first, err := Diagnose(f)
	require.NoError(t, err)
	second, err := Diagnose(f)
	require.NoError(t, err)
	assert.Equal(t, first, second)
	assert.Equal(t, []string{"x"}, f.Unchecked)
}
