package inventory

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/sessions"
	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// loads is a loader that gives what a test wants next, and counts how often it was asked.
type loads struct {
	mu    sync.Mutex
	inv   *sessions.Inventory
	err   error
	times int
}

func (l *loads) load(context.Context) (*sessions.Inventory, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.times++
	return l.inv, l.err
}

func (l *loads) next(inv *sessions.Inventory, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inv, l.err = inv, err
}

func eniOf(a *Inventory, vni uint32) string {
	if o := a.Owner(netip.MustParseAddr("10.0.0.1"), vni); o != nil {
		return o.ENI
	}
	return ""
}

// TestInventoryIsRefreshed: on its interval and on request; a failure keeps the old one, is counted each time and logged once,
// and so is the recovery.
func TestInventoryIsRefreshed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		source := &loads{inv: entries("eni-1")}
		a, err := Open(t.Context(), source.load, slog.New(slog.NewTextHandler(&logged, nil)))
		require.NoError(t, err)
		start := uint64(time.Now().Unix())
		assert.Equal(t, Counts{Sessions: 1, Loaded: start}, a.Count())
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); a.Keep(ctx, time.Minute) }()
		pass := func(d time.Duration) { time.Sleep(d); synctest.Wait() }

		source.next(entries("eni-2", "eni-3"), nil)
		pass(59 * time.Second)
		assert.Equal(t, "eni-1", eniOf(a, 0))
		pass(time.Second)
		assert.Equal(t, "eni-2", eniOf(a, 0))
		assert.Equal(t, Counts{Sessions: 2, Loaded: start + 60}, a.Count())

		source.next(nil, errors.New("the network is away"))
		pass(3 * time.Minute)
		assert.Equal(t, "eni-2", eniOf(a, 0), "the old one stays")
		assert.Equal(t, Counts{Sessions: 2, Failures: 3, Loaded: start + 60}, a.Count())
		assert.Equal(t, 1, strings.Count(logged.String(), "the network is away"))

		source.next(nil, nil) // it is as it was
		pass(2 * time.Minute)
		assert.Equal(t, "eni-3", eniOf(a, 1))
		assert.Equal(t, Counts{Sessions: 2, Failures: 3, Loaded: start + 360}, a.Count())
		assert.Equal(t, 1, strings.Count(logged.String(), "refreshed again"))

		source.next(entries("eni-4"), nil)
		a.Request()
		a.Request()
		synctest.Wait()
		assert.Equal(t, "eni-4", eniOf(a, 0), "at once")
		cancel()
		<-ended
		assert.NotContains(t, logged.String(), "canceled")
	})
}

func TestInventoryIsRefreshedOnRequestAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &loads{inv: entries("eni-1")}
		a, err := Open(t.Context(), source.load, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		go a.Keep(t.Context(), 0)
		time.Sleep(24 * time.Hour)
		assert.Equal(t, 1, source.times)
		a.Request()
		synctest.Wait()
		assert.Equal(t, 2, source.times)
	})
}

// What ends with the program is no failure.
func TestInventoryRefreshIsInterrupted(t *testing.T) {
	var logged bytes.Buffer
	source := &loads{inv: entries("eni-1")}
	a, err := Open(t.Context(), source.load, slog.New(slog.NewTextHandler(&logged, nil)))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	source.next(nil, context.Canceled)
	a.refresh(ctx)
	assert.Zero(t, a.Count().Failures)
	assert.Empty(t, logged.String())
}

// writeInventory writes an inventory to a file, in one step as one should.
func writeInventory(t *testing.T, path string, inv *sessions.Inventory) {
	t.Helper()
	var text bytes.Buffer
	require.NoError(t, inv.Write(&text))
	require.NoError(t, os.WriteFile(path+".new", text.Bytes(), 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

func TestInventoryFileIsReadWhenItChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inventory.json")
	load := fileInventory(path)
	_, err := load(t.Context())
	require.ErrorContains(t, err, "no such file")

	writeInventory(t, path, entries("eni-1"))
	inv, err := load(t.Context())
	require.NoError(t, err)
	assert.Len(t, inv.Entries, 1)
	inv, err = load(t.Context())
	require.NoError(t, err)
	assert.Nil(t, inv, "it is as it was")

	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	for range 2 {
		_, err = load(t.Context())
		require.ErrorContains(t, err, "inventory "+path+": line 1: ", "a bad one is told as long as it is there")
	}
	writeInventory(t, path, entries("eni-2", "eni-3"))
	inv, err = load(t.Context())
	require.NoError(t, err)
	assert.Len(t, inv.Entries, 2)
}

// ec2State is an EC2 that tells a state.
type ec2State struct{ account.State }

func (s *ec2State) Read(context.Context) (*account.State, error) {
	if s.Region == "" {
		return nil, errors.New("DescribeTrafficMirrorSessions: RequestLimitExceeded")
	}
	return &s.State, nil
}

// An inventory from EC2 has all sessions, whoever's they are; what is left out is logged when it is not what it was before.
func TestInventoryFromEC2(t *testing.T) {
	var logged bytes.Buffer
	ec2 := &ec2State{account.State{
		Region:     "eu-west-1",
		Interfaces: []account.Interface{{ID: "eni-1", Primary: netip.MustParseAddr("10.0.0.1")}},
		Sessions:   []account.Session{{ID: "tms-1", Interface: "eni-1", VNI: 7}, {ID: "tms-2", Interface: "eni-gone", VNI: 8}},
	}}
	load := stateInventory(ec2, slog.New(slog.NewTextHandler(&logged, nil)))
	for range 2 {
		inv, err := load(t.Context())
		require.NoError(t, err)
		require.Len(t, inv.Entries, 1)
		assert.Equal(t, "tms-1", inv.Entries[0].Session)
	}
	assert.Equal(t, 1, strings.Count(logged.String(), "eni-gone"))
	ec2.Region = ""
	_, err := load(t.Context())
	assert.ErrorContains(t, err, "inventory from EC2: DescribeTrafficMirrorSessions: RequestLimitExceeded")
}
