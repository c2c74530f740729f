package sessions

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// changer is a fake EC2: it names what it creates, records the calls, and fails where the test sets a failure.
type changer struct {
	mu    sync.Mutex
	calls []madeCall
	fail  func(c *Change) error
	rules []account.Rule
	after func(c *Change) // called after each call
}

type madeCall struct {
	text   string
	token  string
	recent bool
}

func (f *changer) Change(_ context.Context, c *Change, how Call) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.after != nil {
		defer f.after(c)
	}
	text := fmt.Sprintf("%s %s %s", c.Op, c.Kind, c.Name)
	if s := c.Want.Session; s != nil {
		text += fmt.Sprintf(" to %s by %s", s.Target, s.Filter)
	}
	if c.Want.Rule != nil {
		text += " in " + c.Want.Rule.Filter
	}
	if c.Kind == KindServices {
		text += " of " + c.ID
	}
	f.calls = append(f.calls, madeCall{text, how.Token, how.Recent})
	if f.fail != nil {
		if err := f.fail(c); err != nil {
			return "", err
		}
	}
	if how.DryRun {
		return "", &APIError{Code: "DryRunOperation", Class: WouldSucceed}
	}
	if c.Op == Create {
		return fmt.Sprintf("id-of-%s", c.Name), nil
	}
	return c.ID, nil
}

func (f *changer) Rules(context.Context, string) ([]account.Rule, error) { return f.rules, nil }

func (f *changer) texts() (list []string) {
	for _, c := range f.calls {
		list = append(list, c.text)
	}
	return list
}

// emptyAccount returns a plan that creates everything: a target, a filter with two rules and a service, and two sessions.
func emptyAccount(t *testing.T) *Plan {
	spec, err := spec.Parse("spec", []byte(`
owner: demo
targets: {sink: {network-interface: eni-0f}}
filters: {web: {egress: [], ingress: [{action: accept, source: 0.0.0.0/0, destination: 0.0.0.0/0}, {action: accept, source: "::/0", destination: "::/0"}]}}
sources: {all: {vpcs: vpc-1}}
sessions: {web: {sources: all, filter: web, target: sink}}
`))
	require.NoError(t, err)
	p, err := Diff(spec, &account.State{Interfaces: []account.Interface{{ID: "eni-0a", VPC: "vpc-1"}, {ID: "eni-0b", VPC: "vpc-1"}}})
	require.NoError(t, err)
	return p
}

func TestApplyPutsIDsInThePlaceOfNames(t *testing.T) {
	api := &changer{}
	result, err := (&Applier{API: api, Nonce: "n"}).Apply(t.Context(), emptyAccount(t))
	require.NoError(t, err)
	assert.Equal(t, []string{
		"create target sink", "create filter web",
		"create rule web ingress 10 in id-of-web", "create rule web ingress 20 in id-of-web", "modify services web of id-of-web",
		"create session web eni-0a to id-of-sink by id-of-web", "create session web eni-0b to id-of-sink by id-of-web",
	}, api.texts())
	assert.Len(t, result.Done, 7)
	for _, c := range api.calls[2:] {
		assert.True(t, c.recent, "%s refers to a resource of this run", c.text)
	}
}

func TestTokensAreOfTheResourceAndTheRun(t *testing.T) {
	tokens := func(nonce string) (list []string) {
		api := &changer{}
		_, err := (&Applier{API: api, Nonce: nonce}).Apply(t.Context(), emptyAccount(t))
		require.NoError(t, err)
		for _, c := range api.calls {
			assert.LessOrEqual(t, len(c.token), 64)
			list = append(list, c.token)
		}
		return list
	}
	first := tokens("one")
	assert.Equal(t, first, tokens("one"))
	seen := map[string]bool{}
	for _, token := range append(first, tokens("two")...) {
		assert.False(t, seen[token], "two resources, or two runs, have the same token")
		seen[token] = true
	}
	assert.NotEqual(t, NewNonce(), NewNonce())
}

