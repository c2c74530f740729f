package aws

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

var newFilter = &sessions.Change{Op: sessions.Create, Kind: sessions.KindFilter, Name: "web", Want: sessions.Object{Filter: &account.Filter{Tags: ours}}}

func newRule(filter string) *sessions.Change {
	return &sessions.Change{Op: sessions.Create, Kind: sessions.KindRule, Name: "web ingress 10", ID: filter, Want: sessions.Object{Rule: &account.Rule{
		Filter: filter, Direction: "ingress", Number: 10, Action: "accept", Source: cidr("0.0.0.0/0"), Destination: cidr("0.0.0.0/0"), Tags: ours,
	}}}
}

// TestLostReplyMakesOneObject: a creation whose answer is lost is repeated with the same token.
func TestLostReplyMakesOneObject(t *testing.T) {
	for name, f := range map[string]ec2test.Fault{"lost": ec2test.LostReply(), "unheard": {LostRequest: true}, "internal": ec2test.Internal(), "throttled": ec2test.Throttled()} {
		t.Run(name, func(t *testing.T) {
			srv := start(t, ec2test.Account{})
			c := openAt(t, srv.URL)
			srv.FailNext(f, 7, "CreateTrafficMirrorFilter")
			id, err := c.Change(t.Context(), newFilter, sessions.Call{Token: "t-1"})
			require.NoError(t, err)
			assert.Equal(t, 8, srv.Calls()["CreateTrafficMirrorFilter"])
			have, err := c.filters(t.Context())
			require.NoError(t, err)
			require.Len(t, have, 1)
			assert.Equal(t, id, have[0].ID)
			assert.Equal(t, ours, have[0].Tags)

			again, err := c.Change(t.Context(), newFilter, sessions.Call{Token: "t-2"})
			require.NoError(t, err)
			assert.NotEqual(t, id, again, "another token is another filter")
		})
	}
}

// TestLostReplyOfDelete: a deletion that is repeated because its answer was lost succeeds.
func TestLostReplyOfDelete(t *testing.T) {
	srv := start(t, small())
	c := openAt(t, srv.URL)
	srv.FailNext(ec2test.LostReply(), 1)
	id, err := c.Change(t.Context(), &sessions.Change{Op: sessions.Delete, Kind: sessions.KindSession, ID: "tms-1"}, sessions.Call{})
	require.NoError(t, err)
	assert.Equal(t, "tms-1", id)
	assert.Equal(t, 2, srv.Calls()["DeleteTrafficMirrorSession"])
}

func TestDeleteOfNothing(t *testing.T) {
	srv := start(t, ec2test.Account{})
	c := openAt(t, srv.URL)
	for _, kind := range []sessions.Kind{sessions.KindTarget, sessions.KindFilter, sessions.KindRule, sessions.KindSession} {
		for _, how := range []sessions.Call{{}, {Recent: true}} {
			prefix := map[sessions.Kind]string{sessions.KindTarget: "tmt", sessions.KindFilter: "tmf", sessions.KindRule: "tmfr", sessions.KindSession: "tms"}[kind]
			id, err := c.Change(t.Context(), &sessions.Change{Op: sessions.Delete, Kind: kind, ID: prefix + "-0123456789abcdef0"}, how)
			require.NoError(t, err)
			assert.Equal(t, prefix+"-0123456789abcdef0", id)
		}
	}
	for action, n := range srv.Calls() {
		assert.Equal(t, 2, n, "%s is not repeated", action)
	}
}

// TestNotFoundIsRetriedAfterCreation: NotFound is retried only if the change depends on a recent one.
func TestNotFoundIsRetriedAfterCreation(t *testing.T) {
	srv := start(t, ec2test.Account{})
	c := openAt(t, srv.URL)
	srv.Delay(patientAttempts - 1)
	filter, err := c.Change(t.Context(), newFilter, sessions.Call{Token: "t-1"})
	require.NoError(t, err)
	_, err = c.Change(t.Context(), newRule(filter), sessions.Call{Token: "t-2"})
	assert.Equal(t, sessions.NotFound, sessions.ClassOf(err))
	_, err = c.Change(t.Context(), newRule(filter), sessions.Call{Token: "t-2", Recent: true})
	require.NoError(t, err)
	assert.Equal(t, patientAttempts, srv.Calls()["CreateTrafficMirrorFilterRule"])

	srv.ForgetCalls()
	_, err = c.Change(t.Context(), newRule("tmf-0123456789abcdef0"), sessions.Call{Token: "t-3", Recent: true})
	assert.Equal(t, sessions.NotFound, sessions.ClassOf(err))
	assert.Equal(t, patientAttempts, srv.Calls()["CreateTrafficMirrorFilterRule"], "not for ever")
}

