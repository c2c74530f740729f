// Command bench measures the speed that mirrorsink promises, on the machine that it runs on:
//
//   - the decoder, against gopacket's
//   - a replay, against a plain read loop and against other programs over the same packets, with few and many flows and workers
//   - the cost of aggregation windows and of writing records
//   - a plan of mirror sessions in the largest account that AWS allows
//
// The sides of a comparison run alternately. Comparisons use CPU time, since wall-clock time depends on other load.
//
// make bench runs it from the module's root; -only measures a part. Its status is 0 even if a bound is missed, since noise can
// cause that too; the table shows it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"sync"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/captures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/replay"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	read := flag.String("read", "", "only read `file` from start to end, for comparison with a replay")
	only := flag.String("only", "", "measure only these `parts`, separated by commas: "+strings.Join(names(sections(nil)), ", "))
	mix := flag.Bool("capture", false, "only make the captures, and print the path of that of plain frames")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run := func(ctx context.Context) error { return measure(ctx, *only) }
	switch {
	case *read != "":
		run = func(context.Context) error { return replay.ReadThrough(*read, os.Stdout) }
	case *mix:
		run = printCapture
	}
	if err := run(ctx); err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

func printCapture(ctx context.Context) error {
	c, err := captures.Open(ctx)
	if err == nil {
		_, err = fmt.Println(c.Plain.Path)
	}
	return err
}

// measure measures the sections named in only, or all, and prints the table.
func measure(ctx context.Context, only string) error {
	all := sections(sync.OnceValues(func() (captures.Captures, error) { return captures.Open(ctx) }))
	chosen, err := choose(all, only)
	if err != nil {
		return err
	}
	started := figures.LoadAverage()
	t, failed := measureAll(ctx, chosen)
	fmt.Printf("\n%s; load average %s before and %s after\n\n", figures.Machine(), started, figures.LoadAverage())
	return errors.Join(failed, t.Print(os.Stdout))
}
