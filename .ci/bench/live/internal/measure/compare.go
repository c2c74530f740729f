package measure

import (
	"context"
	"fmt"
	"log"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/load"
	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/reader"
	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/wire"
)

// A comparison measures readers with one load at one rate.
type comparison struct {
	*wire.Wire
	o      Options
	frames *load.Frames
	rate   float64 // 0 is saturated
}

// measure returns the rows of one load, and with soak those of the longer runs.
func (c comparison) measure(ctx context.Context, soak bool) (t figures.Table, err error) {
	r := reader.All(c.Wire, c.o.Binary)
	saturated, err := c.compare(ctx, saturatedReaders(r)...)
	if err != nil {
		return nil, err
	}
	t = c.saturatedRows(r, saturated)
	half := c
	half.rate = halfOf(slowest(saturated))
	fixed, err := half.compare(ctx, r.CountSocket, r.Socket, r.Ring, r.RingAndDrop)
	if err != nil {
		return t, err
	}
	t = append(t, half.fixedRows(r, fixed)...)
	if !soak || c.o.Soak == 0 {
		return t, nil
	}
	rows, err := c.long(ctx, r, saturated)
	return append(t, rows...), err
}

// long returns the rows of the longer runs: at half of each reader's saturated rate, and saturated.
func (c comparison) long(ctx context.Context, r reader.Set, saturated [][]result) (t figures.Table, err error) {
	half := c
	for i, each := range []reader.Reader{r.Socket, r.Ring, r.RingAndDrop} {
		half.rate = halfOf(figures.Median(column(saturated[3+i], rateOf)))
		row, err := half.soak(ctx, each)
		if err != nil {
			return t, err
		}
		t = append(t, row)
	}
	for _, each := range []reader.Reader{r.Socket, r.Ring} {
		rows, err := c.collect(ctx, each)
		if err != nil {
			return t, err
		}
		t = append(t, rows...)
	}
	return t, nil
}

// compare measures readers in alternating order. It returns the runs of each reader.
func (c comparison) compare(ctx context.Context, of ...reader.Reader) ([][]result, error) {
	runs := make([][]result, len(of))
	err := figures.Alternate(c.o.Rounds, len(of), func(round, i int) error {
		log.Printf("%s, %s, round %d of %d", c.title(), of[i].Name, round+1, c.o.Rounds)
		res, err := c.run(ctx, of[i], c.o.Warm, c.o.Window)
		if err != nil {
			return fmt.Errorf("%s: %w", of[i].Name, err)
		}
		log.Printf("  %.3f M packets per core-second, %.3f of %.3f M per second, core %.0f %% busy, %.0f %% of that in the kernel's thread",
			res.perCore/1e6, res.rate/1e6, res.arrived/1e6, 100*res.busy, 100*res.kernel)
		runs[i] = append(runs[i], res)
		return nil
	})
	return runs, err
}

func (c comparison) title() string {
	if c.rate == 0 {
		return c.frames.Name + ", saturated"
	}
	return fmt.Sprintf("%s, %.0f k a second", c.frames.Name, c.rate/1e3)
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
