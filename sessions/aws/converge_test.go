package aws

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// TestConverges: whatever an earlier spec or other owners left, and whatever fails at any call, repeated planning and applying ends with an
// empty plan, and resources of other owners are unchanged.
func TestConverges(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		defer w.srv.Close()
		w.apply(w.spec("before"))
		w.meddle()
		after := w.spec("after")
		others := w.foreign()

		w.breakSomething()
		w.apply(after)
		w.srv.ClearFaults()
		w.srv.Delay(0)
		w.srv.ShowAll()

		if p := w.apply(after); len(p.Refusals) == 0 {
			p = w.plan(after)
			require.Empty(t, p.Changes, "after a run without faults there is something left to do: %v", p.Changes)
		}
		w.apply(&spec.Spec{Owner: "ours"})
		require.Empty(t, w.plan(&spec.Spec{Owner: "ours"}).Changes, "something is left after all was destroyed")
		require.Equal(t, others, w.foreign(), "something of others was touched")
	})
}

const worldNLB = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/sink/0a"

// world is an account with resources of several owners.
type world struct {
	*rapid.T
	srv    *ec2test.Server
	client *Client
}

var (
	ownTags = func(name string) map[string]string {
		return map[string]string{account.OwnerTag: "ours", account.NameTag: name}
	}
	worldTargets = []string{"eni-90", "eni-91", worldNLB}
	worldNames   = []string{"one", "two", "three"}
)

func newWorld(t *rapid.T) *world {
	there := ec2test.Account{}
	for i := range 5 {
		there.Interfaces = append(there.Interfaces, ec2test.Interface{
			ID: fmt.Sprintf("eni-0%d", i), VPC: "vpc-1", Zone: "eu-west-1a", Status: "in-use",
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})},
			Tags:      map[string]string{"group": rapid.SampledFrom([]string{"a", "b"}).Draw(t, "group")},
		})
	}
	there.LoadBalancers = []ec2test.LoadBalancer{{ARN: worldNLB}}
	for _, id := range worldTargets[:2] {
		there.Interfaces = append(there.Interfaces, ec2test.Interface{ID: id, VPC: "vpc-2", Status: "in-use"})
	}
	there.Targets = []ec2test.Target{{ID: "tmt-f", Interface: "eni-91", Tags: map[string]string{account.OwnerTag: "others"}}}
	there.Filters = []ec2test.Filter{{ID: "tmf-f"}}
	for i := range rapid.IntRange(0, 3).Draw(t, "foreign sessions") {
		there.Sessions = append(there.Sessions, ec2test.Session{
			ID: fmt.Sprintf("tms-f%d", i), Interface: fmt.Sprintf("eni-0%d", i), Target: "tmt-f", Filter: "tmf-f",
			Number: rapid.IntRange(1, 3).Draw(t, "foreign number"), VNI: rapid.Uint32Range(1, 12).Draw(t, "foreign VNI"),
		})
	}
	w := &world{T: t, srv: ec2test.New(there)}
	client, err := Open(t.Context(), Config{Region: "eu-west-1", Endpoint: w.srv.URL, MaxAttempts: 2, MaxBackoff: time.Millisecond})
	require.NoError(t, err)
	w.client = client
	return w
}

// spec draws a spec of up to three sessions, two filters and two targets.
func (w *world) spec(label string) *spec.Spec {
	s := &spec.Spec{Owner: "ours"}
	for _, name := range worldNames[:2] {
		s.Targets = append(s.Targets, w.target(label, name))
		s.Filters = append(s.Filters, spec.Filter{Name: name, AmazonDNS: rapid.Bool().Draw(w.T, label+" dns"), Rules: w.rules(label)})
	}
	if a, b := s.Targets[0], s.Targets[1]; a.Interface == b.Interface && a.LoadBalancer == b.LoadBalancer && a.ID == b.ID {
		s.Targets = s.Targets[:1]
	}
	for _, group := range []string{"a", "b"} {
		s.Sources = append(s.Sources, spec.Source{Name: group, Optional: true, Selector: spec.Selector{Tags: account.Tags{"group": group}, VPCs: []string{"vpc-1"}}})
	}
	for _, name := range worldNames[:rapid.IntRange(0, 3).Draw(w.T, label+" sessions")] {
		session := spec.Session{
			Name: name, Sources: rapid.SampledFrom([][]string{{"a"}, {"b"}, {"a", "b"}}).Draw(w.T, label+" sources"),
			Filter: rapid.SampledFrom(worldNames[:2]).Draw(w.T, label+" filter"), Target: rapid.SampledFrom(s.Targets).Draw(w.T, label+" to").Name,
			Number:       rapid.SampledFrom([]int{0, 0, 1, 2, 3, 4}).Draw(w.T, label+" number"),
			PacketLength: rapid.SampledFrom([]int{0, 128, 8500}).Draw(w.T, label+" length"),
		}
		switch rapid.IntRange(0, 2).Draw(w.T, label+" VNI") {
		case 1:
			session.VNI = spec.VNIRange{Set: true, From: 7, To: 7}
		case 2:
			session.VNI = spec.VNIRange{Set: true, From: 5, To: 20}
		}
		s.Sessions = append(s.Sessions, session)
	}
	return s
}

