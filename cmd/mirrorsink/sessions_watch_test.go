package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/ec2test"
)

// group is an account in memory: a source for each instance of a group, whose sessions come and go as the watcher says.
type group struct {
	mu      sync.Mutex
	state   sessions.State
	err     error // of reading
	spec    string
	rounds  []time.Time
	created int
}

const groupSpec = `
owner: watch
targets: {sink: {network-interface: eni-0f}, other: {id: tmt-0e}}
filters: {none: {ingress: [], egress: []}}
sources: {group: {vpcs: vpc-0a, optional: true}}
sessions: {group: {sources: group, filter: none, target: sink}}
`

// read is the spec at the beginning of a round.
func (g *group) read() (*sessions.Spec, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rounds = append(g.rounds, time.Now())
	return sessions.ParseSpec("mirror.yaml", []byte(g.spec))
}

// write changes the spec.
func (g *group) write(text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.spec = text
}

func (g *group) Read(context.Context) (*sessions.State, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return nil, g.err
	}
	state := g.state
	state.Sessions = append([]sessions.Session(nil), state.Sessions...)
	return &state, nil
}

func (g *group) Change(_ context.Context, c *sessions.Change, _ sessions.Call) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.created++
	id := fmt.Sprintf("%s-%d", c.Kind, g.created)
	switch {
	case c.Kind == sessions.KindSession && c.Op == sessions.Create:
		s := *c.Want.Session
		s.ID = id
		g.state.Sessions = append(g.state.Sessions, s)
	case c.Kind == sessions.KindSession && c.Op == sessions.Delete:
		for i, s := range g.state.Sessions {
			if s.ID == c.ID {
				g.state.Sessions = append(g.state.Sessions[:i], g.state.Sessions[i+1:]...)
				break
			}
		}
	case c.Kind == sessions.KindTarget:
		g.state.Targets = append(g.state.Targets, sessions.Target{ID: id, Interface: c.Want.Target.Interface, Tags: c.Want.Target.Tags})
	case c.Kind == sessions.KindFilter:
		g.state.Filters = append(g.state.Filters, sessions.Filter{ID: id, Tags: c.Want.Filter.Tags, Services: []string{sessions.AmazonDNS}})
	}
	return id, nil
}

func (g *group) Rules(context.Context, string) ([]sessions.Rule, error) { return nil, nil }

// set makes the group have so many instances.
func (g *group) set(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state.Interfaces = nil
	for i := range 8 {
		vpc := "vpc-0a"
		if i >= n {
			vpc = "vpc-0b" // which nobody asks for
		}
		g.state.Interfaces = append(g.state.Interfaces, sessions.Interface{ID: fmt.Sprintf("eni-%02d", i), VPC: vpc})
	}
}

func (g *group) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.err = err
}

func (g *group) sessions() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.state.Sessions)
}

// TestWatchFollowsAGroup: sessions come with instances at once, and go so many in a round; a round that fails changes nothing,
// and the next one tries again.
func TestWatchFollowsAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &group{spec: groupSpec}
		var said logBuffer
		w := &watcher{
			read:  g.read,
			state: g, api: g, interval: time.Minute, deletions: 2, counts: newWatchMetrics(), log: slog.New(slog.NewTextHandler(&said, nil)),
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		g.set(6)
		go func() { defer close(ended); w.run(ctx) }()
		synctest.Wait()
		assert.Equal(t, 6, g.sessions())
		next := func() { time.Sleep(67 * time.Second); synctest.Wait() }

		g.set(1)
		for _, want := range []int{4, 2, 1} {
			next()
			assert.Equal(t, want, g.sessions())
		}
		assert.Contains(t, said.String(), `"held back"=3 max-deletions=2`)
		assert.Zero(t, testutil.ToFloat64(w.counts.held))
		assert.Equal(t, 1, strings.Count(said.String(), "tmt-0e is not to be seen"), "the same is said once")

		g.set(3)
		g.fail(errors.New("EC2 is away"))
		next()
		assert.Equal(t, 1, g.sessions())
		g.fail(nil)
		g.write("owner: wat")
		next()
		assert.Equal(t, 1, g.sessions())
		g.write(groupSpec)
		next()
		assert.Equal(t, 3, g.sessions())
		assert.Equal(t, 2.0, testutil.ToFloat64(w.counts.rounds.WithLabelValues("error")))
		assert.Equal(t, 3.0, testutil.ToFloat64(w.counts.sessions))

		cancel()
		<-ended
		for i := 1; i < len(g.rounds); i++ {
			assert.InDelta(t, time.Minute, g.rounds[i].Sub(g.rounds[i-1]), float64(6*time.Second))
		}
	})
}

