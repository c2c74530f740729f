package gobench

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"regexp"
	"strconv"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// decoderTime is the time of each benchmark in each round.
const decoderTime = "200ms"

// Decoder runs BenchmarkParse of package decap, which runs both decoders alternately.
func Decoder(ctx context.Context) (figures.Table, error) {
	binary, remove, err := testBinary(ctx, "decap")
	if err != nil {
		return nil, fmt.Errorf("build the decoder's benchmarks: %w", err)
	}
	defer remove()
	nanos := map[string][]float64{}
	for i := range rounds {
		log.Printf("decoder, round %d of %d", i+1, rounds)
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

// result matches a line of BenchmarkParse: the name without the number of CPUs, and the CPU time of a packet.
var result = regexp.MustCompile(`(?m)^BenchmarkParse/(\S+?)(?:-\d+)?\s.*\s([0-9.]+) cpu-ns/packet`)

// collect adds the results in the output of a benchmark.
func collect(nanos map[string][]float64, output string) {
	for _, m := range result.FindAllStringSubmatch(output, -1) {
		if v, err := strconv.ParseFloat(m[2], 64); err == nil {
			nanos[m[1]] = append(nanos[m[1]], v)
		}
	}
}

// compareDecoders returns the rows. The bounds are the same for datagrams from a socket, which start with VXLAN, and for frames
// from a capture, which have outer headers.
func compareDecoders(nanos map[string][]float64) (t figures.Table, err error) {
	for _, c := range []struct {
		name, title string
		bound       figures.Bound
	}{
		{"socket/warm", "decoder, socket, warm", figures.Bound{Least: 5}},
		{"socket/cold", "decoder, socket, from memory", figures.Bound{Least: 2.5}},
		{"capture/warm", "decoder, capture, warm", figures.Bound{Least: 5}},
		{"capture/cold", "decoder, capture, from memory", figures.Bound{Least: 2.5}},
	} {
		ours, theirs := nanos[c.name+"/ours"], nanos[c.name+"/gopacket"]
		if len(ours) == 0 || len(ours) != len(theirs) {
			return nil, fmt.Errorf("BenchmarkParse gave %d results for %s/ours and %d for %[2]s/gopacket", len(ours), c.name, len(theirs))
		}
		t = append(t,
			figures.Row{Name: c.title + ": CPU ns a packet", Values: ours},
			figures.Row{Name: c.title + ": the same, gopacket", Values: theirs},
			figures.Row{Name: c.title + ": times as fast", Values: figures.Ratios(theirs, ours), Bound: c.bound})
	}
	return t, nil
}
