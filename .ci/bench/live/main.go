// Command live measures how mirrorsink receives, on the machine that it runs on: by sockets and by rings, with full inspection,
// beside readers that only count. Generator and readers are in a network namespace that it makes for itself, joined by a pair of
// interfaces, so that no packet leaves it. All that receiving takes is held by one CPU and counted: the kernel's work on what
// arrives, which is a thread here (threaded NAPI), and the reader's.
//
// It is run as root by make bench-live, from the module's root, on a machine with two CPUs or more. Its status is 0 even where a
// figure is missed, which noise can do too: the table that it prints says so. It is 1 where a packet got lost uncounted.
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
)

// options are the flags.
type options struct {
	binary string        // mirrorsink
	rounds int           // how often each is measured; an odd number has a median that was measured
	warm   time.Duration // how long traffic flows before measuring begins
	window time.Duration // how long measuring takes
	soak   time.Duration // how long nothing may be dropped at half of the saturated rate, and the garbage collector is watched
	only   string        // a load, "" for all
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/mirrorsink", "the mirrorsink to measure")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each is measured")
	flag.DurationVar(&o.warm, "warm", 500*time.Millisecond, "how long traffic flows before measuring begins")
	flag.DurationVar(&o.window, "window", time.Second, "how long each is measured")
	flag.DurationVar(&o.soak, "soak", time.Minute, "how long to receive at half of the saturated rate, and saturated with the garbage collector watched; 0 to leave both out")
	flag.StringVar(&o.only, "only", "", "one `load` alone: 110, 550, 1450 or mix")
	count := flag.String("count", "", "only count what arrives by this `way`: what mirrorsink is compared with")
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

// bench measures in a namespace, which it first starts itself again in, and prints the table.
func bench(ctx context.Context, o options, out io.Writer) error {
	if !inNamespace() {
		return enterNamespace(ctx, out)
	}
	started := loadAverage()
	w, err := newWire(ctx)
	if err != nil {
		return err
	}
	t, failed := measureAll(ctx, w, o)
	fmt.Fprintf(out, "\n%s; load average %s before and %s after\n\n", machine(), started, loadAverage())
	return errors.Join(failed, t.print(out))
}

// progress says what goes on, apart from the result.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench-live: "+format+"\n", args...)
}