// TestApplyStopsAtAFailure: calls that have begun are completed, the others are listed, and the first error is returned.
func TestApplyStopsAtAFailure(t *testing.T) {
	no := &APIError{Action: "CreateTrafficMirrorFilterRule", Code: "UnauthorizedOperation", Message: "no", Class: Denied}
	api := &changer{fail: func(c *Change) error {
		if c.Name == "web ingress 20" {
			return no
		}
		return nil
	}}
	var reported []string
	a := &Applier{API: api, Workers: 4, Report: func(o Outcome) { reported = append(reported, o.String()) }}
	result, err := a.Apply(t.Context(), emptyAccount(t))
	require.ErrorIs(t, err, error(no))
	assert.EqualError(t, err, "create rule web ingress 20: CreateTrafficMirrorFilterRule: UnauthorizedOperation: no")
	assert.Len(t, result.Done, 3)
	assert.Len(t, result.Failed, 1)
	assert.Len(t, result.NotBegun, 3)
	assert.Equal(t, []string{"+ target sink is id-of-sink", "+ filter web is id-of-web", "+ rule web ingress 10 is id-of-web ingress 10", "+ rule web ingress 20: failed"}, reported)
}

func TestApplyIsInterruptedBetweenCalls(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	api := &changer{after: func(c *Change) {
		if c.Kind == KindFilter {
			cancel()
		}
	}}
	result, err := (&Applier{API: api}).Apply(ctx, emptyAccount(t))
	require.ErrorIs(t, err, context.Canceled)
	assert.Len(t, result.Done, 2)
	assert.Len(t, result.NotBegun, 5)
}

// TestDryRunAsksWhatItCan: a dry run creates nothing, skips changes that depend on missing resources, and goes on after a refusal.
func TestDryRunAsksWhatItCan(t *testing.T) {
	api := &changer{fail: func(c *Change) error {
		if c.Kind == KindTarget {
			return &APIError{Code: "UnauthorizedOperation", Class: Denied}
		}
		return nil
	}}
	var reported []string
	a := &Applier{API: api, DryRun: true, Report: func(o Outcome) { reported = append(reported, o.String()) }}
	result, err := a.Apply(t.Context(), emptyAccount(t))
	require.Error(t, err)
	assert.Equal(t, []string{"create target sink", "create filter web"}, api.texts())
	assert.Len(t, result.Failed, 1)
	assert.Empty(t, result.NotBegun)
	assert.Equal(t, "+ filter web: would be allowed", reported[1])
	assert.Equal(t, "+ rule web ingress 10: not asked: it needs filter web, which is not there yet", reported[2])
}

// TestInterfaceDeletedDuringApply: no failure, since instances come and go while a plan is applied.
func TestInterfaceDeletedDuringApply(t *testing.T) {
	api := &changer{fail: func(c *Change) error {
		if c.Name == "web eni-0a" {
			return &APIError{Code: "InvalidNetworkInterfaceID.NotFound", Class: NotFound}
		}
		return nil
	}}
	result, err := (&Applier{API: api}).Apply(t.Context(), emptyAccount(t))
	require.NoError(t, err)
	assert.Equal(t, "+ session web eni-0a: gone in the meantime, with its interface", result.Done[5].String())

	api.fail = func(c *Change) error {
		if c.Kind == KindSession {
			return &APIError{Code: "InvalidTrafficMirrorTargetId.NotFound", Class: NotFound}
		}
		return nil
	}
	_, err = (&Applier{API: api}).Apply(t.Context(), emptyAccount(t))
	require.Error(t, err, "a missing target is a failure")
}

