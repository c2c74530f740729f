// Package measure measures readers with each load, saturated and at a fixed rate, and returns the table of make bench-live.
package measure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/load"
	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/wire"
)

// Options are the options of a measurement.
type Options struct {
	Binary string        // mirrorsink
	Rounds int           // the median of an odd number is a measured value
	Warm   time.Duration // traffic before the measurement
	Window time.Duration // the measurement
	Soak   time.Duration // the longer runs: at half of the saturated rate without drops, and saturated with gctrace
	Only   string        // the name of a load; "" is all
}

// All measures every load. It goes on after a failure, since the other loads take minutes.
func All(ctx context.Context, w *wire.Wire, o Options) (t figures.Table, failed error) {
	all, err := loads(o.Only)
	if err != nil {
		return nil, err
	}
	if t, err = forwarders(ctx, o.Rounds); err != nil {
		return nil, err
	}
	for i := range all {
		c := comparison{Wire: w, o: o, frames: &all[i]}
		rows, err := c.measure(ctx, i == len(all)-1)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", all[i].Name, err))
		}
		t = append(t, rows...)
		if ctx.Err() != nil {
			break
		}
	}
	return t, failed
}

// loads returns the frames to send: connections by the size of inner frames, and the frames of a capture.
func loads(only string) (chosen []load.Frames, err error) {
	for _, size := range []int{110, 550, 1450} {
		if only == "" || only == fmt.Sprint(size) {
			chosen = append(chosen, load.Connections(size))
		}
	}
	if only == "" || only == "mix" {
		l, err := load.Mix()
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
