// Command live measures how mirrorsink receives, on the machine that it runs on: by sockets and by rings, with full inspection,
// compared with readers that only count. Generator and readers run in a network namespace of their own, joined by a pair of
// interfaces, so that no packet leaves it. All work of receiving runs on one CPU and is counted: the kernel's work on arriving
// packets, which is a thread (threaded NAPI), and the reader's.
//
// make bench-live runs it as root, from the module's root, on a machine with two CPUs or more. Its status is 0 even if a bound is
// missed, since noise can cause that too; the table shows it. It is 1 if a packet was lost without being counted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/count"
	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/measure"
	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/wire"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench-live: ")
	var o measure.Options
	flag.StringVar(&o.Binary, "binary", "bin/mirrorsink", "the mirrorsink `program` to measure")
	flag.IntVar(&o.Rounds, "rounds", 5, "number of rounds")
	flag.DurationVar(&o.Warm, "warm", 500*time.Millisecond, "time of traffic before the measurement")
	flag.DurationVar(&o.Window, "window", time.Second, "time of each measurement")
	flag.DurationVar(&o.Soak, "soak", time.Minute, "time to receive at half of the saturated rate, and saturated with gctrace; 0 skips both")
	flag.StringVar(&o.Only, "only", "", "measure only one `load`: 110, 550, 1450 or mix")
	method := flag.String("count", "", "only count packets received by a `method`, for comparison with mirrorsink")
	device := flag.String("device", "", "the interface of -count")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := func() error { return bench(ctx, o, os.Stdout) }
	if *method != "" {
		run = func() error { return count.Run(ctx, *method, *device) }
	}
	if err := run(); err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

// bench measures in a namespace and prints the table. It first starts this program again in the namespace.
func bench(ctx context.Context, o measure.Options, out io.Writer) error {
	if !wire.InNamespace() {
		return wire.EnterNamespace(ctx, out)
	}
	started := figures.LoadAverage()
	w, err := wire.New(ctx)
	if err != nil {
		return err
	}
	t, failed := measure.All(ctx, w, o)
	fmt.Fprintf(out, "\n%s; load average %s before and %s after\n\n", figures.Machine(), started, figures.LoadAverage())
	return errors.Join(failed, t.Print(out))
}
