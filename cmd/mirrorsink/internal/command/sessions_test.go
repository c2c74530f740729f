package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// startEC2 starts an EC2 with an account, and gives the program's SDK what it needs to speak to it and to nobody else.
func startEC2(t *testing.T, account ec2test.Account) *ec2test.Server {
	withoutAWS(t)
	srv := ec2test.New(account)
	t.Cleanup(srv.Close)
	t.Setenv("AWS_ENDPOINT_URL_EC2", srv.URL)
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	return srv
}

// specFile writes a spec.
func specFile(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "mirror.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// workloads is an account of the demo's three workloads. Copies can be sent from their primary addresses, which are those of
// this machine; what the workloads speak with are secondary ones.
func workloads() ec2test.Account {
	a := ec2test.Account{Interfaces: []ec2test.Interface{{ID: "eni-0f", VPC: "vpc-0a", Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Instance: "i-0f"}},
		Instances: []ec2test.Instance{{ID: "i-0f"}}}
	for n := 1; n <= 3; n++ {
		instance := fmt.Sprintf("i-0%d", n)
		a.Instances = append(a.Instances, ec2test.Instance{ID: instance, Tags: map[string]string{"mirror": "yes"}})
		a.Interfaces = append(a.Interfaces, ec2test.Interface{
			ID: fmt.Sprintf("eni-0%d", n), VPC: "vpc-0a", Subnet: "subnet-0a", Zone: "eu-west-1a", Instance: instance,
			Addresses: []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, byte(10 + n)}), netip.AddrFrom4([4]byte{10, 0, byte(n), 10})},
			IPv6:      []netip.Addr{netip.MustParseAddr(fmt.Sprintf("2001:db8:a%d::10", n))},
		})
	}
	return a
}

const workloadSpec = `
owner: walk
targets: {sink: {network-interface: eni-0f}}
filters: {everything: {}}
sources: {workloads: {tags: {mirror: "yes"}}}
sessions: {workloads: {sources: workloads, filter: everything, target: sink}}
`

// TestFromAnEmptyAccountToNamedFlows is the README's walk: plan, apply, inventory, listen; with copies sent under the VNIs that
// EC2 gave. Every flow carries the interface that it was mirrored from. In the end all is taken away again.
func TestFromAnEmptyAccountToNamedFlows(t *testing.T) {
	needsLinux(t)
	srv := startEC2(t, workloads())
	spec := specFile(t, workloadSpec)

	r := runHere(t, "sessions", "plan", "-f", spec)
	require.Equal(t, exitFindings, r.code, r.stderr)
	assert.Contains(t, r.stdout, "+ session   workloads eni-01")
	assert.Contains(t, r.stdout, "3 sessions: 0.045 USD an hour, 32.85 USD a month")
	require.Empty(t, srv.Mutations(), "plan writes nothing")

	r = runHere(t, "sessions", "apply", "-f", spec)
	require.Equal(t, exitOK, r.code, r.stderr)
	r = runHere(t, "sessions", "plan", "-f", spec)
	require.Equal(t, exitOK, r.code, r.stdout)
	assert.Contains(t, r.stdout, "Nothing to do.")

	inventory := filepath.Join(t.TempDir(), "inventory.json")
	r = runHere(t, "sessions", "inventory", "-f", spec, "-o", "json", "--out", inventory)
	require.Equal(t, exitOK, r.code, r.stderr)
	checkAttribution(t, statusOf(t, spec), inventory)

	r = runHere(t, "sessions", "destroy", "-f", spec, "--yes")
	require.Equal(t, exitOK, r.code, r.stderr)
	there := srv.Snapshot()
	assert.Empty(t, there.Targets)
	assert.Empty(t, there.Filters)
	assert.Empty(t, there.Sessions)
}

func statusOf(t *testing.T, spec string) (list []sessions.Status) {
	r := runHere(t, "sessions", "status", "-f", spec, "-o", "json")
	require.Equal(t, exitOK, r.code, r.stderr)
	var report sessions.Report
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &report))
	return report.Sessions
}

