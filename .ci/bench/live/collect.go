package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// noLonger is what is promised of the longest stop while packets come as fast as they can, in ms.
var noLonger = bound{most: 1}

// traced is a reader that says what its garbage collector does.
func (r reader) traced() reader {
	r.env = append(slices.Clone(r.env), "GODEBUG=gctrace=1")
	return r
}

// collect receives as much as the generator can send, for as long as a soak, and says what the garbage collector did meanwhile.
func (b bout) collect(ctx context.Context, r reader) (table, error) {
	title := fmt.Sprintf("%s, %s, saturated for %v: ", b.load.name, r.name, b.o.soak.Round(time.Millisecond))
	progress("%sgarbage collections", title)
	res, err := b.run(ctx, r.traced(), b.load, 0, 0, b.o.soak)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	during := figures.ParseTrace(res.said)
	return table{
		{what: title + "M packets a second", values: []float64{res.rate / 1e6}},
		{what: title + "garbage collections meanwhile", values: []float64{during.N}},
		{what: title + "longest stop of one of them, ms", values: []float64{during.Stop}, wanted: noLonger},
		{what: title + "heap after the last collection, MiB", values: []float64{figures.ParseTrace(res.saidBefore + res.said).Heap}},
	}, nil
}
