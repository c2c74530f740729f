package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/sessions"
)

// inventoryOptions say where the inventory is from. fromEC2 is no file.
type inventoryOptions struct {
	from    string
	refresh time.Duration
}

// fromEC2 is the value of --inventory that asks EC2. A file of that name is ./ec2.
const fromEC2 = "ec2"

func (o *inventoryOptions) addTo(f *pflag.FlagSet) {
	f.StringVar(&o.from, "inventory", "", "tell whose packets they are by this `file` of sessions inventory, or by asking ec2")
}

func (o *inventoryOptions) addRefreshTo(f *pflag.FlagSet) {
	o.refresh = time.Minute
	f.DurationVar(&o.refresh, "inventory-refresh", o.refresh, "look for another inventory this often, and on SIGHUP; 0 for on SIGHUP only")
}

// leastRefresh keeps EC2's quota of calls for others.
const leastRefresh = time.Second

// check says which options cannot be.
func (o *inventoryOptions) check() error {
	if o.refresh != 0 && o.refresh < leastRefresh {
		return usagef("--inventory-refresh %v: want %v at least, or 0", o.refresh, leastRefresh)
	}
	return nil
}

// open loads the inventory for the first time; without the option there is none, and no error.
func (o *inventoryOptions) open(ctx context.Context, log *slog.Logger) (*attribution, error) {
	switch o.from {
	case "":
		return nil, nil
	case fromEC2:
		client, err := openEC2(ctx)
		if err != nil {
			return nil, fmt.Errorf("inventory from EC2: %w", err)
		}
		return openAttribution(ctx, stateInventory(client, log), log)
	default:
		return openAttribution(ctx, fileInventory(o.from), log)
	}
}

// inventoryLoader reads the inventory anew, or returns nil if it is as it was. An error says where it was to be from. One
// goroutine calls it.
type inventoryLoader func(ctx context.Context) (*sessions.Inventory, error)

// fileInventory loads a file whenever it is another one than before.
func fileInventory(name string) inventoryLoader {
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

// attribution keeps the workers' inventory up to date.
type attribution struct {
	owners
	load    inventoryLoader
	log     *slog.Logger
	again   chan struct{} // one waiting request for a refresh
	failing bool          // the last refresh failed, which was said

	mu     sync.Mutex // guards counts
	counts inventoryCounts
}

// inventoryCounts says what became of loading the inventory.
type inventoryCounts struct {
	Sessions uint64
	Failures uint64 // refreshes after which the old one stayed
	Loaded   uint64 // when it was read, or found to be as it was, in Unix seconds
}

// openAttribution loads an inventory for the first time.
func openAttribution(ctx context.Context, load inventoryLoader, log *slog.Logger) (*attribution, error) {
	a := &attribution{load: load, log: log, again: make(chan struct{}, 1)}
	inv, err := load(ctx)
	if err != nil {
		return nil, err
	}
	a.take(inv)
	return a, nil
}

// keep refreshes the inventory on the interval, unless that is 0, and on request, until ctx ends.
func (a *attribution) keep(ctx context.Context, interval time.Duration) {
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

// request asks for a refresh, and does not wait for it.
func (a *attribution) request() {
	select {
	case a.again <- struct{}{}:
	default: // one is about to begin
	}
}

// refreshTimeout is longer than the largest account takes, with EC2's throttling.
const refreshTimeout = 5 * time.Minute

// refresh loads the inventory again. Failures are said once, until it succeeds.
func (a *attribution) refresh(ctx context.Context) {
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
func (a *attribution) take(inv *sessions.Inventory) {
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

// count returns the counts. It is safe for concurrent use.
func (a *attribution) count() inventoryCounts {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.counts
}
