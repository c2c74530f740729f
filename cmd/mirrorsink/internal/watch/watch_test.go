package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/notify"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/notify/notifytest"
	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
	"github.com/mirrorsink/mirrorsink/sessions/spec"
)

// group is an account in memory: a source for each instance of a group, whose sessions come and go as the watcher says.
type group struct {
	mu      sync.Mutex
	state   account.State
	err     error // of reading
	spec    string
	rounds  []time.Time
	created int
	stall   chan struct{} // reading waits for it; nil if it does not
}

const groupSpec = `
owner: watch
targets: {sink: {network-interface: eni-0f}, other: {id: tmt-0e}}
filters: {none: {ingress: [], egress: []}}
sources: {group: {vpcs: vpc-0a, optional: true}}
sessions: {group: {sources: group, filter: none, target: sink}}
`

// read is the spec at the beginning of a round.
func (g *group) read() (*spec.Spec, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rounds = append(g.rounds, time.Now())
	return spec.Parse("mirror.yaml", []byte(g.spec))
}

// write changes the spec.
func (g *group) write(text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.spec = text
}

func (g *group) Behind(context.Context, string) ([]string, error) { return nil, nil }

func (g *group) Read(context.Context) (*account.State, error) {
	if g.stall != nil {
		g.stall <- struct{}{}
		<-g.stall
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return nil, g.err
	}
	state := g.state
	state.Sessions = append([]account.Session(nil), state.Sessions...)
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
		g.state.Targets = append(g.state.Targets, account.Target{ID: id, Interface: c.Want.Target.Interface, Tags: c.Want.Target.Tags})
	case c.Kind == sessions.KindFilter:
		g.state.Filters = append(g.state.Filters, account.Filter{ID: id, Tags: c.Want.Filter.Tags, Services: []string{account.AmazonDNS}})
	}
	return id, nil
}

func (g *group) Rules(context.Context, string) ([]account.Rule, error) { return nil, nil }

// set gives the group n instances.
func (g *group) set(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state.Interfaces = nil
	for i := range 8 {
		vpc := "vpc-0a"
		if i >= n {
			vpc = "vpc-0b" // which nobody asks for
		}
		g.state.Interfaces = append(g.state.Interfaces, account.Interface{ID: fmt.Sprintf("eni-%02d", i), VPC: vpc})
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
		var logged strings.Builder
		w := &watcher{
			read:  g.read,
			state: g, api: g, interval: time.Minute, deletions: 2, counts: newMetrics(), log: slog.New(slog.NewTextHandler(&logged, nil)),
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
		assert.Contains(t, logged.String(), `"held back"=3 max-deletions=2`)
		assert.Zero(t, testutil.ToFloat64(w.counts.held))
		assert.Equal(t, 1, strings.Count(logged.String(), "tmt-0e is not to be seen"), "the same is logged once")

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

// TestServiceManager: the watcher tells it when it begins and ends. It sends signs of life between rounds, and within a round as long as
// EC2 answers calls.
func TestServiceManager(t *testing.T) {
	manager := notifytest.Listen(t, 30*time.Millisecond)
	g := &group{spec: groupSpec, stall: make(chan struct{})}
	log := slog.New(slog.DiscardHandler)
	w := &watcher{
		read: g.read, state: g, api: g, interval: time.Hour, counts: newMetrics(), log: log, manager: notify.Open(log),
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); w.serve(ctx) }()
	assert.Equal(t, "READY=1\nSTATUS=applying the spec", manager.Next())
	<-g.stall
	alive := w.alive()
	assert.False(t, alive(), "the round stands still")
	w.counts.called("DescribeInstances", "ok")
	assert.True(t, alive())
	assert.False(t, alive())
	g.stall <- struct{}{}
	manager.Await("WATCHDOG=1")
	assert.Eventually(t, func() bool { alive(); return alive() }, 2*time.Minute, time.Millisecond, "the next round is waited for")
	stop()
	assert.Equal(t, "STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=30000000", manager.Await("STOPPING=1"))
	<-ended
}