// TestExistingRule: a rule that exists already is read back. An equal one of ours counts as created; another one is a failure.
func TestExistingRule(t *testing.T) {
	exists := &APIError{Code: "TrafficMirrorFilterRuleAlreadyExists", Class: Exists}
	plan := emptyAccount(t)
	ours := *plan.Changes[2].Want.Rule
	ours.ID = "tmfr-1"
	others, another := ours, ours
	others.Tags, another.Action = nil, account.Reject
	for _, c := range []struct {
		what  string
		there []account.Rule
		ok    bool
	}{
		{"the same", []account.Rule{ours}, true},
		{"not ours", []account.Rule{others}, false},
		{"another", []account.Rule{another}, false},
		{"gone again", nil, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			api := &changer{rules: c.there, fail: func(c *Change) error {
				if c.Name == "web ingress 10" {
					return exists
				}
				return nil
			}}
			result, err := (&Applier{API: api}).Apply(t.Context(), plan)
			if !c.ok {
				require.ErrorIs(t, err, error(exists))
				return
			}
			require.NoError(t, err)
			assert.Equal(t, Outcome{Change: &plan.Changes[2], ID: "tmfr-1", Note: "was there already"}, result.Done[2])
		})
	}
}

// TestLanes: changes of one interface are made in the plan's order, concurrently with those of others.
func TestLanes(t *testing.T) {
	var changes []Change
	for i := range 6 {
		for lane := range 20 {
			changes = append(changes, Change{Op: Delete, Kind: KindSession, Name: fmt.Sprintf("%d %d", lane, i), ID: "tms", lane: fmt.Sprint(lane)})
		}
	}
	api := &changer{}
	_, err := (&Applier{API: api, Workers: 8}).Apply(t.Context(), &Plan{Changes: changes})
	require.NoError(t, err)
	next := map[int]int{}
	for _, text := range api.texts() {
		var lane, i int
		_, err := fmt.Sscanf(text, "delete session %d %d", &lane, &i)
		require.NoError(t, err)
		assert.Equal(t, next[lane], i, "lane %d", lane)
		next[lane]++
	}
}

func TestLimitDeletions(t *testing.T) {
	mk := func() *Plan {
		p := &Plan{Sessions: 1}
		for i := range 3 {
			p.Changes = append(p.Changes, Change{Op: Delete, Kind: KindSession, lane: fmt.Sprint("eni-", i)})
		}
		p.Changes = append(p.Changes,
			Change{Op: Create, Kind: KindSession, lane: "eni-2"}, Change{Op: Modify, Kind: KindSession, lane: "eni-0"},
			Change{Op: Delete, Kind: KindFilter}, Change{Op: Create, Kind: KindTarget})
		return p
	}
	for most, want := range map[int]struct{ held, left, sessions int }{
		0: {4, 1, 3}, // no change of an interface whose session remains for now
		2: {2, 4, 1},
		3: {1, 6, 1},
		4: {0, 7, 1},
	} {
		p := mk()
		assert.Equal(t, want.held, p.LimitDeletions(most), "most %d", most)
		assert.Len(t, p.Changes, want.left, "most %d", most)
		assert.Equal(t, want.sessions, p.Sessions, "most %d", most)
	}
}

func TestClassOf(t *testing.T) {
	assert.Equal(t, Limit, ClassOf(fmt.Errorf("x: %w", &APIError{Class: Limit})))
	assert.Equal(t, Other, ClassOf(errors.New("x")))
}

// TestKeepGoing: a session that EC2 refuses does not stop the others, but a problem of all calls does.
func TestKeepGoing(t *testing.T) {
	for class, left := range map[Class]int{Other: 0, Limit: 0, Denied: 1, Throttled: 1, Unreachable: 1} {
		api := &changer{fail: func(c *Change) error {
			if c.Name == "web eni-0a" {
				return &APIError{Code: "Some", Class: class}
			}
			return nil
		}}
		result, err := (&Applier{API: api, KeepGoing: true}).Apply(t.Context(), emptyAccount(t))
		require.Error(t, err)
		assert.Len(t, result.Failed, 1)
		assert.Len(t, result.NotBegun, left, "%v", class)
	}
}
