package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// forwarderOfBare is what is promised of a way on alone, of the least that sends the same frames.
var forwarderOfBare = bound{least: 0.9}

// onward is what the benchmarks of package tx say of frames of one size: whether they are in two parts, as those are that get a tag, CPU
// time a frame of the bare loop and of ours, and their ratio.
var onward = regexp.MustCompile(`(?m)^Benchmark(?:Interface/)?(iface|tap|VXLAN)/(\d+)(/18)?\S*\s.* ([0-9.]+) bare-cpu-ns/frame\s+([0-9.]+) cpu-ns/frame\s+([0-9.]+) of-bare`)

// forwarders measures the ways on by themselves, in turns with bare loops of sendmmsg and write: the benchmarks of package tx, so many
// times.
func forwarders(ctx context.Context, rounds int) (t table, err error) {
	progress("the ways on alone")
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^(BenchmarkInterface|BenchmarkVXLAN)$", "-benchtime", "1000x",
		"-count", fmt.Sprint(rounds), "./decap/tx/iface", "./decap/tx/vxlan")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%v: %w: %s", cmd.Args, err, out)
	}
	rows := map[string]int{}
	for _, m := range onward.FindAllSubmatch(out, -1) {
		title := fmt.Sprintf("%s alone, %s B: ", m[1], m[2])
		if len(m[3]) > 0 {
			title = fmt.Sprintf("%s alone, %s B with a tag: ", m[1], m[2])
		}
		for i, what := range []string{"CPU ns a frame", "the same, a bare loop", "frames for the same time, of a bare loop's"} {
			at, known := rows[title+what]
			if !known {
				at = len(t)
				rows[title+what] = at
				t = append(t, row{what: title + what})
			}
			t[at].values = append(t[at].values, figures.Number(string(m[[]int{5, 4, 6}[i]])))
			if i == 2 {
				t[at].wanted = forwarderOfBare
			}
		}
	}
	if len(t) == 0 {
		return nil, fmt.Errorf("%v says nothing of frames: %s", cmd.Args, out)
	}
	return t, nil
}
