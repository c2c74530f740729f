package sessions

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

const anyNLB = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/sink/0a"

// anyState is an account with five interfaces in two groups, two more for targets, and sessions of another owner.
func anyState(t *rapid.T) *account.State {
	s := &account.State{Targets: []account.Target{{ID: "tmt-f", Interface: "eni-91"}}, Filters: []account.Filter{{ID: "tmf-f"}}}
	for i := range 5 {
		s.Interfaces = append(s.Interfaces, account.Interface{ID: fmt.Sprintf("eni-0%d", i), VPC: "vpc-1", Zone: "a", Status: "in-use",
			Tags: account.Tags{"group": rapid.SampledFrom([]string{"a", "b"}).Draw(t, "group")}})
	}
	s.Interfaces = append(s.Interfaces, account.Interface{ID: "eni-90", VPC: "vpc-2"}, account.Interface{ID: "eni-91", VPC: "vpc-2"})
	for i := range rapid.IntRange(0, 3).Draw(t, "foreign") {
		s.Sessions = append(s.Sessions, account.Session{ID: fmt.Sprintf("tms-f%d", i), Interface: fmt.Sprintf("eni-0%d", i), Target: "tmt-f",
			Filter: "tmf-f", Number: rapid.IntRange(1, 3).Draw(t, "foreign number"), VNI: rapid.Uint32Range(1, 12).Draw(t, "foreign VNI")})
	}
	return s
}

// anySpec is a spec of up to three sessions with two filters and one or two targets.
func anySpec(t *rapid.T) *spec.Spec {
	s := &spec.Spec{File: "x", Owner: "ours"}
	for i, address := range rapid.Permutation([]string{"eni-90", "eni-91", anyNLB}).Draw(t, "addresses")[:2] {
		target := spec.Target{Name: []string{"one", "two"}[i], Interface: address}
		if address == anyNLB {
			target.Interface, target.LoadBalancer = "", address
		}
		s.Targets = append(s.Targets, target)
		s.Filters = append(s.Filters, spec.Filter{Name: target.Name, AmazonDNS: rapid.Bool().Draw(t, "dns"), Rules: anyRules(t)})
	}
	for _, group := range []string{"a", "b"} {
		s.Sources = append(s.Sources, spec.Source{Name: group, Optional: true, Selector: spec.Selector{Tags: account.Tags{"group": group}}})
	}
	for _, name := range []string{"one", "two", "three"}[:rapid.IntRange(0, 3).Draw(t, "sessions")] {
		s.Sessions = append(s.Sessions, spec.Session{
			Name: name, Sources: rapid.SampledFrom([][]string{{"a"}, {"b"}, {"a", "b"}}).Draw(t, "sources"),
			Filter: rapid.SampledFrom(s.Filters).Draw(t, "filter").Name, Target: rapid.SampledFrom(s.Targets).Draw(t, "target").Name,
			Number: rapid.IntRange(0, 4).Draw(t, "number"), PacketLength: rapid.SampledFrom([]int{0, 128, 8500}).Draw(t, "length"),
			VNI: rapid.SampledFrom([]spec.VNIRange{{}, {Set: true, From: 7, To: 7}, {Set: true, From: 5, To: 30}}).Draw(t, "VNI"),
		})
	}
	return s
}

// swapped is the spec with the numbers and filters of its sessions exchanged.
func swapped(t *rapid.T, s *spec.Spec) *spec.Spec {
	c := *s
	c.Sessions = slices.Clone(s.Sessions)
	for i, other := range rapid.Permutation(s.Sessions).Draw(t, "swapped") {
		c.Sessions[i].Number, c.Sessions[i].Filter = other.Number, other.Filter
	}
	return &c
}

func anyRules(t *rapid.T) (rules []account.Rule) {
	all := netip.MustParsePrefix("0.0.0.0/0")
	for _, direction := range []string{account.Ingress, account.Egress} {
		for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 6), 0, 5, rapid.ID).Draw(t, direction) {
			rules = append(rules, account.Rule{Direction: direction, Number: n, Source: all, Destination: all,
				Action: rapid.SampledFrom([]string{account.Accept, account.Reject}).Draw(t, "action")})
		}
	}
	return rules
}

// foreign returns the resources of other owners.
func foreign(s *account.State) (all []any) {
	for _, n := range s.Sessions {
		if n.Tags[account.OwnerTag] != "ours" {
			all = append(all, n)
		}
	}
	return append(all, s.Targets[0], s.Filters[0])
}