// TestInterfaceIsNotWaitedFor: a missing interface is not retried, since we create none.
func TestInterfaceIsNotWaitedFor(t *testing.T) {
	srv := start(t, small())
	c := openAt(t, srv.URL)
	_, err := c.Change(t.Context(), &sessions.Change{Op: sessions.Create, Kind: sessions.KindSession, Want: sessions.Object{Session: &account.Session{
		Interface: "eni-0123456789abcdef0", Target: "tmt-1", Filter: "tmf-1", Number: 1, Tags: ours,
	}}}, sessions.Call{Token: "t", Recent: true})
	assert.Equal(t, sessions.NotFound, sessions.ClassOf(err))
	assert.Equal(t, 1, srv.Calls()["CreateTrafficMirrorSession"])
}

// TestPatience: the waits for a recent change add up to about half a minute, unless the longest wait is shorter.
func TestPatience(t *testing.T) {
	total := func(longest time.Duration) (sum time.Duration) {
		r := patientRetryer{newRetryer(defaultAttempts, longest), longest, unmade}
		_, notYet := openAt(t, start(t, ec2test.Account{}).URL).Change(t.Context(), newRule("tmf-0123456789abcdef0"), sessions.Call{})
		require.Error(t, notYet)
		require.True(t, r.IsErrorRetryable(notYet))
		for attempt := 1; attempt < r.MaxAttempts(); attempt++ {
			wait, err := r.RetryDelay(attempt, notYet)
			require.NoError(t, err)
			sum += wait
		}
		return sum
	}
	assert.InDelta(t, 24*time.Second, total(defaultBackoff), float64(8*time.Second))
	assert.LessOrEqual(t, total(time.Millisecond), patientAttempts*time.Millisecond)
}

// TestThrottledFor400Tries: no retry budget runs out. The SDK's default is a hundred.
func TestThrottledFor400Tries(t *testing.T) {
	srv := start(t, ec2test.Account{})
	c := openAt(t, srv.URL, func(cfg *Config) { cfg.MaxAttempts = 400 })
	srv.FailNext(ec2test.Throttled(), 399, "DescribeTrafficMirrorFilters")
	_, err := c.filters(t.Context())
	assert.NoError(t, err)
}

