// Package forwarding opens the targets that frames are forwarded to, as the flags of forwarding name them, gives each worker its own way to
// them, and counts what became of the frames. Which frames are forwarded is decided in package inspect.
package forwarding

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/inventory"
	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/decap/tx/iface"
	"github.com/mirrorsink/mirrorsink/decap/tx/pcap"
	"github.com/mirrorsink/mirrorsink/decap/tx/vxlan"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/forward"
)

// Config is what targets need besides their own options.
type Config struct {
	Queue     int  // how many bytes each queue may hold
	Wait      bool // for room at a target, which a capture can bear, instead of dropping
	Inventory *inventory.Inventory
	Log       *slog.Logger
}

// Targets are the open targets of forwarding, and the forwarders of the workers. Without targets its methods do nothing. They are safe for
// concurrent use.
type Targets struct {
	opts      *Options
	inventory *inventory.Inventory // nil for none
	rules     forward.Config       // of every worker, but for whom its frames go to
	tags      *tx.VLANs            // nil for none
	targets   []tx.Target          // in the order of opts.to

	mu         sync.Mutex // guards the following
	forwarders []*tx.Forwarder
	ended      tx.ForwarderCounts // of forwarders that are closed
}

// Open opens all targets. After an error none is open.
func Open(opts *Options, cfg Config) (*Targets, error) {
	f := &Targets{opts: opts, inventory: cfg.Inventory}
	if !opts.Enabled() {
		return f, nil
	}
	var err error
	if f.rules, err = opts.rules(); err != nil {
		return nil, err
	}
	if f.tags, err = opts.openTags(cfg.Log); err != nil {
		return nil, err
	}
	if f.tags != nil {
		f.rules.Tags = f.tags
	}
	for i := range opts.To {
		t, err := opts.openTarget(&opts.To[i], cfg)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("forward to %s: %w", opts.To[i].name(), err), f.closeAll())
		}
		f.targets = append(f.targets, t)
	}
	return f, nil
}

func (o *Options) openTarget(t *targetSpec, cfg Config) (tx.Target, error) {
	segment := o.oversized.Word == "segment"
	switch t.Kind {
	case ifaceTarget:
		return iface.Open(t.Place, iface.Config{Segment: segment, Wait: cfg.Wait, Log: cfg.Log})
	case TapTarget:
		return iface.OpenTap(t.Place, iface.Config{Segment: segment, Wait: cfg.Wait, Log: cfg.Log})
	case vxlanTarget:
		return vxlan.Open(vxlan.Config{
			Hosts: t.hosts, VNI: t.vni, SetVNI: t.setVNI, Health: t.health, Segment: segment, Wait: cfg.Wait, Log: cfg.Log,
		})
	default:
		return pcap.Open(t.pcapConfig(cfg))
	}
}

func (t *targetSpec) pcapConfig(cfg Config) pcap.Config {
	to := pcap.Config{
		Dir: t.Place, Rotate: t.Rotate, Size: int64(t.size), Classic: !t.pcapng, Queue: cfg.Queue, Wait: cfg.Wait, Log: cfg.Log,
	}
	if t.Place == "-" {
		to.Dir, to.To = "", os.Stdout
	}
	if cfg.Inventory != nil {
		to.Name = interfaceNames(cfg.Inventory)
	}
	return to
}

// OpenWorker returns the rules for one worker, with a forwarder of its own to all targets, which CloseWorkers closes. It returns nil if
// nothing is forwarded.
func (f *Targets) OpenWorker() (*forward.Config, error) {
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
			return nil, fmt.Errorf("forward to %s: %w", f.opts.To[i].name(), err)
		}
		outs = append(outs, out)
	}
	way := tx.NewForwarder(outs, tx.ForwarderConfig{DropTruncated: f.opts.cut.Word == "drop", FixChecksums: f.opts.Checksums.Word == "fix"})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forwarders = append(f.forwarders, way)
	rules := f.rules
	rules.To = way
	return &rules, nil
}

// CloseWorkers closes the forwarders of workers that have ended, and keeps their counts.
func (f *Targets) CloseWorkers() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, way := range f.forwarders {
		errs = append(errs, way.Close())
		addCounts(&f.ended, way.Counts())
	}
	f.forwarders = nil
	return errors.Join(errs...)
}

func addCounts(sum *tx.ForwarderCounts, c tx.ForwarderCounts) {
	sum.Truncated += c.Truncated
	sum.Lengths += c.Lengths
	sum.Checksums += c.Checksums
}

// Fixed returns what became of the frames before they came to targets.
func (f *Targets) Fixed() event.Fixed {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := f.ended
	for _, way := range f.forwarders {
		addCounts(&sum, way.Counts())
	}
	return event.Fixed{Truncated: sum.Truncated, Lengths: sum.Lengths, Checksums: sum.Checksums}
}

// Counts returns what became of the frames, by target.
func (f *Targets) Counts() []event.Target {
	all := make([]event.Target, len(f.targets))
	for i, t := range f.targets {
		c := t.Counts()
		all[i] = event.Target{
			Name: f.opts.To[i].name(), Frames: c.Frames, Bytes: c.Bytes, Segments: c.Segments, Moved: c.Moved, Queued: c.Queued,
			QueueFull: c.Dropped[tx.QueueFull], Unreachable: c.Dropped[tx.Down], Oversize: c.Dropped[tx.Oversize], Outages: c.Outages,
		}
	}
	return all
}

// Close writes the queues of all targets until ctx ends. The forwarders must have been closed.
func (f *Targets) Close(ctx context.Context) error {
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
func (f *Targets) closeAll() error {
	errs := make([]error, len(f.targets))
	var all sync.WaitGroup
	for i, t := range f.targets {
		all.Go(func() {
			if err := t.Close(); err != nil {
				errs[i] = fmt.Errorf("forward to %s: %w", f.opts.To[i].name(), err)
			}
		})
	}
	all.Wait()
	if f.tags != nil {
		f.tags.Close()
	}
	return errors.Join(errs...)
}
