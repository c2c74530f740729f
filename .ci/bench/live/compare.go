package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// The bounds of the ratios.
var (
	ringOfCounting = figures.Bound{Least: 0.72} // a saturated ring with full inspection, relative to one that only counts
	dropOfUDP      = figures.Bound{Least: 1.35} // a saturated ring with tc drop, relative to sockets, both with full inspection
	udpOfCounting  = figures.Bound{Least: 0.78} // sockets with full inspection, relative to a bare recvmmsg loop, at a rate that both sustain
	forwardOfRing  = figures.Bound{Least: 0.5}  // a saturated ring that forwards each frame, relative to one that does not
)

// loads returns the loads to send: connections by the size of inner frames, and the frames of a capture.
func loads(only string) (chosen []load, err error) {
	for _, size := range []int{110, 550, 1450} {
		if only == "" || only == fmt.Sprint(size) {
			chosen = append(chosen, connections(size))
		}
	}
	if only == "" || only == "mix" {
		l, err := mix()
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, l)
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no load %q: want 110, 550, 1450 or mix", only)
	}
	return chosen, nil
}

// A comparison measures readers with one load at one rate.
type comparison struct {
	*wire
	o    options
	load *load
	rate float64 // 0 is saturated
}

// measureAll measures every load. It goes on after a failure, since the other loads take minutes.
func measureAll(ctx context.Context, w *wire, o options) (t figures.Table, failed error) {
	all, err := loads(o.only)
	if err != nil {
		return nil, err
	}
	if t, err = forwarders(ctx, o.rounds); err != nil {
		return nil, err
	}
	for i := range all {
		c := comparison{wire: w, o: o, load: &all[i]}
		rows, err := c.measure(ctx, i == len(all)-1)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", all[i].name, err))
		}
		t = append(t, rows...)
		if ctx.Err() != nil {
			break
		}
	}
	return t, failed
}

// measure returns the rows of one load, and with soak those of the longer runs.
func (c comparison) measure(ctx context.Context, soak bool) (t figures.Table, err error) {
	r := c.readers(c.o.binary)
	saturated, err := c.compare(ctx, r.saturated()...)
	if err != nil {
		return nil, err
	}
	t = c.saturatedRows(r, saturated)
	half := c
	half.rate = halfOf(slowest(saturated))
	fixed, err := half.compare(ctx, r.countSocket, r.socket, r.ring, r.ringAndDrop)
	if err != nil {
		return t, err
	}
	t = append(t, half.fixedRows(r, fixed)...)
	if !soak || c.o.soak == 0 {
		return t, nil
	}
	rows, err := c.long(ctx, r, saturated)
	return append(t, rows...), err
}

// long returns the rows of the longer runs: at half of each reader's saturated rate, and saturated.
func (c comparison) long(ctx context.Context, r readers, saturated [][]result) (t figures.Table, err error) {
	half := c
	for i, each := range []reader{r.socket, r.ring, r.ringAndDrop} {
		half.rate = halfOf(figures.Median(column(saturated[3+i], rateOf)))
		row, err := half.soak(ctx, each)
		if err != nil {
			return t, err
		}
		t = append(t, row)
	}
	for _, each := range []reader{r.socket, r.ring} {
		rows, err := c.collect(ctx, each)
		if err != nil {
			return t, err
		}
		t = append(t, rows...)
	}
	return t, nil
}

// compare measures readers in alternating order. It returns the runs of each reader.
func (c comparison) compare(ctx context.Context, of ...reader) ([][]result, error) {
	runs := make([][]result, len(of))
	err := figures.Alternate(c.o.rounds, len(of), func(round, i int) error {
		progress("%s, %s, round %d of %d", c.title(), of[i].name, round+1, c.o.rounds)
		res, err := c.run(ctx, of[i], c.load, c.rate, c.o.warm, c.o.window)
		if err != nil {
			return fmt.Errorf("%s: %w", of[i].name, err)
		}
		progress("  %.3f M packets per core-second, %.3f of %.3f M per second, core %.0f %% busy, %.0f %% of that in the kernel's thread",
			res.perCore/1e6, res.rate/1e6, res.arrived/1e6, 100*res.busy, 100*res.kernel)
		runs[i] = append(runs[i], res)
		return nil
	})
	return runs, err
}

