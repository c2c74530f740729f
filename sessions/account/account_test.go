package account

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestAccountID(t *testing.T) {
	of := func(ids ...string) *State {
		s := &State{}
		for _, id := range ids {
			s.Interfaces = append(s.Interfaces, Interface{Account: id})
		}
		return s
	}
	assert.Empty(t, of().AccountID())
	assert.Equal(t, "1", of("1").AccountID())
	assert.Equal(t, "2", of("1", "2", "2").AccountID(), "that of most interfaces")
	assert.Equal(t, "1", of("2", "1").AccountID(), "of equals the first in order, whatever their place")
}

func TestOwnedBy(t *testing.T) {
	s := &State{Region: "r", Sessions: []Session{{ID: "a", Tags: Tags{OwnerTag: "x"}}, {ID: "b", Tags: Tags{OwnerTag: "y"}}, {ID: "c"}}}
	own := s.OwnedBy("x")
	assert.Equal(t, []Session{s.Sessions[0]}, own.Sessions)
	assert.Equal(t, "r", own.Region)
	assert.Len(t, s.Sessions, 3, "the state is unchanged")
}

func TestTags(t *testing.T) {
	tags := Tags{"empty": "", OwnerTag: "demo"}
	assert.True(t, tags.Has("empty", ""))
	assert.False(t, tags.Has("none", ""), "no tag differs from an empty one")
	assert.False(t, Tags(nil).Has("none", ""))
	assert.Equal(t, ", owner demo", tags.OwnedBy())
	assert.Empty(t, Tags(nil).OwnedBy())
}

func TestIdle(t *testing.T) {
	running, stopped := &Instance{ID: "i-1", State: "running"}, &Instance{ID: "i-1", State: "stopped"}
	for _, c := range []struct {
		eni      Interface
		instance *Instance
		want     string
	}{
		{Interface{Status: "in-use"}, running, ""},
		{Interface{Status: "in-use"}, &Instance{State: "pending"}, ""},
		{Interface{}, nil, ""},
		{Interface{Status: "available"}, nil, "the interface is available"},
		{Interface{Status: "in-use"}, stopped, "its instance i-1 is stopped"},
		{Interface{Status: "in-use", Type: "natGateway"}, nil, "EC2 mirrors no interface of type natGateway"},
		{Interface{Status: "in-use", Type: "lambda"}, nil, ""},
	} {
		assert.Equal(t, c.want, c.eni.idle(c.instance))
	}
}

// TestIndex: every resource is found by its ID, and the orders do not depend on the order of the state.
func TestIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-f]{1,3}`), 0, 6, rapid.ID).Draw(t, "ids")
		s := &State{}
		for _, id := range ids {
			s.Interfaces = append(s.Interfaces, Interface{ID: id, Instance: "i-" + id})
			s.Instances = append(s.Instances, Instance{ID: "i-" + id, State: "stopped"})
			s.Targets, s.Filters = append(s.Targets, Target{ID: id}), append(s.Filters, Filter{ID: id})
			for n := range rapid.IntRange(0, 3).Draw(t, "sessions") {
				s.Sessions = append(s.Sessions, Session{Interface: id, Number: 9 - n})
			}
		}
		ix := NewIndex(s)
		assert.Len(t, ix.Sorted, len(ids))
		sessions := 0
		for i, eni := range ix.Sorted {
			assert.True(t, i == 0 || ix.Sorted[i-1].ID < eni.ID)
			assert.Same(t, eni, ix.InterfaceByID[eni.ID])
			assert.Equal(t, eni.ID, ix.TargetByID[eni.ID].ID)
			assert.Equal(t, eni.ID, ix.FilterByID[eni.ID].ID)
			assert.Contains(t, ix.Idle(eni), "is stopped")
			for j, n := range ix.SessionsOn[eni.ID] {
				assert.True(t, j == 0 || ix.SessionsOn[eni.ID][j-1].Number < n.Number)
				sessions++
			}
		}
		assert.Equal(t, len(s.Sessions), sessions)
	})
}

func TestReferences(t *testing.T) {
	ref := Reference("target", "sink")
	assert.True(t, IsReference(ref))
	assert.Equal(t, "sink", ReferenceName(ref))
	assert.False(t, IsReference("tmt-1"))
	assert.Equal(t, "tmt-1", ReferenceName("tmt-1"))
}

// TestProtocols: a name of a protocol leads to its number and back to a name of the same number.
func TestProtocols(t *testing.T) {
	for _, name := range ProtocolNames() {
		n, ok := ProtocolNumber(name)
		assert.True(t, ok, name)
		back, ok := ProtocolNumber(ProtocolName(n))
		assert.True(t, ok, name)
		assert.Equal(t, n, back, name)
	}
	assert.Equal(t, "icmpv6", ProtocolName(58), "the first of two names")
	assert.Equal(t, "200", ProtocolName(200))
	n, ok := ProtocolNumber("TCP")
	assert.True(t, ok)
	assert.Equal(t, TCP, n)
	_, ok = ProtocolNumber("nothing")
	assert.False(t, ok)
}

func TestRuleDescribe(t *testing.T) {
	any4 := netip.MustParsePrefix("0.0.0.0/0")
	r := Rule{Action: Accept, Protocol: TCP, Source: any4, Destination: netip.MustParsePrefix("10.0.0.0/8"), DestinationPorts: &PortRange{From: 80, To: 90}}
	assert.Equal(t, "accept tcp 0.0.0.0/0 to 10.0.0.0/8:80-90", r.Describe())
	assert.Equal(t, ":443", (&PortRange{From: 443, To: 443}).String())
	assert.Empty(t, (*PortRange)(nil).String())
}

// TestSameEffect: the fields that EC2 evaluates count, the others do not.
func TestSameEffect(t *testing.T) {
	base := func() Rule {
		return Rule{ID: "tmfr-1", Direction: Ingress, Number: 1, Action: Accept, Protocol: TCP, Source: netip.MustParsePrefix("10.0.0.0/8"),
			Destination: netip.MustParsePrefix("0.0.0.0/0"), SourcePorts: &PortRange{From: 1, To: 2}, DestinationPorts: &PortRange{From: 3, To: 4}}
	}
	for name, change := range map[string]func(*Rule){
		"action": func(r *Rule) { r.Action = Reject }, "protocol": func(r *Rule) { r.Protocol = UDP },
		"source": func(r *Rule) { r.Source = r.Destination }, "destination": func(r *Rule) { r.Destination = r.Source },
		"source ports": func(r *Rule) { r.SourcePorts = nil }, "destination ports": func(r *Rule) { r.DestinationPorts.To++ },
	} {
		a, b := base(), base()
		change(&b)
		assert.False(t, a.SameEffect(&b), name)
		assert.False(t, b.SameEffect(&a), name)
	}
	a, b := base(), base()
	b.ID, b.Filter, b.Tags = "tmfr-2", "tmf-2", Tags{"a": "b"}
	assert.True(t, a.SameEffect(&b))
	assert.Equal(t, a.Key(), b.Key())
}
