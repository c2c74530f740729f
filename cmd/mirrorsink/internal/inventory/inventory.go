// Package inventory keeps the owners of mirror sessions up to date, from a file or from EC2. Workers look owners up without a lock.
package inventory

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/mirrorsink/mirrorsink/sessions"
)

// Loader reads the inventory, or returns nil if it has not changed. The error names the source. One goroutine calls it.
type Loader func(ctx context.Context) (*sessions.Inventory, error)

// fileInventory loads a file whenever it is another one than before.
func fileInventory(name string) Loader {
	var last os.FileInfo
	return func(context.Context) (*sessions.Inventory, error) {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("inventory: %w", err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return nil, fmt.Errorf("inventory: %w", err)
		}
		if last != nil && os.SameFile(info, last) && info.Size() == last.Size() && info.ModTime().Equal(last.ModTime()) {
			return nil, nil
		}
		inv, err := sessions.ReadInventory(f)
		if err != nil {
			return nil, fmt.Errorf("inventory %s: %w", name, err)
		}
		last = info
		return inv, nil
	}
}

// Inventory keeps the workers' inventory up to date.
type Inventory struct {
	owners
	load    Loader
	log     *slog.Logger
	again   chan struct{} // one waiting request for a refresh
	failing bool          // the last refresh failed, and was logged

	mu     sync.Mutex // guards counts
	counts Counts
}

// Counts are the results of loading the inventory.
type Counts struct {
	Sessions uint64
	Failures uint64 // refreshes after which the old one stayed
	Loaded   uint64 // time of the last successful load, in Unix seconds
}

// Open loads an inventory for the first time.
func Open(ctx context.Context, load Loader, log *slog.Logger) (*Inventory, error) {
	a := &Inventory{load: load, log: log, again: make(chan struct{}, 1)}
	inv, err := load(ctx)
	if err != nil {
		return nil, err
	}
	a.take(inv)
	return a, nil
}

// Keep refreshes the inventory on the interval, unless that is 0, and on request, until ctx ends.
func (a *Inventory) Keep(ctx context.Context, interval time.Duration) {
	var due <-chan time.Time
	if interval > 0 {
		t := time.NewTicker(interval)
		defer t.Stop()
		due = t.C
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-due:
		case <-a.again:
		}
		a.refresh(ctx)
	}
}

// Request asks for a refresh, and does not wait for it.
func (a *Inventory) Request() {
	select {
	case a.again <- struct{}{}:
	default: // one is about to begin
	}
}

// refreshTimeout is longer than the largest account takes, with EC2's throttling.
const refreshTimeout = 5 * time.Minute

// refresh loads the inventory again. A failure is logged once, until a refresh succeeds.
func (a *Inventory) refresh(ctx context.Context) {
	loading, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	inv, err := a.load(loading)
	switch {
	case ctx.Err() != nil: // the program ends
	case err != nil:
		a.mu.Lock()
		a.counts.Failures++
		a.mu.Unlock()
		if !a.failing {
			a.log.Warn("the inventory cannot be refreshed: the old one stays", "error", err)
		}
		a.failing = true
	default:
		a.take(inv)
		if a.failing {
			a.log.Info("the inventory is refreshed again")
		}
		a.failing = false
	}
}

// take makes what was loaded the inventory that counts; nil is the one before.
func (a *Inventory) take(inv *sessions.Inventory) {
	if inv != nil {
		a.replace(inv)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts.Loaded = uint64(time.Now().Unix())
	if inv != nil {
		a.counts.Sessions = uint64(len(inv.Entries))
	}
}

// Count returns the counts. It is safe for concurrent use.
func (a *Inventory) Count() Counts {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.counts
}