// target draws the address of a new target, or the ID of an existing one, which may be ours.
func (w *world) target(label, name string) spec.Target {
	there := w.srv.Snapshot().Targets
	if rapid.IntRange(0, 3).Draw(w.T, label+" by ID") == 0 {
		return spec.Target{Name: name, ID: rapid.SampledFrom(there).Draw(w.T, label+" there").ID}
	}
	address := rapid.SampledFrom(worldTargets).Draw(w.T, label+" target")
	if address == worldNLB {
		return spec.Target{Name: name, LoadBalancer: address}
	}
	return spec.Target{Name: name, Interface: address}
}

func (w *world) rules(label string) (rules []account.Rule) {
	any4, any6 := netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")
	taken := map[string]bool{}
	for range rapid.IntRange(0, 10).Draw(w.T, label+" rules") {
		r := account.Rule{
			Direction: rapid.SampledFrom([]string{account.Ingress, account.Egress}).Draw(w.T, label+" direction"),
			Number:    rapid.IntRange(1, 8).Draw(w.T, label+" rule number"),
			Action:    rapid.SampledFrom([]string{account.Accept, account.Reject}).Draw(w.T, label+" action"),
			Source:    any4, Destination: any4,
		}
		if rapid.Bool().Draw(w.T, label+" v6") {
			r.Source, r.Destination = any6, any6
		}
		if rapid.Bool().Draw(w.T, label+" tcp") {
			r.Protocol = 6
			if rapid.Bool().Draw(w.T, label+" ports") {
				r.DestinationPorts = &account.PortRange{From: 443, To: rapid.IntRange(443, 445).Draw(w.T, label+" port")}
			}
		}
		if key := fmt.Sprint(r.Direction, r.Number); !taken[key] {
			taken[key] = true
			rules = append(rules, r)
		}
	}
	return rules
}

// meddle makes changes that people make by hand and services by themselves.
func (w *world) meddle() {
	there := w.srv.Snapshot()
	for _, t := range there.Targets {
		if t.Tags[account.OwnerTag] == "ours" && rapid.Bool().Draw(w.T, "target removed") {
			w.srv.RemoveTarget(t.ID)
		}
	}
	for _, f := range there.Filters {
		for _, r := range f.Rules {
			if rapid.IntRange(0, 4).Draw(w.T, "rule removed") == 0 {
				w.srv.RemoveRule(r.ID)
			}
		}
	}
	for _, s := range there.Sessions {
		if s.Tags[account.OwnerTag] == "ours" && rapid.IntRange(0, 4).Draw(w.T, "session removed") == 0 {
			w.srv.RemoveSession(s.ID)
		}
	}
	if rapid.Bool().Draw(w.T, "interface gone") {
		w.srv.RemoveInterface("eni-04")
	}
	if rapid.Bool().Draw(w.T, "left behind") {
		w.srv.PutFilter(ec2test.Filter{Tags: ownTags(rapid.SampledFrom(worldNames).Draw(w.T, "left filter"))})
		w.srv.PutTarget(ec2test.Target{Interface: "eni-90", Tags: ownTags(rapid.SampledFrom(worldNames).Draw(w.T, "left target"))})
	}
}

// breakSomething makes one of the next changes fail.
func (w *world) breakSomething() {
	faults := map[string]ec2test.Fault{
		"refused": ec2test.Refused("InvalidParameterValue", "no"), "limit": ec2test.Refused("TrafficMirrorSessionLimitExceeded", "full"),
		"denied": ec2test.Refused("UnauthorizedOperation", "no"), "internal": ec2test.Internal(), "throttled": ec2test.Throttled(),
		"lost": ec2test.LostReply(), "lost request": {LostRequest: true},
	}
	kind := rapid.SampledFrom(slices.Sorted(maps.Keys(faults))).Draw(w.T, "fault")
	at := rapid.IntRange(1, 25).Draw(w.T, "at call")
	w.srv.FailMutation(at, faults[kind])
	if rapid.Bool().Draw(w.T, "again") {
		w.srv.FailMutation(at+1, faults[kind]) // the second try fails too
	}
	w.srv.Delay(rapid.IntRange(0, 3).Draw(w.T, "delay"))
}

func (w *world) plan(spec *spec.Spec) *sessions.Plan {
	state, err := w.client.Read(w.T.Context())
	require.NoError(w.T, err)
	p, err := sessions.Diff(spec, state)
	require.NoError(w.T, err)
	return p
}

// apply plans and applies, unless AWS would refuse the plan. Without faults a plan must succeed.
func (w *world) apply(spec *spec.Spec) *sessions.Plan {
	p := w.plan(spec)
	if len(p.Refusals) > 0 {
		return p
	}
	applier := sessions.Applier{API: w.client, Nonce: sessions.NewNonce(), Workers: 1}
	result, err := applier.Apply(w.T.Context(), p)
	require.Equal(w.T, len(p.Changes), len(result.Done)+len(result.Failed)+len(result.NotBegun))
	if err != nil {
		w.T.Logf("apply: %v", err)
	}
	return p
}

// foreign returns the mirroring resources of other owners.
func (w *world) foreign() (all []any) {
	there := w.srv.Snapshot()
	for _, t := range there.Targets {
		if t.Tags[account.OwnerTag] != "ours" {
			all = append(all, t)
		}
	}
	for _, f := range there.Filters {
		if f.Tags[account.OwnerTag] != "ours" {
			all = append(all, f)
		}
	}
	for _, s := range there.Sessions {
		if s.Tags[account.OwnerTag] != "ours" {
			all = append(all, s)
		}
	}
	return all
}