// TestAgainstFake: each change has the intended effect on the simulated EC2.
func TestAgainstFake(t *testing.T) {
	a := small()
	a.Sessions = nil
	a.LoadBalancers = []ec2test.LoadBalancer{{ARN: lbARN, Name: "sink", VPC: "vpc-1"}}
	a.Interfaces = append(a.Interfaces, ec2test.Interface{ID: "eni-3", Addresses: []netip.Addr{addr("10.0.0.11")}, Subnet: "subnet-1"})
	srv := start(t, a)
	c := openAt(t, srv.URL)
	do := func(op sessions.Op, kind sessions.Kind, id string, have, want sessions.Object) string {
		t.Helper()
		id, err := c.Change(t.Context(), &sessions.Change{Op: op, Kind: kind, ID: id, Have: have, Want: want}, sessions.Call{Token: op.String() + kind.String() + id, Recent: true})
		require.NoError(t, err)
		return id
	}
	target := do(sessions.Create, sessions.KindTarget, "", sessions.Object{}, sessions.Object{Target: &account.Target{LoadBalancer: lbARN, Tags: ours}})
	filter := do(sessions.Create, sessions.KindFilter, "", sessions.Object{}, sessions.Object{Filter: &account.Filter{Tags: ours}})
	rule := account.Rule{Filter: filter, Direction: "egress", Number: 20, Action: "reject", Protocol: 17, Source: cidr("10.0.0.0/8"), Destination: cidr("0.0.0.0/0"),
		DestinationPorts: &account.PortRange{From: 53, To: 53}, Tags: ours}
	rule.ID = do(sessions.Create, sessions.KindRule, filter, sessions.Object{}, sessions.Object{Rule: &rule})
	dns := &account.Filter{ID: filter, Services: []string{account.AmazonDNS}}
	do(sessions.Modify, sessions.KindServices, filter, sessions.Object{}, sessions.Object{Filter: dns})
	session := account.Session{Interface: "eni-3", Target: target, Filter: filter, Number: 3, PacketLength: 200, VNI: 5, Account: "111122223333", Tags: ours}
	session.ID = do(sessions.Create, sessions.KindSession, "", sessions.Object{}, sessions.Object{Session: &session})

	read := func() (f account.Filter, s []account.Session) {
		got, err := c.Read(t.Context())
		require.NoError(t, err)
		for _, f = range got.Filters {
			if f.ID == filter {
				break
			}
		}
		return f, got.Sessions
	}
	f, s := read()
	assert.Equal(t, account.Filter{ID: filter, Services: []string{account.AmazonDNS}, Rules: []account.Rule{rule}, Tags: ours}, f)
	assert.Equal(t, []account.Session{session}, s)

	changed := rule
	changed.Direction, changed.Number, changed.Protocol, changed.DestinationPorts = "ingress", 5, 0, nil
	do(sessions.Modify, sessions.KindRule, rule.ID, sessions.Object{Rule: &rule}, sessions.Object{Rule: &changed})
	do(sessions.Modify, sessions.KindServices, filter, sessions.Object{Filter: dns}, sessions.Object{Filter: &account.Filter{ID: filter}})
	moved := session
	moved.Target, moved.Filter, moved.Number, moved.VNI, moved.PacketLength = "tmt-1", "tmf-1", 9, 6, 100
	do(sessions.Modify, sessions.KindSession, session.ID, sessions.Object{Session: &session}, sessions.Object{Session: &moved})
	f, s = read()
	assert.Equal(t, account.Filter{ID: filter, Rules: []account.Rule{changed}, Tags: ours}, f)
	assert.Equal(t, []account.Session{moved}, s)

	_, err := c.Change(t.Context(), &sessions.Change{Op: sessions.Create, Kind: sessions.KindRule, Want: sessions.Object{Rule: &changed}}, sessions.Call{Token: "other", Recent: true})
	assert.Equal(t, sessions.Exists, sessions.ClassOf(err))
	_, err = c.Change(t.Context(), &sessions.Change{Op: sessions.Delete, Kind: sessions.KindTarget, ID: "tmt-1"}, sessions.Call{Recent: true})
	assert.Equal(t, sessions.InUse, sessions.ClassOf(err))
	assert.NotContains(t, strings.TrimSpace(err.Error()), "\n")

	do(sessions.Delete, sessions.KindSession, session.ID, sessions.Object{}, sessions.Object{})
	do(sessions.Delete, sessions.KindRule, rule.ID, sessions.Object{}, sessions.Object{})
	do(sessions.Delete, sessions.KindFilter, filter, sessions.Object{}, sessions.Object{})
	do(sessions.Delete, sessions.KindTarget, target, sessions.Object{}, sessions.Object{})
	after, err := c.Read(t.Context())
	require.NoError(t, err)
	assert.Empty(t, after.Sessions)
	assert.Len(t, after.Filters, 2)
	assert.Len(t, after.Targets, 3)
}

// TestInUseOfAMomentAgo: InUse is retried only if the deletion depends on a recent one.
func TestInUseOfAMomentAgo(t *testing.T) {
	srv := start(t, ec2test.Account{})
	c := openAt(t, srv.URL)
	id := srv.PutFilter(ec2test.Filter{})
	drop := &sessions.Change{Op: sessions.Delete, Kind: sessions.KindFilter, ID: id}
	srv.FailNext(ec2test.Refused("TrafficMirrorFilterInUse", "sessions use it"), 3)
	_, err := c.Change(t.Context(), drop, sessions.Call{})
	assert.Equal(t, sessions.InUse, sessions.ClassOf(err))
	_, err = c.Change(t.Context(), drop, sessions.Call{Recent: true})
	require.NoError(t, err)
	assert.Empty(t, srv.Snapshot().Filters)
}
