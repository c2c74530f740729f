package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/egress"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/forwarding"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/inventory"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/output"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/view"
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
)

// ReplayConfig configures replay.
type ReplayConfig struct {
	Outputs   output.Options
	Decap     flags.Encapsulation
	Memory    flags.Size
	Workers   int
	Allow     flags.Allow
	Inventory inventory.Options
	Policy    egress.Options
	Forward   forwarding.Options
	Quiet     bool
}

// MaxReplayWorkers is far more than are useful: the splitter and the merger are one thread each.
const MaxReplayWorkers = 64

// Replay inspects the files one after the other and prints a summary. After a file that cannot be read it continues with the next one;
// the error has a line for each.
func Replay(ctx context.Context, opts *ReplayConfig, files []string, stdout, stderr io.Writer) error {
	log := slog.New(slog.NewTextHandler(stderr, nil))
	inventory, err := opts.Inventory.Open(ctx, log)
	if err != nil {
		return err
	}
	policy, err := openPolicy(&opts.Policy, &opts.Outputs, log)
	if err != nil {
		return err
	}
	defer limitSink(int64(opts.Memory), opts.Policy.Enabled())()
	p, err := openPipeline(ctx, pipelineConfig{
		Decoder:    decap.Decoder{Encapsulation: decap.Encapsulation(opts.Decap), Allow: opts.Allow.List()},
		Memory:     int(opts.Memory),
		Workers:    opts.Workers,
		Outputs:    opts.Outputs,
		Forward:    opts.Forward,
		Exempt:     opts.Allow.Exempt,
		Inventory:  inventory,
		Policy:     policy,
		Block:      true,
		ForwardLog: log,
		Log:        slog.New(slog.DiscardHandler), // the first error is returned at the end
	})
	if err != nil {
		return err
	}
	_, mixed := view.TerminalWidth(stdout) // events and a bar on the same screen
	bar := view.NewProgress(stderr, opts.Quiet || mixed && opts.Outputs.OnStdout())
	failures := replayFiles(ctx, p, files, bar)
	forwardErr := p.closeForward(context.WithoutCancel(ctx)) // targets have a patience of their own
	err = p.finish(ctx, stderr)
	if !opts.Quiet {
		s := p.snapshot()
		s.Print(stderr)
	}
	if err != nil {
		failures = append(failures, fmt.Errorf("write events: %w", err))
	}
	if n := p.framesDropped() + p.framesQueued(); n > 0 && forwardErr == nil {
		forwardErr = fmt.Errorf("%d frames are not forwarded", n)
	}
	return errors.Join(append(failures, forwardErr)...)
}

// replayFiles inspects the files, until ctx ends or an output fails. It returns what went wrong with them.
func replayFiles(ctx context.Context, p *pipeline, files []string, bar *view.Progress) (failures []error) {
	for _, name := range files {
		if err := replayFile(ctx, p, name, bar); err != nil {
			failures = append(failures, err)
		}
		if ctx.Err() != nil {
			return append(failures, errors.New("interrupted: what was read so far is inspected"))
		}
		if p.err() != nil {
			return failures // close returns it
		}
	}
	return failures
}

// replayFile inspects one file, until ctx ends or an output fails.
func replayFile(ctx context.Context, p *pipeline, name string, bar *view.Progress) error {
	file, err := capture.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		every(ctx, view.ProgressEvery, func() {
			bar.Draw(file.Offset(), file.Size(), p.counters())
			if p.err() != nil {
				cancel()
			}
		})
	})
	err = p.run(ctx, []source{file})
	cancel()
	watch.Wait()
	bar.Clear()
	var corrupt *capture.CorruptError
	if errors.As(err, &corrupt) {
		return fmt.Errorf("%w; everything before it was inspected", err)
	}
	return err
}
