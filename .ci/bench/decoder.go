package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// decoderTime is how long each benchmark runs, each round.
const decoderTime = "200ms"

// decoders runs BenchmarkParse of package decap. A round runs all of it once, ours and gopacket's in turns.
func decoders(ctx context.Context) (table, error) {
	binary, remove, err := testBinary(ctx, "decap")
	if err != nil {
		return nil, fmt.Errorf("build the decoder's benchmarks: %w", err)
	}
	defer remove()
	nanos := map[string][]float64{}
	for i := range rounds {
		progress("decoder, round %d of %d", i+1, rounds)
		cmd := exec.CommandContext(ctx, binary, "-test.run=^$", "-test.bench=^BenchmarkParse$", "-test.benchtime="+decoderTime)
		cmd.Dir, cmd.Stderr = "decap", os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("run the decoder's benchmarks: %w", err)
		}
		collect(nanos, string(out))
	}
	return compareDecoders(nanos)
}

// testBinary builds the tests and benchmarks of a package, by its folder in the module, and returns where they are, and what removes them.
func testBinary(ctx context.Context, folder string) (binary string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "mirrorsink-bench")
	if err != nil {
		return "", nil, err
	}
	remove = func() { os.RemoveAll(dir) }
	binary = filepath.Join(dir, "package.test")
	if err := command(ctx, "go", "test", "-c", "-o", binary, "./"+folder).Run(); err != nil {
		remove()
		return "", nil, err
	}
	return binary, remove, nil
}

// result is a line of BenchmarkParse: its name, without the number of CPUs behind it, and the CPU time of a packet.
var result = regexp.MustCompile(`(?m)^BenchmarkParse/(\S+?)(?:-\d+)?\s.*\s([0-9.]+) cpu-ns/packet`)

// collect adds the results that the output of a benchmark holds.
func collect(nanos map[string][]float64, output string) {
	for _, m := range result.FindAllStringSubmatch(output, -1) {
		if v, err := strconv.ParseFloat(m[2], 64); err == nil {
			nanos[m[1]] = append(nanos[m[1]], v)
		}
	}
}

// compareDecoders makes the rows. The same factors are wanted of datagrams from a socket, which start with VXLAN, and of
// frames from a capture, which have outer headers too.
func compareDecoders(nanos map[string][]float64) (t table, err error) {
	for _, c := range []struct {
		name, title string
		wanted      bound
	}{
		{"socket/warm", "decoder, socket, warm", bound{least: 5}},
		{"socket/cold", "decoder, socket, from memory", bound{least: 2.5}},
		{"capture/warm", "decoder, capture, warm", bound{least: 5}},
		{"capture/cold", "decoder, capture, from memory", bound{least: 2.5}},
	} {
		ours, theirs := nanos[c.name+"/ours"], nanos[c.name+"/gopacket"]
		if len(ours) == 0 || len(ours) != len(theirs) {
			return nil, fmt.Errorf("BenchmarkParse gave %d results for %s/ours and %d for %[2]s/gopacket", len(ours), c.name, len(theirs))
		}
		t = append(t,
			row{what: c.title + ": CPU ns a packet", values: ours},
			row{what: c.title + ": the same, gopacket", values: theirs},
			row{what: c.title + ": times as fast", values: figures.Ratios(theirs, ours), wanted: c.wanted})
	}
	return t, nil
}
