package measure

import (
	"context"
	"errors"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/load"
	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/reader"
)

// A result is the figures of one run.
type result struct {
	perCore float64 // packets received per second of CPU time, of the kernel's thread and the reader together
	rate    float64 // packets received per second of wall-clock time
	busy    float64 // share of the CPU that was used
	kernel  float64 // share of the kernel's thread in that
	arrived float64 // packets per second at the interface
	dropped float64 // packets that arrived and were not received, in the whole run

	outputBefore, output string // the reader's standard error before and during the measurement, in complete lines
}

// run measures one reader once.
func (c comparison) run(ctx context.Context, r reader.Reader, warm, window time.Duration) (res result, err error) {
	p, err := reader.Start(ctx, c.Wire, r)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, p.End()) }()
	before, err := takeSample(c.Wire, p)
	if err != nil {
		return res, err
	}
	g, err := load.Start(c.Wire, c.frames, c.rate)
	if err != nil {
		return res, err
	}
	from, to, err := c.window(ctx, p, g, warm, window)
	if err := errors.Join(err, g.End()); err != nil {
		return res, err
	}
	after, err := c.drain(p, before.arrived)
	if err != nil {
		return res, err
	}
	core := float64(to.napi - from.napi + to.reader - from.reader)
	elapsed := to.at.Sub(from.at).Seconds()
	return result{
		perCore: (to.Received - from.Received) / core * 1e9,
		rate:    (to.Received - from.Received) / elapsed,
		busy:    core / 1e9 / elapsed,
		kernel:  float64(to.napi-from.napi) / core,
		arrived: (to.arrived - from.arrived) / elapsed,
		dropped: after.Drops,

		outputBefore: from.output, output: to.output[len(from.output):],
	}, identity(after, before.arrived, g.Sent())
}

// window samples the counters after the warm-up, and again after the measurement.
func (c comparison) window(ctx context.Context, p *reader.Process, g *load.Generator, warm, window time.Duration) (from, to sample, err error) {
	if err = g.AwaitFirst(ctx); err != nil {
		return from, to, err
	}
	if err = sleep(ctx, warm); err != nil {
		return from, to, err
	}
	if from, err = takeSample(c.Wire, p); err != nil {
		return from, to, err
	}
	if err = sleep(ctx, window); err != nil {
		return from, to, err
	}
	to, err = takeSample(c.Wire, p)
	return from, to, err
}

// drain waits at most a few seconds until the reader has read all packets that arrived.
func (c comparison) drain(p *reader.Process, base float64) (m sample, err error) {
	for range 100 {
		if m, err = takeSample(c.Wire, p); err != nil {
			return m, err
		}
		if m.Received+m.Drops == m.arrived-base {
			break
		}
		time.Sleep(30 * time.Millisecond)
	}
	return m, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
