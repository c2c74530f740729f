package ec2test_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// model is what a mirror set-up does, in as few words as possible: everything by ID, nothing indexed, nothing on a wire.
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

// createTarget says how the creation of a target ends.
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

// put says how the creation of a session ends, or its modification if it has an ID.
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
	onENI, sources, taken := 0, map[string]bool{s.eni: true}, false
	for other, o := range m.sessions {
		if o.eni == address || m.targets[o.target] == s.eni {
			return "InvalidParameterValue" // one is the source of one session and the target of another
		}
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

// compare asks that the server's state is the model's.
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

// TestAgainstModel goes through random calls and asks after each that the server answered, and is, as the model says.
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

// draw picks a key of a map, or one that is not there.
func draw[V any](t *rapid.T, what string, from map[string]V) string {
	return rapid.SampledFrom(append(slices.Sorted(maps.Keys(from)), what+"-none")).Draw(t, what)
}

func (m *model) doTarget(ctx context.Context, t *rapid.T) {
	address := rapid.SampledFrom([]string{nlb, "eni-0", "eni-1", "eni-9"}).Draw(t, "address")
	in := &ec2.CreateTrafficMirrorTargetInput{NetworkLoadBalancerArn: &address}
	if address != nlb {
		in = &ec2.CreateTrafficMirrorTargetInput{NetworkInterfaceId: &address}
	}
	out, err := m.client.CreateTrafficMirrorTarget(ctx, in)
	require.Equal(t, m.createTarget(address), code(err))
	if err == nil {
		m.targets[*out.TrafficMirrorTarget.TrafficMirrorTargetId] = address
	}
}

func (m *model) doFilter(ctx context.Context, t *rapid.T) {
	out, err := m.client.CreateTrafficMirrorFilter(ctx, &ec2.CreateTrafficMirrorFilterInput{})
	if len(m.filters) == modelLimits.Filters {
		require.Equal(t, "TrafficMirrorFilterLimitExceeded", code(err))
		return
	}
	require.NoError(t, err)
	m.filters[*out.TrafficMirrorFilter.TrafficMirrorFilterId] = true
}

func (m *model) doRule(ctx context.Context, t *rapid.T) {
	r := modelRule{draw(t, "tmf", m.filters), rapid.SampledFrom([]string{"ingress", "egress"}).Draw(t, "direction"), rapid.IntRange(1, 2).Draw(t, "number")}
	out, err := m.client.CreateTrafficMirrorFilterRule(ctx, rule(func(in *ec2.CreateTrafficMirrorFilterRuleInput) {
		in.TrafficMirrorFilterId, in.TrafficDirection, in.RuleNumber = &r.filter, types.TrafficDirection(r.direction), aws.Int32(int32(r.number))
	}))
	require.Equal(t, m.createRule(r), code(err))
	if err == nil {
		m.rules[*out.TrafficMirrorFilterRule.TrafficMirrorFilterRuleId] = r
	}
}

func (m *model) doModifyRule(ctx context.Context, t *rapid.T) {
	id := draw(t, "tmfr", m.rules)
	r, ok := m.rules[id]
	r.number = rapid.IntRange(1, 2).Draw(t, "number")
	_, err := m.client.ModifyTrafficMirrorFilterRule(ctx, &ec2.ModifyTrafficMirrorFilterRuleInput{TrafficMirrorFilterRuleId: &id, RuleNumber: aws.Int32(int32(r.number))})
	want := ""
	for other, o := range m.rules {
		if other != id && o == r {
			want = "TrafficMirrorFilterRuleAlreadyExists"
		}
	}
	if !ok {
		want = "InvalidTrafficMirrorFilterRuleId.NotFound"
	}
	require.Equal(t, want, code(err))
	if err == nil {
		m.rules[id] = r
	}
}

func (m *model) doSession(ctx context.Context, t *rapid.T) {
	s := modelSession{draw(t, "eni", m.enis), draw(t, "tmt", m.targets), draw(t, "tmf", m.filters), rapid.IntRange(1, 3).Draw(t, "number")}
	out, err := m.client.CreateTrafficMirrorSession(ctx, &ec2.CreateTrafficMirrorSessionInput{
		NetworkInterfaceId: &s.eni, TrafficMirrorTargetId: &s.target, TrafficMirrorFilterId: &s.filter, SessionNumber: aws.Int32(int32(s.number)),
	})
	require.Equal(t, m.put("", s), code(err), "%v", err)
	if err == nil {
		m.sessions[*out.TrafficMirrorSession.TrafficMirrorSessionId] = s
	}
}

func (m *model) doModify(ctx context.Context, t *rapid.T) {
	id := draw(t, "tms", m.sessions)
	s, ok := m.sessions[id]
	s.target, s.filter, s.number = draw(t, "tmt", m.targets), draw(t, "tmf", m.filters), rapid.IntRange(1, 3).Draw(t, "number")
	_, err := m.client.ModifyTrafficMirrorSession(ctx, &ec2.ModifyTrafficMirrorSessionInput{
		TrafficMirrorSessionId: &id, TrafficMirrorTargetId: &s.target, TrafficMirrorFilterId: &s.filter, SessionNumber: aws.Int32(int32(s.number)),
	})
	want := "InvalidTrafficMirrorSessionId.NotFound"
	if ok {
		want = m.put(id, s)
	}
	require.Equal(t, want, code(err), "%v", err)
	if err == nil {
		m.sessions[id] = s
	}
}

func (m *model) doDelete(ctx context.Context, t *rapid.T) {
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		id := draw(t, "tmt", m.targets)
		_, err := m.client.DeleteTrafficMirrorTarget(ctx, &ec2.DeleteTrafficMirrorTargetInput{TrafficMirrorTargetId: &id})
		_, ok := m.targets[id]
		deleted(t, err, ok, m.used(id), "InvalidTrafficMirrorTargetId.NotFound", "TrafficMirrorTargetInUseException", func() { delete(m.targets, id) })
	case 1:
		id := draw(t, "tmf", m.filters)
		_, err := m.client.DeleteTrafficMirrorFilter(ctx, &ec2.DeleteTrafficMirrorFilterInput{TrafficMirrorFilterId: &id})
		deleted(t, err, m.filters[id], m.used(id), "InvalidTrafficMirrorFilterId.NotFound", "TrafficMirrorFilterInUse", func() {
			delete(m.filters, id)
			maps.DeleteFunc(m.rules, func(_ string, r modelRule) bool { return r.filter == id })
		})
	case 2:
		id := draw(t, "tmfr", m.rules)
		_, err := m.client.DeleteTrafficMirrorFilterRule(ctx, &ec2.DeleteTrafficMirrorFilterRuleInput{TrafficMirrorFilterRuleId: &id})
		_, ok := m.rules[id]
		deleted(t, err, ok, false, "InvalidTrafficMirrorFilterRuleId.NotFound", "", func() { delete(m.rules, id) })
	case 3:
		id := draw(t, "tms", m.sessions)
		_, err := m.client.DeleteTrafficMirrorSession(ctx, &ec2.DeleteTrafficMirrorSessionInput{TrafficMirrorSessionId: &id})
		_, ok := m.sessions[id]
		deleted(t, err, ok, false, "InvalidTrafficMirrorSessionId.NotFound", "", func() { delete(m.sessions, id) })
	}
}

func deleted(t *rapid.T, err error, ok, used bool, notFound, inUse string, forget func()) {
	switch {
	case !ok:
		require.Equal(t, notFound, code(err))
	case used:
		require.Equal(t, inUse, code(err))
	default:
		require.NoError(t, err)
		forget()
	}
}

// doInterface deletes an interface, with the sessions that mirror it, or makes it.
func (m *model) doInterface(_ context.Context, t *rapid.T) {
	id := fmt.Sprintf("eni-%d", rapid.IntRange(0, 3).Draw(t, "eni"))
	if !m.enis[id] {
		m.srv.PutInterface(ec2test.Interface{ID: id})
		m.enis[id] = true
		return
	}
	m.srv.RemoveInterface(id)
	delete(m.enis, id)
	maps.DeleteFunc(m.sessions, func(_ string, s modelSession) bool { return s.eni == id })
}