func (c comparison) title() string {
	if c.rate == 0 {
		return c.load.name + ", saturated"
	}
	return fmt.Sprintf("%s, %.0f k a second", c.load.name, c.rate/1e3)
}

// saturated returns the readers that are measured at the maximum rate.
func (r *readers) saturated() []reader {
	return []reader{r.countSocket, r.countRing, r.countRingAndDrop, r.socket, r.ring, r.ringAndDrop, r.ringAndIface, r.ringAndTap}
}

// saturatedRows returns the rows of the readers in the order of saturated.
func (c comparison) saturatedRows(r readers, runs [][]result) (t figures.Table) {
	title := c.title() + ": "
	for i, each := range r.saturated() {
		t = append(t, figures.Row{Name: title + each.name + ", M packets per core-second", Values: column(runs[i], perCoreOf)})
	}
	least := 1.0
	for _, each := range runs {
		least = min(least, figures.Median(column(each, func(r result) float64 { return r.busy })))
	}
	ratio := func(over, under int) []float64 {
		return figures.Ratios(column(runs[over], perCoreOf), column(runs[under], perCoreOf))
	}
	return append(t,
		figures.Row{Name: title + "smallest share of the core in use", Values: []float64{least}},
		figures.Row{Name: title + "udp of recvmmsg that counts", Values: ratio(3, 0)},
		figures.Row{Name: title + "ring of one that counts", Values: ratio(4, 1), Bound: ringOfCounting},
		figures.Row{Name: title + "ring with tc drop of one that counts", Values: ratio(5, 2), Bound: ringOfCounting},
		figures.Row{Name: title + "ring with tc drop of udp", Values: ratio(5, 3), Bound: dropOfUDP},
		figures.Row{Name: title + "ring, forwarding to an interface, of ring", Values: ratio(6, 4), Bound: forwardOfRing},
		figures.Row{Name: title + "ring, forwarding to a tap, of ring", Values: ratio(7, 4), Bound: forwardOfRing},
	)
}

// fixedRows returns the rows of recvmmsg that counts, udp, ring, and ring with tc drop.
func (c comparison) fixedRows(r readers, runs [][]result) (t figures.Table) {
	title := c.title() + ": "
	dropped := 0.0
	for i, each := range []reader{r.countSocket, r.socket, r.ring, r.ringAndDrop} {
		t = append(t, figures.Row{Name: title + each.name + ", M packets per core-second", Values: column(runs[i], perCoreOf)})
		for _, run := range runs[i] {
			dropped = max(dropped, run.dropped)
		}
	}
	return append(t,
		figures.Row{Name: title + "most packets dropped in a run", Values: []float64{dropped}},
		figures.Row{Name: title + "udp of recvmmsg that counts", Values: figures.Ratios(column(runs[1], perCoreOf), column(runs[0], perCoreOf)), Bound: udpOfCounting},
		figures.Row{Name: title + "ring with tc drop of udp", Values: figures.Ratios(column(runs[3], perCoreOf), column(runs[1], perCoreOf))},
	)
}

// soak measures that nothing is dropped in a longer run.
func (c comparison) soak(ctx context.Context, r reader) (figures.Row, error) {
	title := fmt.Sprintf("%s, %s, half of saturated (%.0f k a second) for %v: packets dropped",
		c.load.name, r.name, c.rate/1e3, c.o.soak.Round(time.Millisecond))
	progress("%s", title)
	res, err := c.run(ctx, r, c.load, c.rate, 0, c.o.soak)
	if err != nil {
		return figures.Row{}, fmt.Errorf("%s: %w", r.name, err)
	}
	return figures.Row{Name: title, Values: []float64{res.dropped}, Bound: figures.Bound{Zero: true}}, nil
}

// halfOf returns half of a rate, and never 0, which means the maximum: a very short run may have received nothing.
func halfOf(rate float64) float64 { return max(rate/2, 1000) }

// slowest returns the rate of the slowest reader, in packets per second.
func slowest(runs [][]result) (rate float64) {
	for _, each := range runs {
		if m := figures.Median(column(each, rateOf)); rate == 0 || m < rate {
			rate = m
		}
	}
	return rate
}

func perCoreOf(r result) float64 { return r.perCore / 1e6 }
func rateOf(r result) float64    { return r.rate }

func column(runs []result, of func(result) float64) (values []float64) {
	for _, r := range runs {
		values = append(values, of(r))
	}
	return values
}
