package measure

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/reader"
)

// soak measures that nothing is dropped in a longer run.
func (c comparison) soak(ctx context.Context, r reader.Reader) (figures.Row, error) {
	title := fmt.Sprintf("%s, %s, half of saturated (%.0f k a second) for %v: packets dropped",
		c.frames.Name, r.Name, c.rate/1e3, c.o.Soak.Round(time.Millisecond))
	log.Printf("%s", title)
	res, err := c.run(ctx, r, 0, c.o.Soak)
	if err != nil {
		return figures.Row{}, fmt.Errorf("%s: %w", r.Name, err)
	}
	return figures.Row{Name: title, Values: []float64{res.dropped}, Bound: figures.Bound{Zero: true}}, nil
}

// maxStop bounds the longest stop of the world at the maximum rate, in ms.
var maxStop = figures.Bound{Most: 1}

// collect measures the garbage collections of a saturated run as long as a soak.
func (c comparison) collect(ctx context.Context, r reader.Reader) (figures.Table, error) {
	title := fmt.Sprintf("%s, %s, saturated for %v: ", c.frames.Name, r.Name, c.o.Soak.Round(time.Millisecond))
	log.Printf("%sgarbage collections", title)
	saturated := c
	saturated.rate = 0
	res, err := saturated.run(ctx, r.Traced(), 0, c.o.Soak)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Name, err)
	}
	during := figures.ParseTrace(res.output)
	return figures.Table{
		{Name: title + "M packets a second", Values: []float64{res.rate / 1e6}},
		{Name: title + "garbage collections meanwhile", Values: []float64{during.N}},
		{Name: title + "longest stop of one of them, ms", Values: []float64{during.Stop}, Bound: maxStop},
		{Name: title + "heap after the last collection, MiB", Values: []float64{figures.ParseTrace(res.outputBefore + res.output).Heap}},
	}, nil
}
