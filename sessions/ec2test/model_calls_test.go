package ec2test_test

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// draw picks a key of a map, or a missing one.
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

// doInterface deletes an interface with the sessions that mirror it, or creates it.
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
