package sessions

import (
	"context"
	"fmt"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// memory is a Changer that changes a state in memory. It fails the test if a change breaks a rule of EC2 at any moment.
type memory struct {
	t     require.TestingT
	state *account.State
	made  int
}

func (m *memory) Change(_ context.Context, c *Change, _ Call) (id string, err error) {
	id = c.ID
	if c.Op == Create {
		m.made++
		id = fmt.Sprintf("id-%d", m.made)
	}
	switch c.Kind {
	case KindTarget:
		m.target(c, id)
	case KindFilter:
		m.filter(c, id)
	case KindServices:
		m.filterOf(c.ID).Services = c.Want.Filter.Services
	case KindRule:
		m.rule(c, id)
	case KindSession:
		m.session(c, id)
	default:
		require.Fail(m.t, "a change of no kind")
	}
	m.check(c)
	return id, nil
}

func (m *memory) Rules(_ context.Context, filter string) ([]account.Rule, error) {
	return m.filterOf(filter).Rules, nil
}

// put removes an element, and adds its new value unless the change deletes it.
func put[T any](list *[]T, c *Change, value *T, same func(*T) bool) {
	*list = slices.DeleteFunc(slices.Clone(*list), func(v T) bool { return same(&v) })
	if c.Op != Delete {
		*list = append(*list, *value)
	}
}

func (m *memory) target(c *Change, id string) {
	t := account.Target{}
	if c.Op == Create {
		t = *c.Want.Target
		t.ID = id
	}
	put(&m.state.Targets, c, &t, func(t *account.Target) bool { return t.ID == id })
}

func (m *memory) filter(c *Change, id string) {
	f := account.Filter{ID: id}
	if c.Op == Create {
		f.Tags = c.Want.Filter.Tags
	}
	put(&m.state.Filters, c, &f, func(f *account.Filter) bool { return f.ID == id })
}

func (m *memory) filterOf(id string) *account.Filter {
	i := slices.IndexFunc(m.state.Filters, func(f account.Filter) bool { return f.ID == id })
	require.GreaterOrEqual(m.t, i, 0, "there is no filter %s", id)
	return &m.state.Filters[i]
}

func (m *memory) rule(c *Change, id string) {
	r := account.Rule{}
	filter := ""
	if c.Op == Delete {
		filter = c.Have.Rule.Filter
	} else {
		r = *c.Want.Rule
		r.ID, filter = id, r.Filter
	}
	put(&m.filterOf(filter).Rules, c, &r, func(r *account.Rule) bool { return r.ID == id })
}

// session sets what AWS sets: a VNI that is left to it, and the packet length to a load balancer.
func (m *memory) session(c *Change, id string) {
	s := account.Session{}
	if c.Op != Delete {
		s = *c.Want.Session
		s.ID = id
		if s.ChooseVNI {
			s.VNI, s.ChooseVNI = 1_000_000+uint32(m.made), false
		}
		i := slices.IndexFunc(m.state.Targets, func(t account.Target) bool { return t.ID == s.Target })
		require.GreaterOrEqual(m.t, i, 0, "there is no target %s", s.Target)
		if m.state.Targets[i].LoadBalancer != "" && s.PacketLength == 0 {
			s.PacketLength = account.MaxPacketLength
		}
	}
	put(&m.state.Sessions, c, &s, func(s *account.Session) bool { return s.ID == id })
}

// check requires the limits of AWS, and that nothing refers to a missing resource.
func (m *memory) check(c *Change) {
	ix := account.NewIndex(m.state)
	for eni, list := range ix.SessionsOn {
		require.LessOrEqual(m.t, len(list), account.MaxSessionsPerInterface, "on %s after %s", eni, c)
		for i := range list {
			require.True(m.t, i == 0 || list[i-1].Number != list[i].Number, "two sessions with number %d on %s after %s", list[i].Number, eni, c)
			require.NotNil(m.t, ix.TargetByID[list[i].Target], "a session has no target after %s", c)
			require.NotNil(m.t, ix.FilterByID[list[i].Filter], "a session has no filter after %s", c)
		}
	}
	for i := range m.state.Filters {
		keys := map[account.RuleKey]bool{}
		for j := range m.state.Filters[i].Rules {
			keys[m.state.Filters[i].Rules[j].Key()] = true
		}
		require.Len(m.t, keys, len(m.state.Filters[i].Rules), "two rules have one number after %s", c)
		require.LessOrEqual(m.t, len(keys), account.MaxRulesPerFilter, "rules after %s", c)
	}
}