// shuffled returns the state with its lists in another order.
func shuffled(t *rapid.T, s *account.State) *account.State {
	c := *s
	c.Interfaces = rapid.Permutation(s.Interfaces).Draw(t, "interfaces")
	c.Sessions = rapid.Permutation(s.Sessions).Draw(t, "sessions in order")
	c.Targets, c.Filters = rapid.Permutation(s.Targets).Draw(t, "targets"), rapid.Permutation(s.Filters).Draw(t, "filters")
	return &c
}

// TestApplyConverges: after the changes of a plan the next plan is empty, whatever an earlier spec left. The changes never break a limit,
// which memory checks, and never touch resources of other owners. Deleting everything leaves only these.
func TestApplyConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		state := anyState(t)
		others := foreign(state)
		m := &memory{t: t, state: state}
		first := anySpec(t)
		for _, want := range []*spec.Spec{first, swapped(t, first), anySpec(t), {Owner: "ours"}} {
			p, err := Diff(want, state)
			require.NoError(t, err)
			if len(p.Refusals) > 0 {
				continue
			}
			again, err := Diff(want, shuffled(t, state))
			require.NoError(t, err)
			assert.Equal(t, p.Changes, again.Changes, "the plan depends on the order of the state")
			checkStatus(t, state, p)
			result, err := (&Applier{API: m, Workers: 1}).Apply(t.Context(), p)
			require.NoError(t, err)
			require.Len(t, result.Done, len(p.Changes))
			next, err := Diff(want, state)
			require.NoError(t, err)
			require.Empty(t, next.Changes)
			for _, s := range StatusOf(state, next).Sessions {
				require.Empty(t, s.Drift)
			}
			require.Equal(t, others, foreign(state))
		}
		require.Len(t, foreign(state), len(state.Sessions)+2, "only resources of others are left")
	})
}

// checkStatus requires that the status lists each session that is ours or desired once, with a drift exactly where the plan changes it.
func checkStatus(t *rapid.T, state *account.State, p *Plan) {
	changed := map[string]bool{} // by ID; created ones by name
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Kind == KindSession {
			changed[c.ID+c.Name] = true
		}
	}
	r := StatusOf(state, p)
	seen := map[string]bool{}
	for _, s := range r.Sessions {
		require.Equal(t, changed[s.ID+s.Name+" "+s.Interface], s.Drift != "", "%+v", s)
		require.False(t, seen[s.ID+s.Name+s.Interface], "%+v is listed twice", s)
		seen[s.ID+s.Name+s.Interface] = true
	}
	require.True(t, slices.IsSortedFunc(r.Sessions, func(a, b Status) int {
		return strings.Compare(a.Name+"\x00"+a.Interface+"\x00"+a.ID, b.Name+"\x00"+b.Interface+"\x00"+b.ID)
	}))
	require.NoError(t, r.Print(io.Discard))
}

// TestPrintedLines: the plan has a line with its mark for each change, and one for each remark.
func TestPrintedLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, err := Diff(anySpec(t), anyState(t))
		require.NoError(t, err)
		var out strings.Builder
		require.NoError(t, p.Print(&out, 0.015))
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		require.Len(t, lines, len(p.Changes)+len(p.Foreign)+len(p.Skipped)+len(p.Unmirrorable)+len(p.Warnings)+len(p.Refusals)+2)
		for i := range p.Changes {
			require.True(t, strings.HasPrefix(lines[i], marks[p.Changes[i].Op]+" "+p.Changes[i].Kind.String()), lines[i])
			require.Contains(t, lines[i], p.Changes[i].Why)
		}
		require.Equal(t, p.Summary(), lines[len(lines)-2])
	})
}

// TestLimitedDeletions: limited runs delete at most the given number each, and reach the same state as one unlimited run.
func TestLimitedDeletions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		state := anyState(t)
		m := &memory{t: t, state: state}
		for _, want := range []*spec.Spec{anySpec(t), anySpec(t)} {
			most := rapid.IntRange(1, 3).Draw(t, "most")
			for round := 0; ; round++ {
				require.Less(t, round, 50, "it does not converge")
				p, err := Diff(want, state)
				require.NoError(t, err)
				if len(p.Refusals) > 0 || p.Empty() {
					break
				}
				before := deletions(p)
				held := p.LimitDeletions(most)
				require.Equal(t, before, held+deletions(p))
				require.LessOrEqual(t, deletions(p), most)
				_, err = (&Applier{API: m}).Apply(t.Context(), p)
				require.NoError(t, err)
			}
		}
	})
}

func deletions(p *Plan) (n int) {
	for i := range p.Changes {
		if p.Changes[i].Op == Delete {
			n++
		}
	}
	return n
}