// checkAttribution plays the demo's capture with the VNIs of the sessions, and looks where its flows are said to be from.
func checkAttribution(t *testing.T, list []sessions.Status, inventory string) {
	var mirror strings.Builder
	owner := map[string]string{} // by a workload's address, or the beginning of it
	mirror.WriteString("sessions:\n")
	for i, s := range list {
		n := i + 1
		require.Equal(t, fmt.Sprintf("eni-0%d", n), s.Interface)
		fmt.Fprintf(&mirror, "  - {vni: %d, source: 127.0.0.%d, addresses: [10.0.%d.10, \"2001:db8:a%d::10\"], filter: all}\n", *s.VNI, 10+n, n, n)
		owner[fmt.Sprintf("10.0.%d.10", n)], owner[fmt.Sprintf("2001:db8:a%d::10", n)] = s.Interface, s.Interface
	}
	played, err := os.ReadFile("../demo/sessions.yaml")
	require.NoError(t, err)
	mirror.WriteString(string(played[strings.Index(string(played), "filters:"):]))

	eve := eveFile(t)
	s := startListen(t, "--eve", eve, "--inventory", inventory)
	last := s.awaitAll(s.send("../demo/workloads.pcap.gz", "--spec", specFile(t, mirror.String()), "--rate=5000"))
	require.Equal(t, exitOK, s.end(), s.stderr.String())
	assert.Zero(t, last["mirrorsink_unattributed_packets_total"])

	flows := 0
	for _, e := range readEvents(t, eve) {
		if e["event_type"] != "flow" {
			continue
		}
		flows++
		m := e["mirror"].(map[string]any)
		want := owner[e["src_ip"].(string)]
		direction := "egress"
		if want == "" {
			want, direction = owner[e["dest_ip"].(string)], "ingress"
		}
		require.NotEmpty(t, want, "flow %v", e)
		assert.Equal(t, want, m["eni"])
		assert.Equal(t, strings.Replace(want, "eni", "i", 1), m["instance"])
		assert.Equal(t, "vpc-0a", m["vpc"])
		assert.Equal(t, "subnet-0a", m["subnet"])
		assert.Equal(t, "111122223333", m["account"])
		assert.Equal(t, direction, m["direction"])
	}
	assert.Greater(t, flows, 20)
}

// TestBadSpecsCallNothing: each is told with file, line and a sentence, and EC2 is not called; of a source that matches nothing
// it is only read.
func TestBadSpecsCallNothing(t *testing.T) {
	srv := startEC2(t, workloads())
	for _, c := range []struct{ what, from, to, says string }{
		{"unknown key", "everything: {}", "everything: {amazn-dns: true}", `:4:24: unknown key "amazn-dns"`},
		{"bad CIDR", "everything: {}", "everything: {ingress: [{action: accept, source: 10.0.0.0/33}]}", `:4:`},
		{"port on ICMP", "everything: {}", "everything: {ingress: [{action: accept, protocol: icmp, source: 10.0.0.0/8, destination-ports: 80}]}", "ports go with protocol tcp or udp only"},
		{"number out of range", "target: sink}", "target: sink, number: 32767}", "32766"},
		{"duplicate", "everything: {}", "everything: {}, everything: {}", ":4:27: \"everything\" stands in filters for the second time"},
		{"matches nothing", `"yes"`, `"no"`, ":5:11: source workloads matches no network interface; correct it"},
	} {
		t.Run(c.what, func(t *testing.T) {
			srv.ForgetCalls()
			require.Contains(t, workloadSpec, c.from)
			spec := specFile(t, strings.Replace(workloadSpec, c.from, c.to, 1))
			for _, command := range []string{"plan", "apply", "status"} {
				r := runHere(t, "sessions", command, "-f", spec)
				assert.Equal(t, exitError, r.code)
				assert.Empty(t, r.stdout)
				oneLine(t, r.stderr)
				assert.Contains(t, r.stderr, "mirrorsink: "+spec+":")
				assert.Contains(t, r.stderr, c.says)
			}
			assert.Empty(t, srv.Mutations())
			if c.what != "matches nothing" {
				assert.Empty(t, srv.Calls())
			}
		})
	}
}

// TestAccountsThatCannotBeHad: one clear line each, and nothing is changed.
func TestAccountsThatCannotBeHad(t *testing.T) {
	for _, c := range []struct {
		what string
		make func(t *testing.T, srv *ec2test.Server)
		says string
	}{
		{"no credentials", func(t *testing.T, _ *ec2test.Server) {
			t.Setenv("AWS_ACCESS_KEY_ID", "")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "")
		}, "no credentials: set AWS_PROFILE"},
		{"no region", func(t *testing.T, _ *ec2test.Server) { t.Setenv("AWS_REGION", "") }, "no region: set --region or AWS_REGION"},
		{"denied", func(_ *testing.T, srv *ec2test.Server) { srv.Deny("DescribeTrafficMirrorSessions") }, "DescribeTrafficMirrorSessions: UnauthorizedOperation: not allowed"},
		{"throttled for good", func(t *testing.T, srv *ec2test.Server) {
			t.Setenv("AWS_MAX_ATTEMPTS", "2")
			srv.FailNext(ec2test.Throttled(), ec2test.Always, "DescribeTrafficMirrorFilters")
		}, "DescribeTrafficMirrorFilters: RequestLimitExceeded"},
		{"network gone", func(t *testing.T, srv *ec2test.Server) {
			t.Setenv("AWS_MAX_ATTEMPTS", "2")
			srv.Close()
		}, "no answer"},
	} {
		t.Run(c.what, func(t *testing.T) {
			srv := startEC2(t, workloads())
			c.make(t, srv)
			spec := specFile(t, workloadSpec)
			for _, command := range []string{"plan", "apply"} {
				r := runHere(t, "sessions", command, "-f", spec)
				assert.Equal(t, exitError, r.code)
				assert.Empty(t, r.stdout)
				oneLine(t, r.stderr)
				assert.Contains(t, r.stderr, c.says)
			}
			assert.Empty(t, srv.Mutations())
		})
	}
}

