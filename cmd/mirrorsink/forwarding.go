package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/forward"
)

// forwardConfig is what targets need to know beside their own options.
type forwardConfig struct {
	queue     int  // how many bytes each queue may hold
	wait      bool // for room at a target, which a capture can bear, instead of dropping
	inventory *attribution
	log       *slog.Logger
}

// forwarding is where frames go on to: the targets, and the ways of the workers to them. Without targets nothing is forwarded, and
// its methods do nothing. They are safe for concurrent use.
type forwarding struct {
	opts      *forwardOptions
	inventory *attribution   // nil for none
	rules     forward.Config // of every worker, but for whom its frames go to
	tags      *tx.VLANs      // nil for none
	targets   []tx.Target    // in the order of opts.to

	mu    sync.Mutex // guards the following
	ways  []*tx.Forwarder
	ended tx.ForwarderCounts // of ways that are closed
}

// openForwarding opens all targets. After an error none is open.
func openForwarding(opts *forwardOptions, cfg forwardConfig) (*forwarding, error) {
	f := &forwarding{opts: opts, inventory: cfg.inventory}
	if !opts.wanted() {
		return f, nil
	}
	var err error
	if f.rules, err = opts.rules(); err != nil {
		return nil, err
	}
	if f.tags, err = opts.openTags(cfg.log); err != nil {
		return nil, err
	}
	if f.tags != nil {
		f.rules.Tags = f.tags
	}
	for i := range opts.to {
		t, err := opts.openTarget(&opts.to[i], cfg)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("forward to %s: %w", opts.to[i].name(), err), f.closeAll())
		}
		f.targets = append(f.targets, t)
	}
	return f, nil
}

func (o *forwardOptions) openTarget(t *targetSpec, cfg forwardConfig) (tx.Target, error) {
	segment := o.oversized.word == "segment"
	switch t.kind {
	case ifaceTarget:
		return tx.OpenIface(t.place, tx.IfaceConfig{Segment: segment, Wait: cfg.wait, Log: cfg.log})
	case tapTarget:
		return tx.OpenTap(t.place, tx.IfaceConfig{Segment: segment, Wait: cfg.wait, Log: cfg.log})
	case vxlanTarget:
		return tx.OpenVXLAN(tx.VXLANConfig{
			Hosts: t.hosts, VNI: t.vni, SetVNI: t.setVNI, Health: t.health, Segment: segment, Wait: cfg.wait, Log: cfg.log,
		})
	default:
		return tx.OpenPcap(t.pcapConfig(cfg))
	}
}

func (t *targetSpec) pcapConfig(cfg forwardConfig) tx.PcapConfig {
	to := tx.PcapConfig{
		Dir: t.place, Rotate: t.rotate, Size: int64(t.size), Classic: !t.pcapng, Queue: cfg.queue, Wait: cfg.wait, Log: cfg.log,
	}
	if t.place == "-" {
		to.Dir, to.To = "", os.Stdout
	}
	if cfg.inventory != nil {
		to.Name = cfg.inventory.interfaceName
	}
	return to
}

// hire returns what one worker is to know, with ways of its own to all targets, which dismiss closes. It returns nil where nothing is
// forwarded.
func (f *forwarding) hire() (*forward.Config, error) {
	if len(f.targets) == 0 {
		return nil, nil
	}
	var outs []tx.Out
	for i, t := range f.targets {
		out, err := t.Open()
		if err != nil {
			for _, o := range outs {
				_ = o.Close()
			}
			return nil, fmt.Errorf("forward to %s: %w", f.opts.to[i].name(), err)
		}
		outs = append(outs, out)
	}
	way := tx.NewForwarder(outs, tx.ForwarderConfig{DropCut: f.opts.cut.word == "drop", FixChecksums: f.opts.checksums.word == "fix"})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ways = append(f.ways, way)
	rules := f.rules
	rules.To = way
	return &rules, nil
}

// dismiss closes the ways of workers that have ended, and keeps their counts.
func (f *forwarding) dismiss() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, way := range f.ways {
		errs = append(errs, way.Close())
		addMended(&f.ended, way.Counts())
	}
	f.ways = nil
	return errors.Join(errs...)
}

func addMended(sum *tx.ForwarderCounts, c tx.ForwarderCounts) {
	sum.Cut += c.Cut
	sum.Lengths += c.Lengths
	sum.Checksums += c.Checksums
}

// mended returns what became of the frames before they came to targets.
func (f *forwarding) mended() event.Mended {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := f.ended
	for _, way := range f.ways {
		addMended(&sum, way.Counts())
	}
	return event.Mended{Cut: sum.Cut, Lengths: sum.Lengths, Checksums: sum.Checksums}
}

// counts returns what became of the frames, by target.
func (f *forwarding) counts() []event.Target {
	all := make([]event.Target, len(f.targets))
	for i, t := range f.targets {
		c := t.Counts()
		all[i] = event.Target{
			Name: f.opts.to[i].name(), Frames: c.Frames, Bytes: c.Bytes, Segments: c.Segments, Moved: c.Moved, Queued: c.Queued,
			Busy: c.Dropped[tx.Busy], Down: c.Dropped[tx.Down], Oversize: c.Dropped[tx.Oversize], Outages: c.Outages,
		}
	}
	return all
}

// close has all targets write what is queued until ctx ends. The ways must have been closed.
func (f *forwarding) close(ctx context.Context) error {
	if len(f.targets) == 0 {
		return nil
	}
	done := make(chan error, 1)
	go func() { done <- f.closeAll() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errors.New("targets did not take what was queued")
	}
}

// closeAll closes all targets at once: one may wait for its reader.
func (f *forwarding) closeAll() error {
	errs := make([]error, len(f.targets))
	var all sync.WaitGroup
	for i, t := range f.targets {
		all.Go(func() {
			if err := t.Close(); err != nil {
				errs[i] = fmt.Errorf("forward to %s: %w", f.opts.to[i].name(), err)
			}
		})
	}
	all.Wait()
	if f.tags != nil {
		f.tags.Close()
	}
	return errors.Join(errs...)
}
