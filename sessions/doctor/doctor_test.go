package doctor

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// TestCovered compares with a check of each address.
func TestCovered(t *testing.T) {
	prefix := rapid.Custom(func(t *rapid.T) netip.Prefix {
		addr := netip.AddrFrom4([4]byte{10, 0, 0, rapid.Byte().Draw(t, "last")})
		return netip.PrefixFrom(addr, rapid.IntRange(24, 32).Draw(t, "bits")).Masked()
	})
	rapid.Check(t, func(t *rapid.T) {
		p, by := prefix.Draw(t, "prefix"), rapid.SliceOfN(prefix, 0, 12).Draw(t, "by")
		want := true
		for addr := p.Addr(); p.Contains(addr); addr = addr.Next() {
			inside := false
			for _, b := range by {
				inside = inside || b.Contains(addr)
			}
			want = want && inside
		}
		assert.Equal(t, want, covered(p, by), "%v by %v", p, by)
	})
	whole := netip.MustParsePrefix("2001:db8::/64")
	assert.True(t, covered(whole, []netip.Prefix{netip.MustParsePrefix("2001:db8::/65"), netip.MustParsePrefix("2001:db8:0:0:8000::/65")}))
	assert.False(t, covered(whole, []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("2001:db8::/65")}))
}

// oneSource returns a spec with an interface target, and a state with one source.
func oneSource(t *testing.T) (*spec.Spec, *account.State) {
	spec, err := spec.Parse("spec.yaml", []byte(`
owner: demo
targets: {sink: {network-interface: eni-05}, nlb: {network-load-balancer: "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/a/50dc6c495c0c9188"}}
filters: {everything: {}}
sources: {all: {vpcs: vpc-1, exclude: {interfaces: eni-05}}}
sessions: {web: {sources: all, filter: everything, target: sink}}
`))
	require.NoError(t, err)
	return spec, decoded[account.State](t, []byte(`
interfaces:
  - {id: eni-05, primary: 10.0.9.9, vpc: vpc-1, subnet: subnet-9, status: in-use, groups: [sg-5, sg-6]}
  - {id: eni-0a, primary: 10.0.1.10, vpc: vpc-1, subnet: subnet-1, status: in-use}
`))
}

// network is a Network that records its arguments and returns an error, if one is set.
type network struct {
	err   error
	asked [][]string
}

func (n *network) Groups(_ context.Context, ids []string) ([]account.SecurityGroup, error) {
	n.asked = append(n.asked, ids)
	return []account.SecurityGroup{{ID: "sg-5"}}, n.err
}

func (n *network) Subnets(_ context.Context, ids []string) ([]account.Subnet, error) {
	n.asked = append(n.asked, ids)
	return []account.Subnet{{ID: "subnet-1"}}, n.err
}

func (n *network) LoadBalancer(_ context.Context, arn string) (*account.LoadBalancer, error) {
	n.asked = append(n.asked, []string{arn})
	return &account.LoadBalancer{ARN: arn, Groups: []string{"sg-4", "sg-5"}}, n.err
}

func TestSurveyReadsWhatIsNeeded(t *testing.T) {
	spec, have := oneSource(t)
	n := &network{}
	f, err := Survey(t.Context(), n, spec, have)
	require.NoError(t, err)
	assert.Equal(t, [][]string{{spec.Targets[1].LoadBalancer}, {"sg-4", "sg-5", "sg-6"}, {"subnet-1"}}, n.asked)
	assert.Len(t, f.Balancers, 1)
	assert.Len(t, f.Groups, 1)
	assert.Len(t, f.Subnets, 1)
	assert.Empty(t, f.Denied)
}

func TestSurveyGoesOnWithoutPermission(t *testing.T) {
	spec, have := oneSource(t)
	f, err := Survey(t.Context(), &network{err: &sessions.APIError{Action: "DescribeAnything", Class: sessions.Denied}}, spec, have)
	require.NoError(t, err)
	assert.Equal(t, []string{"DescribeAnything", "DescribeAnything", "DescribeAnything"}, f.Denied)
	assert.Len(t, f.Unchecked, 3)
	assert.Empty(t, f.Gone)

	f, err = Survey(t.Context(), &network{err: &sessions.APIError{Class: sessions.NotFound}}, spec, have)
	assert.Equal(t, sessions.NotFound, sessions.ClassOf(err), "of a list, which has no such answer")
	assert.Equal(t, []string{spec.Targets[1].LoadBalancer}, f.Gone)

	_, err = Survey(t.Context(), &network{err: &sessions.APIError{Class: sessions.Unreachable}}, spec, have)
	assert.Equal(t, sessions.Unreachable, sessions.ClassOf(err))
}

// answers is a Changer that records each change and returns an error.
type answers struct {
	err   error
	asked []sessions.Change
}

func (a *answers) Change(_ context.Context, c *sessions.Change, how sessions.Call) (string, error) {
	if !how.DryRun {
		panic("a diagnosis changes nothing")
	}
	a.asked = append(a.asked, *c)
	return "", a.err
}

func (*answers) Rules(context.Context, string) ([]account.Rule, error) { return nil, nil }

func TestAskGrants(t *testing.T) {
	spec, have := oneSource(t)
	for _, c := range []struct {
		err       error
		want      Answer
		unchecked int
	}{
		{&sessions.APIError{Class: sessions.WouldSucceed}, Allowed, 1}, {&sessions.APIError{Class: sessions.Limit}, Allowed, 1}, {&sessions.APIError{Class: sessions.Denied}, Refused, 1},
		{&sessions.APIError{Class: sessions.Other}, Undecided, 2}, {nil, Undecided, 2},
	} {
		f := &Facts{Spec: spec, State: have}
		api := &answers{err: c.err}
		require.NoError(t, AskGrants(t.Context(), api, f))
		require.Len(t, f.Grants, 2, "in an empty account only targets and filters can be made")
		for i, g := range f.Grants {
			assert.Equal(t, c.want, g.Answer)
			want := api.asked[i].Want
			var tags account.Tags
			if want.Target != nil {
				tags = want.Target.Tags
			} else {
				tags = want.Filter.Tags
			}
			assert.Equal(t, "demo", tags[account.OwnerTag], "a policy asks for it")
		}
		assert.Len(t, f.Unchecked, c.unchecked)
	}
	for _, class := range []sessions.Class{sessions.Unreachable, sessions.Throttled} {
		assert.Error(t, AskGrants(t.Context(), &answers{err: &sessions.APIError{Class: class}}, &Facts{Spec: spec, State: have}))
	}
}

// TestDiagnosisOfABadSpec: it fails with the error of the plan.
func TestDiagnosisOfABadSpec(t *testing.T) {
	spec, _ := oneSource(t)
	_, err := Diagnose(&Facts{Spec: spec, State: &account.State{}})
	assert.ErrorContains(t, err, "source all matches no network interface")
	_, err = Survey(t.Context(), &network{err: errors.New("not asked")}, spec, &account.State{})
	assert.ErrorContains(t, err, "source all matches no network interface")
	assert.ErrorContains(t, AskGrants(t.Context(), &answers{}, &Facts{Spec: spec, State: &account.State{}}), "source all matches no network interface")
}