// TestApplyThatIsDeniedHalfWay says exactly what is done and what is not, and finishes when it is let.
func TestApplyThatIsDeniedHalfWay(t *testing.T) {
	srv := startEC2(t, workloads())
	spec := specFile(t, workloadSpec)
	srv.Deny("CreateTrafficMirrorSession")
	r := runHere(t, "sessions", "apply", "-f", spec)
	assert.Equal(t, exitError, r.code)
	assert.Contains(t, r.stdout, "+ filter everything is tmf-")
	assert.Contains(t, r.stdout, "+ session workloads eni-01: failed\n")
	assert.Contains(t, r.stderr, "create session workloads eni-01: CreateTrafficMirrorSession: UnauthorizedOperation")
	assert.Regexp(t, `mirrorsink: 7 changes done, [123] failed, [012] not begun; run it again to finish\n$`, r.stderr)
	assert.Empty(t, srv.Snapshot().Sessions)

	srv.Permit("CreateTrafficMirrorSession")
	r = runHere(t, "sessions", "apply", "-f", spec)
	require.Equal(t, exitOK, r.code, r.stderr)
	assert.Equal(t, 3, strings.Count(r.stdout, "+ "), "only what was left")
	assert.Len(t, srv.Snapshot().Sessions, 3)
}

// TestLostRepliesMakeOneObject, and what was destroyed and is applied again is a new one.
func TestLostRepliesMakeOneObject(t *testing.T) {
	srv := startEC2(t, workloads())
	spec := specFile(t, workloadSpec)
	ids := func() (list []string) {
		there := srv.Snapshot()
		require.Len(t, there.Targets, 1)
		require.Len(t, there.Filters, 1)
		require.Len(t, there.Filters[0].Rules, 4)
		require.Len(t, there.Sessions, 3)
		list = append(list, there.Targets[0].ID, there.Filters[0].ID)
		for _, s := range there.Sessions {
			list = append(list, s.ID)
		}
		return list
	}
	for _, action := range []string{"Target", "Filter", "FilterRule", "Session"} {
		srv.FailNext(ec2test.LostReply(), 1, "CreateTrafficMirror"+action)
	}
	require.Equal(t, exitOK, runHere(t, "sessions", "apply", "-f", spec).code)
	first := ids()
	require.Equal(t, exitOK, runHere(t, "sessions", "destroy", "-f", spec, "--yes").code)
	require.Equal(t, exitOK, runHere(t, "sessions", "apply", "-f", spec).code)
	for _, id := range ids() {
		assert.NotContains(t, first, id)
	}
}

func TestApplyDryRunChangesNothing(t *testing.T) {
	srv := startEC2(t, workloads())
	r := runHere(t, "sessions", "apply", "--dry-run", "-f", specFile(t, workloadSpec))
	require.Equal(t, exitOK, r.code, r.stderr)
	assert.Contains(t, r.stdout, "+ target sink: would be allowed\n")
	assert.Contains(t, r.stdout, "+ session workloads eni-01: not asked: it needs ")
	for _, m := range srv.Mutations() {
		assert.True(t, m.DryRun, m.Action)
	}
	assert.Empty(t, srv.Snapshot().Targets)
}

// TestProbe finds what EC2 would refuse, with its reason, and asks only once.
func TestProbe(t *testing.T) {
	there := workloads()
	there.Interfaces[2].Refusal = "its instance type cannot be mirrored"
	there.Targets = []ec2test.Target{{ID: "tmt-0a", Interface: "eni-0f"}}
	startEC2(t, there)
	spec := specFile(t, strings.Replace(workloadSpec, "network-interface: eni-0f", "id: tmt-0a", 1))
	r := runHere(t, "sessions", "plan", "--probe", "-f", spec)
	require.Equal(t, exitFindings, r.code, r.stderr)
	assert.Contains(t, r.stdout, "warning: not probed, since their target or filter is not there yet: 3 of the new sessions")

	there.Filters = []ec2test.Filter{{ID: "tmf-0a", Tags: map[string]string{account.OwnerTag: "walk", account.NameTag: "everything"}}}
	srv := startEC2(t, there)
	for range 2 {
		r = runHere(t, "sessions", "plan", "--probe", "-f", spec)
		require.Equal(t, exitFindings, r.code, r.stderr)
		assert.Regexp(t, `cannot be mirrored +eni-02 +InvalidParameterValue: .*its instance type cannot be mirrored`, r.stdout)
	}
	assert.Equal(t, 3, srv.Calls()["CreateTrafficMirrorSession"], "answers are kept")
	for _, m := range srv.Mutations() {
		assert.True(t, m.DryRun, m.Action)
	}
}

