package ec2test_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// model is the simplest implementation of a mirror set-up: maps by ID, no index, no wire format.
type model struct {
	client   *ec2.Client
	srv      *ec2test.Server
	enis     map[string]bool
	targets  map[string]string // address
	filters  map[string]bool
	rules    map[string]modelRule
	sessions map[string]modelSession
}

type modelRule struct {
	filter, direction string
	number            int
}

type modelSession struct {
	eni, target, filter string
	number              int
}

var modelLimits = ec2test.Limits{Sessions: 5, Targets: 3, Filters: 3, RulesPerFilter: 2, SessionsPerInterface: 2, SourcesPerInterface: 2}

// createTarget returns the expected result of creating a target.
func (m *model) createTarget(address string) string {
	switch {
	case address != nlb && !m.enis[address]:
		return "InvalidNetworkInterfaceID.NotFound"
	case len(m.targets) == modelLimits.Targets:
		return "TrafficMirrorTargetLimitExceeded"
	}
	return ""
}

func (m *model) createRule(r modelRule) string {
	ofFilter := 0
	for _, other := range m.rules {
		if other.filter == r.filter {
			ofFilter++
		}
	}
	switch {
	case !m.filters[r.filter]:
		return "InvalidTrafficMirrorFilterId.NotFound"
	case ofFilter == modelLimits.RulesPerFilter:
		return "TrafficMirrorFilterRuleLimitExceeded"
	case slices.Contains(slices.Collect(maps.Values(m.rules)), r):
		return "TrafficMirrorFilterRuleAlreadyExists"
	}
	return ""
}

// put returns the expected result of creating a session, or of modifying it if it has an ID.
func (m *model) put(id string, s modelSession) string {
	address, target := m.targets[s.target]
	switch {
	case id == "" && !m.enis[s.eni]:
		return "InvalidNetworkInterfaceID.NotFound"
	case !m.filters[s.filter]:
		return "InvalidTrafficMirrorFilterId.NotFound"
	case !target:
		return "InvalidTrafficMirrorTargetId.NotFound"
	case address == s.eni:
		return "InvalidParameterValue"
	}
	for _, o := range m.sessions {
		if o.eni == address || m.targets[o.target] == s.eni {
			return "InvalidParameterValue" // one is the source of one session and the target of another
		}
	}
	return m.room(id, s, address)
}

// room returns the error of a used-up quota or a taken number.
func (m *model) room(id string, s modelSession, address string) string {
	onENI, sources, taken := 0, map[string]bool{s.eni: true}, false
	for other, o := range m.sessions {
		if other == id {
			continue
		}
		if o.eni == s.eni {
			onENI++
			taken = taken || o.number == s.number
		}
		if o.target == s.target {
			sources[o.eni] = true
		}
	}
	switch {
	case id == "" && len(m.sessions) == modelLimits.Sessions:
		return "TrafficMirrorSessionLimitExceeded"
	case id == "" && onENI == modelLimits.SessionsPerInterface:
		return "TrafficMirrorSessionsPerInterfaceLimitExceeded"
	case taken:
		return "InvalidParameterValue"
	case address != nlb && len(sources) > modelLimits.SourcesPerInterface:
		return "TrafficMirrorSourcesPerTargetLimitExceeded"
	}
	return ""
}

// used reports whether a session refers to a target or filter.
func (m *model) used(id string) bool {
	for _, s := range m.sessions {
		if s.target == id || s.filter == id {
			return true
		}
	}
	return false
}

// compare requires that the server's state equals the model's.
func (m *model) compare(t require.TestingT) {
	got := model{enis: map[string]bool{}, targets: map[string]string{}, filters: map[string]bool{}, rules: map[string]modelRule{}, sessions: map[string]modelSession{}}
	vnis := map[uint32]bool{}
	a := m.srv.Snapshot()
	for _, i := range a.Interfaces {
		got.enis[i.ID] = true
	}
	for _, v := range a.Targets {
		got.targets[v.ID] = v.Interface + v.LoadBalancer
	}
	for _, f := range a.Filters {
		got.filters[f.ID] = true
		for _, r := range f.Rules {
			got.rules[r.ID] = modelRule{r.Filter, r.Direction, r.Number}
		}
	}
	for _, s := range a.Sessions {
		got.sessions[s.ID] = modelSession{s.Interface, s.Target, s.Filter, s.Number}
		vnis[s.VNI] = true
	}
	require.Equal(t, m.enis, got.enis)
	require.Equal(t, m.targets, got.targets)
	require.Equal(t, m.filters, got.filters)
	require.Equal(t, m.rules, got.rules)
	require.Equal(t, m.sessions, got.sessions)
	require.Len(t, vnis, len(m.sessions), "VNIs that EC2 chooses are unique")
}

// TestAgainstModel: after each of a series of random calls the answer and the state equal the model's.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		account := ec2test.Account{Limits: modelLimits, Seed: rapid.Uint64().Draw(t, "seed"), LoadBalancers: []ec2test.LoadBalancer{{ARN: nlb}}}
		m := &model{enis: map[string]bool{}, targets: map[string]string{}, filters: map[string]bool{}, rules: map[string]modelRule{}, sessions: map[string]modelSession{}}
		for i := range 4 {
			id := fmt.Sprintf("eni-%d", i)
			account.Interfaces = append(account.Interfaces, ec2test.Interface{ID: id})
			m.enis[id] = true
		}
		m.srv = ec2test.New(account)
		defer m.srv.Close()
		m.client = newClient(m.srv.URL)
		actions := map[string]func(*rapid.T){"": m.compareInvariant}
		for name, act := range map[string]func(*model, context.Context, *rapid.T){
			"target": (*model).doTarget, "filter": (*model).doFilter, "rule": (*model).doRule, "session": (*model).doSession, "session again": (*model).doSession,
			"modify session": (*model).doModify, "modify rule": (*model).doModifyRule, "delete": (*model).doDelete, "interface": (*model).doInterface,
		} {
			actions[name] = func(t *rapid.T) { act(m, context.Background(), t) }
		}
		t.Repeat(actions)
	})
}

func (m *model) compareInvariant(t *rapid.T) { m.compare(t) }
