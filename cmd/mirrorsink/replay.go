package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
)

// replayOptions are the flags of replay.
type replayOptions struct {
	outputs   outputs
	decap     encapsulation
	memory    byteSize
	workers   int
	allow     allowOptions
	inventory inventoryOptions
	forward   forwardOptions
	quiet     bool
}

func newReplay() *cobra.Command {
	opts := replayOptions{memory: defaultMemory, workers: min(runtime.GOMAXPROCS(0), maxCrew)}
	cmd := &cobra.Command{
		Use:   "replay FILE...",
		Short: "Inspect capture files as fast as possible",
		Long: `Inspects capture files (pcap, pcapng, also compressed with gzip; - is standard input), one after the other. Each
file is a world of its own: its flows end with it. Events go to standard output, a summary to standard error.

Frames may be mirrored copies in VXLAN or GENEVE, or plain; both may be in one file. A file that is cut or damaged is
inspected as far as it can be read, and makes the exit status 1.

With one worker the same file gives the same bytes each time; with more it gives the same events, in the order of the packets, as
long as --memory holds all flows. Flows that end by the passing of time, or with the file, may come in another order.

With --inventory events say which interface, instance, VPC, subnet and account a mirror session is of, as a file of "sessions
inventory" has it. It should be of the time of the capture.`,
		Example: `  mirrorsink replay capture.pcap
  mirrorsink replay --eve events.json *.pcap.gz
  mirrorsink replay --inventory inventory.json mirrored.pcap
  mirrorsink replay --flowlog - --flowlog-format '${srcaddr} ${dstaddr} ${bytes} ${x-name}' capture.pcap
  tcpdump -w - -U udp port 4789 | mirrorsink replay -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error { return replay(cmd, opts, files) },
	}
	f := cmd.Flags()
	opts.outputs.addTo(f)
	f.Var(&opts.decap, "decap", "take frames as mirrored copies: always, never, or auto to tell by their headers")
	f.Var(&opts.memory, "memory", "bound of all tables and queues together")
	f.IntVar(&opts.workers, "workers", opts.workers, "how many inspect a file together; by default one a core")
	f.BoolVar(&opts.quiet, "quiet", false, "no progress bar and no summary")
	opts.allow.addTo(f)
	opts.inventory.addTo(f)
	opts.forward.addTo(f)
	opts.forward.completeOn(cmd)
	return cmd
}

// maxCrew is far more than can be of use: who reads the file and who tells the events are one each.
const maxCrew = 64

// crew checks the number of workers, and whether there is memory for all. If nobody asked for so many there are fewer.
func (o *replayOptions) crew(asked bool) error {
	if o.forward.wanted() {
		if asked && o.workers > 1 {
			return usagef("--workers %d: with --forward there is one, so that frames keep their order", o.workers)
		}
		o.workers = min(o.workers, 1)
	}
	if !asked {
		o.workers = max(1, min(o.workers, int(o.memory/minMemory)))
	}
	if o.workers < 1 || o.workers > maxCrew {
		return usagef("--workers %d: there must be 1 to %d", o.workers, maxCrew)
	}
	return checkMemory(o.memory, o.workers)
}

// check says which options cannot be.
func (o *replayOptions) check(given func(flag string) bool) error {
	if err := o.outputs.check(given); err != nil {
		return err
	}
	return o.forward.check(given, &o.outputs)
}

// replay is the command. It goes on with the next file after one that cannot be read, and says at the end which those were.
func replay(cmd *cobra.Command, opts replayOptions, files []string) error {
	if err := opts.check(cmd.Flags().Changed); err != nil {
		return err
	}
	if err := opts.crew(cmd.Flags().Changed("workers")); err != nil {
		return err
	}
	if !opts.forward.to.onStdout() {
		opts.outputs.orStdout()
	}
	stderr := cmd.ErrOrStderr()
	log := slog.New(slog.NewTextHandler(stderr, nil))
	inventory, err := opts.inventory.open(cmd.Context(), log)
	if err != nil {
		return err
	}
	defer limitHeap(opts.memory)()
	p, err := openPipeline(cmd.Context(), pipelineConfig{
		Decoder:    decap.Decoder{Encapsulation: decap.Encapsulation(opts.decap), Allow: opts.allow.list()},
		Memory:     int(opts.memory),
		Crew:       opts.workers,
		Outputs:    opts.outputs,
		Forward:    opts.forward,
		Exempt:     opts.allow.exempt,
		Inventory:  inventory,
		Block:      true,
		ForwardLog: log,
		Log:        slog.New(slog.DiscardHandler), // the first error is returned at the end
	})
	if err != nil {
		return err
	}
	_, mixed := terminalWidth(cmd.OutOrStdout()) // events and a bar on the same screen
	bar := newProgress(stderr, opts.quiet || mixed && opts.outputs.onStdout())
	failures := replayFiles(cmd.Context(), p, files, bar)
	forwardErr := p.closeForward(context.WithoutCancel(cmd.Context())) // targets have a patience of their own
	err = p.finish(cmd.Context(), stderr)
	if !opts.quiet {
		s := p.snapshot()
		s.print(stderr)
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
func replayFiles(ctx context.Context, p *pipeline, files []string, bar *progress) (failures []error) {
	for _, name := range files {
		if err := replayFile(ctx, p, name, bar); err != nil {
			failures = append(failures, err)
		}
		if ctx.Err() != nil {
			return append(failures, errors.New("interrupted: what was read so far is inspected"))
		}
		if p.err() != nil {
			return failures // close will say so
		}
	}
	return failures
}

// replayFile inspects one file, until ctx ends or an output fails.
func replayFile(ctx context.Context, p *pipeline, name string, bar *progress) error {
	file, err := capture.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		every(ctx, progressEvery, func() {
			bar.draw(file.Offset(), file.Size(), p.counters())
			if p.err() != nil {
				cancel()
			}
		})
	})
	err = p.run(ctx, []source{file})
	cancel()
	watch.Wait()
	bar.clear()
	var corrupt *capture.CorruptError
	if errors.As(err, &corrupt) {
		return fmt.Errorf("%w: what was before it is inspected", err)
	}
	return err
}

// every calls f again and again until ctx ends.
func every(ctx context.Context, interval time.Duration, f func()) {
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			f()
		}
	}
}