// TestProbeWithoutAPlaceForAnswers shows the plan all the same.
func TestProbeWithoutAPlaceForAnswers(t *testing.T) {
	there := workloads()
	there.Targets = []ec2test.Target{{ID: "tmt-0a", Interface: "eni-0f"}}
	there.Filters = []ec2test.Filter{{ID: "tmf-0a", Tags: map[string]string{account.OwnerTag: "walk", account.NameTag: "everything"}}}
	startEC2(t, there)
	file := specFile(t, strings.Replace(workloadSpec, "network-interface: eni-0f", "id: tmt-0a", 1))
	t.Setenv("XDG_CACHE_HOME", file) // no folder
	r := runHere(t, "sessions", "plan", "--probe", "-f", file)
	require.Equal(t, exitFindings, r.code, r.stderr)
	assert.Contains(t, r.stdout, "+ session   workloads eni-03")
	assert.Contains(t, r.stdout, "warning: the answers of --probe cannot be kept: ")
}

// TestWrongFlags are told with exit status 2 and one line, and EC2 is not called.
func TestWrongFlags(t *testing.T) {
	srv := startEC2(t, workloads())
	spec := specFile(t, workloadSpec)
	for _, args := range [][]string{
		{"plan"}, {"apply"}, {"status"}, {"watch"}, {"destroy", "--yes"},
		{"plan", "-f", spec, "--price", "-1"}, {"plan", "-f", spec, "--price", "NaN"}, {"apply", "-f", spec, "--price", "-1"},
		{"plan", "-f", spec, "-o", "xml"}, {"status", "-f", spec, "-o", "text"}, {"inventory", "-o", "yaml"},
	} {
		r := runHere(t, append([]string{"sessions"}, args...)...)
		assert.Equal(t, exitUsage, r.code, args)
		assert.Empty(t, r.stdout)
		oneLine(t, r.stderr)
	}
	assert.Empty(t, srv.Calls())
}

func TestDestroyNeedsAWord(t *testing.T) {
	srv := startEC2(t, workloads())
	r := runHere(t, "sessions", "destroy", "-f", specFile(t, workloadSpec))
	assert.Equal(t, exitUsage, r.code)
	oneLine(t, r.stderr)
	assert.Empty(t, srv.Calls())
	assert.False(t, confirmed(t.Context(), "eu-west-1", strings.NewReader("y\n"), io.Discard))
	assert.True(t, confirmed(t.Context(), "eu-west-1", strings.NewReader("yes\n"), io.Discard))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer read.Close()
	assert.False(t, confirmed(ctx, "eu-west-1", read, io.Discard), "an interruption is no")
	write.Close()
}

// TestJSONPlans are for programs: the changes, and what they cost.
func TestJSONPlans(t *testing.T) {
	startEC2(t, workloads())
	r := runHere(t, "sessions", "plan", "-o", "json", "--price", "0.02", "-f", specFile(t, workloadSpec))
	require.Equal(t, exitFindings, r.code, r.stderr)
	var p struct {
		Owner   string
		Changes []struct {
			Op, Kind, Name, Why string
			Want                map[string]any
		}
		Cost sessions.Cost
	}
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &p))
	assert.Equal(t, "walk", p.Owner)
	require.Len(t, p.Changes, 10)
	assert.Equal(t, "create", p.Changes[9].Op)
	assert.Equal(t, "session", p.Changes[9].Kind)
	assert.Equal(t, "workloads eni-03", p.Changes[9].Name)
	assert.Equal(t, "filter/everything", p.Changes[9].Want["session"].(map[string]any)["filter"])
	assert.InDelta(t, 0.06, p.Cost.Hour, 1e-9)

	r = runHere(t, "sessions", "plan", "-o", "json", "-f", specFile(t, "owner: walk\nsessions: {}\n"))
	require.Equal(t, exitOK, r.code, r.stderr)
	assert.Contains(t, r.stdout, `"changes": []`, "a list, for who goes through it")
}
