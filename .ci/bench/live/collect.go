package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// maxStop bounds the longest stop of the world at the maximum rate, in ms.
var maxStop = figures.Bound{Most: 1}

// traced returns the reader with gctrace.
func (r reader) traced() reader {
	r.env = append(slices.Clone(r.env), "GODEBUG=gctrace=1")
	return r
}

// collect measures the garbage collections of a saturated run as long as a soak.
func (c comparison) collect(ctx context.Context, r reader) (figures.Table, error) {
	title := fmt.Sprintf("%s, %s, saturated for %v: ", c.load.name, r.name, c.o.soak.Round(time.Millisecond))
	progress("%sgarbage collections", title)
	res, err := c.run(ctx, r.traced(), c.load, 0, 0, c.o.soak)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	during := figures.ParseTrace(res.output)
	return figures.Table{
		{Name: title + "M packets a second", Values: []float64{res.rate / 1e6}},
		{Name: title + "garbage collections meanwhile", Values: []float64{during.N}},
		{Name: title + "longest stop of one of them, ms", Values: []float64{during.Stop}, Bound: maxStop},
		{Name: title + "heap after the last collection, MiB", Values: []float64{figures.ParseTrace(res.outputBefore + res.output).Heap}},
	}, nil
}
