package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
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

// A sample is the counters at one time.
type sample struct {
	at           time.Time
	napi, reader int64 // CPU time, ns
	arrived      float64
	output       string // of the reader so far
	counts
}

func (w *wire) sample(p *process) (m sample, err error) {
	if m.counts, err = getCounts(); err != nil {
		return m, err
	}
	m.at, m.output = time.Now(), p.output.lines()
	if m.napi, err = cpuNanos(w.napi); err != nil {
		return m, err
	}
	if m.reader, err = cpuNanos(p.cmd.Process.Pid); err != nil {
		return m, err
	}
	m.arrived, err = w.arrived()
	return m, err
}

// arrived returns the number of packets that arrived at the receiver.
func (w *wire) arrived() (float64, error) {
	return strconv.ParseFloat(figures.ReadText(filepath.Join("/sys/class/net", w.receiver, "statistics/rx_packets")), 64)
}

// run measures one reader once, with a load at a rate; 0 is the generator's maximum.
func (w *wire) run(ctx context.Context, r reader, l *load, rate float64, warm, window time.Duration) (res result, err error) {
	p, err := w.start(ctx, r)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	before, err := w.sample(p)
	if err != nil {
		return res, err
	}
	g, err := w.generate(l, rate)
	if err != nil {
		return res, err
	}
	from, to, err := w.window(ctx, p, g, warm, window)
	if err := errors.Join(err, g.end()); err != nil {
		return res, err
	}
	after, err := w.drain(p, before.arrived)
	if err != nil {
		return res, err
	}
	core := float64(to.napi - from.napi + to.reader - from.reader)
	elapsed := to.at.Sub(from.at).Seconds()
	return result{
		perCore: (to.received - from.received) / core * 1e9,
		rate:    (to.received - from.received) / elapsed,
		busy:    core / 1e9 / elapsed,
		kernel:  float64(to.napi-from.napi) / core,
		arrived: (to.arrived - from.arrived) / elapsed,
		dropped: after.drops,

		outputBefore: from.output, output: to.output[len(from.output):],
	}, identity(after, before.arrived, g.sent.Load())
}

// window samples the counters after the warm-up, and again after the measurement.
func (w *wire) window(ctx context.Context, p *process, g *generator, warm, window time.Duration) (from, to sample, err error) {
	if err = g.started(ctx); err != nil {
		return from, to, err
	}
	if err = sleep(ctx, warm); err != nil {
		return from, to, err
	}
	if from, err = w.sample(p); err != nil {
		return from, to, err
	}
	if err = sleep(ctx, window); err != nil {
		return from, to, err
	}
	to, err = w.sample(p)
	return from, to, err
}

// drain waits at most a few seconds until the reader has read all packets that arrived.
func (w *wire) drain(p *process, base float64) (m sample, err error) {
	for range 100 {
		if m, err = w.sample(p); err != nil {
			return m, err
		}
		if m.received+m.drops == m.arrived-base {
			break
		}
		time.Sleep(30 * time.Millisecond)
	}
	return m, nil
}

// identity checks that every packet that arrived was received or counted as dropped, and that every received packet has a reason.
// Packets that were sent and did not arrive are not checked: the wire drops packets when the kernel's thread is behind.
func identity(m sample, base float64, sent uint64) error {
	arrived := m.arrived - base
	switch {
	case m.received+m.drops != arrived:
		return fmt.Errorf("%.0f packets arrived, but %.0f were received and %.0f dropped", arrived, m.received, m.drops)
	case m.hasReasons && m.reasons != m.received:
		return fmt.Errorf("%.0f packets were received, but %.0f have a reason", m.received, m.reasons)
	case arrived == 0 || arrived > float64(sent):
		return fmt.Errorf("%.0f packets arrived of %d that were sent", arrived, sent)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
