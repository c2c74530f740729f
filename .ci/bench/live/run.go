package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"
)

// A result is what one run came to, while it was measured.
type result struct {
	perCore float64 // packets received for each second of the CPU's time, the kernel's thread and the reader together
	rate    float64 // packets received a second, on the clock
	busy    float64 // how much of the CPU was used
	kernel  float64 // how much of that was the kernel's thread
	arrived float64 // packets a second at the interface
	dropped float64 // packets that had arrived and were not received, from beginning to end

	saidBefore, said string // what the reader wrote to standard error before and while it was measured, in whole lines
}

// A moment is what the counters say at one time.
type moment struct {
	at           time.Time
	napi, reader int64 // CPU time, ns
	arrived      float64
	said         string // by the reader so far
	counts
}

func (w *wire) look(p *process) (m moment, err error) {
	if m.counts, err = askCounts(); err != nil {
		return m, err
	}
	m.at, m.said = time.Now(), p.said.lines()
	if m.napi, err = cpuNanos(w.napi); err != nil {
		return m, err
	}
	if m.reader, err = cpuNanos(p.cmd.Process.Pid); err != nil {
		return m, err
	}
	m.arrived, err = w.arrived()
	return m, err
}

// arrived is how many packets the receiver has had.
func (w *wire) arrived() (float64, error) {
	return strconv.ParseFloat(slurp(filepath.Join("/sys/class/net", w.receiver, "statistics/rx_packets")), 64)
}

// run measures one reader once, with a load at a rate; 0 is as much as the generator can.
func (w *wire) run(ctx context.Context, r reader, l *load, rate float64, warm, window time.Duration) (res result, err error) {
	p, err := w.start(ctx, r)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	before, err := w.look(p)
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
	after, err := w.settle(p, before.arrived)
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

		saidBefore: from.said, said: to.said[len(from.said):],
	}, identity(after, before.arrived, g.sent.Load())
}

// window looks when traffic has flowed for a while, and again.
func (w *wire) window(ctx context.Context, p *process, g *generator, warm, window time.Duration) (from, to moment, err error) {
	if err = g.begun(ctx); err != nil {
		return from, to, err
	}
	if err = sleep(ctx, warm); err != nil {
		return from, to, err
	}
	if from, err = w.look(p); err != nil {
		return from, to, err
	}
	if err = sleep(ctx, window); err != nil {
		return from, to, err
	}
	to, err = w.look(p)
	return from, to, err
}

// settle waits until the reader has read what is under way, for some seconds at most.
func (w *wire) settle(p *process, base float64) (m moment, err error) {
	for range 100 {
		if m, err = w.look(p); err != nil {
			return m, err
		}
		if m.received+m.drops == m.arrived-base {
			break
		}
		time.Sleep(30 * time.Millisecond)
	}
	return m, nil
}

// identity holds that every packet that arrived was received or counted as dropped, and that for every one received it is counted
// what became of it. What was sent and did not arrive is the wire's affair, which drops when the kernel's thread is behind.
func identity(m moment, base float64, sent uint64) error {
	arrived := m.arrived - base
	switch {
	case m.received+m.drops != arrived:
		return fmt.Errorf("%.0f packets arrived, %.0f were received and %.0f dropped: they do not add up", arrived, m.received, m.drops)
	case m.hasReasons && m.reasons != m.received:
		return fmt.Errorf("%.0f packets were received, of which it is known of %.0f what became of them", m.received, m.reasons)
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