// TestWatchAgainstEC2 runs the command: an instance that comes gets a session, /metrics says so, and SIGTERM ends it well.
func TestWatchAgainstEC2(t *testing.T) {
	srv := startEC2(t, workloads())
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var stderr logBuffer
	code := make(chan int, 1)
	args := []string{"sessions", "watch", "-f", specFile(t, workloadSpec), "--interval", "1s", "--metrics", "127.0.0.1:0"}
	go func() { code <- run(ctx, args, io.Discard, &stderr) }()
	has := func(n int) func() bool { return func() bool { return len(srv.Snapshot().Sessions) == n } }
	require.Eventually(t, has(3), patience, 10*time.Millisecond)

	srv.PutInstance(ec2test.Instance{ID: "i-04", Tags: map[string]string{"mirror": "yes"}})
	srv.PutInterface(ec2test.Interface{ID: "eni-04", VPC: "vpc-0a", Instance: "i-04", Addresses: workloads().Interfaces[1].Addresses[1:]})
	require.Eventually(t, has(4), patience, 10*time.Millisecond)
	metrics := stderr.await(t, `what=metrics address=(\S+)`)
	require.Eventually(t, func() bool {
		_, page := get("http://" + metrics + "/metrics")
		return strings.Contains(page, "mirrorsink_watch_sessions_wanted 4\n") &&
			strings.Contains(page, `mirrorsink_watch_changes_total{kind="session",op="create",outcome="ok"} 4`) &&
			strings.Contains(page, `mirrorsink_watch_api_calls_total{action="CreateTrafficMirrorSession",outcome="ok"} 4`)
	}, patience, 10*time.Millisecond)
	stop()
	assert.Equal(t, exitOK, <-code, stderr.String())
}

// TestWatchNamesEachFailure, with its reason, and says how far the round came.
func TestWatchNamesEachFailure(t *testing.T) {
	srv := startEC2(t, workloads())
	srv.Deny("CreateTrafficMirrorFilterRule")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var stderr logBuffer
	code := make(chan int, 1)
	args := []string{"sessions", "watch", "-f", specFile(t, workloadSpec), "--metrics", "off"}
	go func() { code <- run(ctx, args, io.Discard, &stderr) }()
	stderr.await(t, `(a change failed)" error="create rule everything ingress 10: CreateTrafficMirrorFilterRule: UnauthorizedOperation`)
	stderr.await(t, `the round failed" error="(2 changes done, 1 failed, 7 not begun)"`)
	stop()
	assert.Equal(t, exitOK, <-code)
}

func TestWatchRefusesWhatCannotBe(t *testing.T) {
	srv := startEC2(t, workloads())
	spec := specFile(t, workloadSpec)
	for _, args := range [][]string{{"--interval", "10ms"}, {"--max-deletions", "-1"}, {"--metrics", "nowhere"}} {
		r := runHere(t, append([]string{"sessions", "watch", "-f", spec}, args...)...)
		assert.Equal(t, exitUsage, r.code)
		oneLine(t, r.stderr)
	}
	require.NoError(t, os.WriteFile(spec, []byte("owner: x\n"), 0o644))
	r := runHere(t, "sessions", "watch", "-f", spec)
	assert.Equal(t, exitError, r.code)
	oneLine(t, r.stderr)
	assert.Empty(t, srv.Calls())
}
