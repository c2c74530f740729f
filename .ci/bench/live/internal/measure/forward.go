package measure

import (
	"context"
	"fmt"
	"log"
	"os/exec"
	"regexp"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// forwarderOfBare bounds a forwarding target alone, relative to a bare loop that sends the same frames.
var forwarderOfBare = figures.Bound{Least: 0.9}

// forwardResult matches a benchmark of package tx: target, frame size, whether a tag splits the frame in two parts, the CPU time per
// frame of the bare loop and of the target, and their ratio.
var forwardResult = regexp.MustCompile(`(?m)^Benchmark(?:Interface/)?(iface|tap|VXLAN)/(\d+)(/18)?\S*\s.* ([0-9.]+) bare-cpu-ns/frame\s+([0-9.]+) cpu-ns/frame\s+([0-9.]+) of-bare`)

// forwarders measures the forwarding targets alone, alternately with bare loops of sendmmsg and write. It runs the benchmarks of
// package tx.
func forwarders(ctx context.Context, rounds int) (t figures.Table, err error) {
	log.Printf("forwarding targets alone")
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^(BenchmarkInterface|BenchmarkVXLAN)$", "-benchtime", "1000x",
		"-count", fmt.Sprint(rounds), "./decap/tx/iface", "./decap/tx/vxlan")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%v: %w: %s", cmd.Args, err, out)
	}
	rows := map[string]int{}
	for _, m := range forwardResult.FindAllSubmatch(out, -1) {
		title := fmt.Sprintf("%s alone, %s B: ", m[1], m[2])
		if len(m[3]) > 0 {
			title = fmt.Sprintf("%s alone, %s B with a tag: ", m[1], m[2])
		}
		for i, what := range []string{"CPU ns a frame", "the same, a bare loop", "frames for the same time, of a bare loop's"} {
			at, known := rows[title+what]
			if !known {
				at = len(t)
				rows[title+what] = at
				t = append(t, figures.Row{Name: title + what})
			}
			t[at].Values = append(t[at].Values, figures.Number(string(m[[]int{5, 4, 6}[i]])))
			if i == 2 {
				t[at].Bound = forwarderOfBare
			}
		}
	}
	if len(t) == 0 {
		return nil, fmt.Errorf("%v printed no results: %s", cmd.Args, out)
	}
	return t, nil
}
