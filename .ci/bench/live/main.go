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
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// options are the flags.
type options struct {
	binary string        // mirrorsink
	rounds int           // the median of an odd number is a measured value
	warm   time.Duration // traffic before the measurement
	window time.Duration // the measurement
	soak   time.Duration // the longer runs: at half of the saturated rate without drops, and saturated with gctrace
	only   string        // a load; "" is all
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/mirrorsink", "the mirrorsink `program` to measure")
	flag.IntVar(&o.rounds, "rounds", 5, "number of rounds")
	flag.DurationVar(&o.warm, "warm", 500*time.Millisecond, "time of traffic before the measurement")
	flag.DurationVar(&o.window, "window", time.Second, "time of each measurement")
	flag.DurationVar(&o.soak, "soak", time.Minute, "time to receive at half of the saturated rate, and saturated with gctrace; 0 skips both")
	flag.StringVar(&o.only, "only", "", "measure only one `load`: 110, 550, 1450 or mix")
	count := flag.String("count", "", "only count packets received by a `method`, for comparison with mirrorsink")
	device := flag.String("device", "", "the interface of -count")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := func() error { return bench(ctx, o, os.Stdout) }
	if *count != "" {
		run = func() error { return countOnly(ctx, *count, *device) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench-live:", err)
		os.Exit(1)
	}
}

// bench measures in a namespace and prints the table. It first starts this program again in the namespace.
func bench(ctx context.Context, o options, out io.Writer) error {
	if !inNamespace() {
		return enterNamespace(ctx, out)
	}
	started := figures.LoadAverage()
	w, err := newWire(ctx)
	if err != nil {
		return err
	}
	t, failed := measureAll(ctx, w, o)
	fmt.Fprintf(out, "\n%s; load average %s before and %s after\n\n", figures.Machine(), started, figures.LoadAverage())
	return errors.Join(failed, t.Print(out))
}

// progress reports what is being measured, on standard error.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench-live: "+format+"\n", args...)
}
