package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// What is promised of the ratios.
var (
	ringOfCounting = bound{least: 0.72} // a ring with full inspection, saturated, of one that only counts
	dropOfUDP      = bound{least: 1.35} // a ring with tc drop of sockets, both with full inspection, saturated
	udpOfCounting  = bound{least: 0.78} // sockets with full inspection, of a bare recvmmsg loop, at a rate that both carry
	onwardOfRing   = bound{least: 0.5}  // a ring with full inspection that forwards each frame, of one that does not, saturated
)

// loads are what is sent: sizes of inner frames, and frames of a capture.
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
		return nil, fmt.Errorf("there is no load %q: there are 110, 550, 1450 and mix", only)
	}
	return chosen, nil
}

// A bout is readers with one load at one rate.
type bout struct {
	*wire
	o    options
	load *load
	rate float64 // 0 is saturated
}

// measureAll measures every load, and goes on where one fails, since the others take minutes to measure again.
func measureAll(ctx context.Context, w *wire, o options) (t table, failed error) {
	all, err := loads(o.only)
	if err != nil {
		return nil, err
	}
	if t, err = forwarders(ctx, o.rounds); err != nil {
		return nil, err
	}
	for i := range all {
		b := bout{wire: w, o: o, load: &all[i]}
		rows, err := b.measure(ctx, i == len(all)-1)
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

// measure returns the rows of one load, and with soak those of a longer time too.
func (b bout) measure(ctx context.Context, soak bool) (t table, err error) {
	r := b.readers(b.o.binary)
	saturated, err := b.contest(ctx, r.saturated()...)
	if err != nil {
		return nil, err
	}
	t = b.saturatedRows(r, saturated)
	half := b
	half.rate = halfOf(slowest(saturated))
	fixed, err := half.contest(ctx, r.countSocket, r.socket, r.ring, r.ringAndDrop)
	if err != nil {
		return t, err
	}
	t = append(t, half.fixedRows(r, fixed)...)
	if !soak || b.o.soak == 0 {
		return t, nil
	}
	rows, err := b.long(ctx, r, saturated)
	return append(t, rows...), err
}

// long returns the rows of longer times: half of what each of ours has received saturated, and saturated again.
func (b bout) long(ctx context.Context, r readers, saturated [][]result) (t table, err error) {
	half := b
	for i, each := range []reader{r.socket, r.ring, r.ringAndDrop} {
		half.rate = halfOf(figures.Median(column(saturated[3+i], rateOf)))
		row, err := half.soak(ctx, each)
		if err != nil {
			return t, err
		}
		t = append(t, row)
	}
	for _, each := range []reader{r.socket, r.ring} {
		rows, err := b.collect(ctx, each)
		if err != nil {
			return t, err
		}
		t = append(t, rows...)
	}
	return t, nil
}

// contest measures readers in turns: back and forth, so that nobody always comes first. The result has the runs of each.
func (b bout) contest(ctx context.Context, of ...reader) ([][]result, error) {
	runs := make([][]result, len(of))
	order := make([]int, len(of))
	for i := range order {
		order[i] = i
	}
	for n := range b.o.rounds {
		progress("%s, round %d of %d", b.title(), n+1, b.o.rounds)
		for _, i := range order {
			res, err := b.run(ctx, of[i], b.load, b.rate, b.o.warm, b.o.window)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", of[i].name, err)
			}
			progress("  %s: %.3f M packets per core-second, %.3f of %.3f M a second, core %.0f %% busy, %.0f %% of that in the kernel's thread",
				of[i].name, res.perCore/1e6, res.rate/1e6, res.arrived/1e6, 100*res.busy, 100*res.kernel)
			runs[i] = append(runs[i], res)
		}
		slices.Reverse(order)
	}
	return runs, nil
}

func (b bout) title() string {
	if b.rate == 0 {
		return b.load.name + ", saturated"
	}
	return fmt.Sprintf("%s, %.0f k a second", b.load.name, b.rate/1e3)
}

// saturated are those that are measured with as much as comes.
func (r *readers) saturated() []reader {
	return []reader{r.countSocket, r.countRing, r.countRingAndDrop, r.socket, r.ring, r.ringAndDrop, r.ringAndIface, r.ringAndTap}
}

// saturatedRows are of the readers in the order of saturated.
func (b bout) saturatedRows(r readers, runs [][]result) (t table) {
	title := b.title() + ": "
	for i, each := range r.saturated() {
		t = append(t, row{what: title + each.name + ", M packets per core-second", values: column(runs[i], perCoreOf)})
	}
	least := 1.0
	for _, each := range runs {
		least = min(least, figures.Median(column(each, func(r result) float64 { return r.busy })))
	}
	ratio := func(over, under int) []float64 {
		return figures.Ratios(column(runs[over], perCoreOf), column(runs[under], perCoreOf))
	}
	return append(t,
		row{what: title + "least of the core that one of them kept busy", values: []float64{least}},
		row{what: title + "udp of recvmmsg that counts", values: ratio(3, 0)},
		row{what: title + "ring of one that counts", values: ratio(4, 1), wanted: ringOfCounting},
		row{what: title + "ring with tc drop of one that counts", values: ratio(5, 2), wanted: ringOfCounting},
		row{what: title + "ring with tc drop of udp", values: ratio(5, 3), wanted: dropOfUDP},
		row{what: title + "ring, forwarding to an interface, of ring", values: ratio(6, 4), wanted: onwardOfRing},
		row{what: title + "ring, forwarding to a tap, of ring", values: ratio(7, 4), wanted: onwardOfRing},
	)
}

// fixedRows are of recvmmsg that counts, udp, ring, and ring with tc drop.
func (b bout) fixedRows(r readers, runs [][]result) (t table) {
	title := b.title() + ": "
	dropped := 0.0
	for i, each := range []reader{r.countSocket, r.socket, r.ring, r.ringAndDrop} {
		t = append(t, row{what: title + each.name + ", M packets per core-second", values: column(runs[i], perCoreOf)})
		for _, run := range runs[i] {
			dropped = max(dropped, run.dropped)
		}
	}
	return append(t,
		row{what: title + "most packets that one dropped", values: []float64{dropped}},
		row{what: title + "udp of recvmmsg that counts", values: figures.Ratios(column(runs[1], perCoreOf), column(runs[0], perCoreOf)), wanted: udpOfCounting},
		row{what: title + "ring with tc drop of udp", values: figures.Ratios(column(runs[3], perCoreOf), column(runs[1], perCoreOf))},
	)
}

// soak holds that nothing is dropped for a longer time.
func (b bout) soak(ctx context.Context, r reader) (row, error) {
	title := fmt.Sprintf("%s, %s, half of saturated (%.0f k a second) for %v: packets dropped",
		b.load.name, r.name, b.rate/1e3, b.o.soak.Round(time.Millisecond))
	progress("%s", title)
	res, err := b.run(ctx, r, b.load, b.rate, 0, b.o.soak)
	if err != nil {
		return row{}, fmt.Errorf("%s: %w", r.name, err)
	}
	return row{what: title, values: []float64{res.dropped}, wanted: bound{none: true}}, nil
}

// halfOf is half of a rate, and never the 0 that stands for as much as can be: a run of a moment may have received nothing.
func halfOf(rate float64) float64 { return max(rate/2, 1000) }

// slowest returns packets a second of the reader that received the fewest.
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
