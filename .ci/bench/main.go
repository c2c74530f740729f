// Command bench measures what mirrorsink promises of its speed, on the machine that it runs on: the decoder against gopacket's,
// a replay against a plain read loop and against other programs over the same packets, and with few flows and workers and with
// many, what aggregation windows add to a packet, and a plan of mirror sessions in the largest account that AWS allows. Both sides of a comparison run in turns within one run, and what counts is CPU time,
// since wall-clock time lies on a busy machine.
//
// It is run by make bench, from the module's root; -only measures a part. Its status is 0 even where a figure is missed, which
// noise can do too: the table that it prints says so.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"sync"
)

// How often each comparison is made, if there is no reason for another number. An odd one has a median that was measured.
const (
	rounds = 7
	pairs  = 9
)

func main() {
	read := flag.String("read", "", "only read `file` from start to end: what a replay is compared with")
	only := flag.String("only", "", "measure only these `parts`, separated by commas: "+strings.Join(names(sections(nil)), ", "))
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run := func(ctx context.Context) error { return measure(ctx, *only) }
	if *read != "" {
		run = func(context.Context) error { return readThrough(*read, os.Stdout) }
	}
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// measure makes the comparisons of the sections named in only, or all, and prints the table.
func measure(ctx context.Context, only string) error {
	all := sections(sync.OnceValues(func() (captures, error) { return openCaptures(ctx) }))
	chosen, err := choose(all, only)
	if err != nil {
		return err
	}
	started := loadAverage()
	t, failed := measureAll(ctx, chosen)
	fmt.Printf("\n%s, %d CPUs, %s, %s; load average %s before and %s after\n\n",
		processor(), runtime.NumCPU(), kernel(), runtime.Version(), started, loadAverage())
	return errors.Join(failed, t.print(os.Stdout))
}

// progress says what goes on, apart from the result.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...) }

// processor is the name that the processor gives itself.
func processor() string {
	for line := range strings.Lines(slurp("/proc/cpuinfo")) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func kernel() string {
	out, err := exec.Command("uname", "-sr").Output()
	if err != nil {
		return runtime.GOOS
	}
	return strings.TrimSpace(string(out))
}

// loadAverage is that of the last minute.
func loadAverage() string {
	if f := strings.Fields(slurp("/proc/loadavg")); len(f) > 0 {
		return f[0]
	}
	return "unknown"
}

// slurp returns a file's text, empty where there is no such file.
func slurp(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(text)
}
