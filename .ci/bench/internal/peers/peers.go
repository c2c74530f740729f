// Package peers compares a replay with other programs that read the same packets.
package peers

import (
	"context"
	"errors"
	"fmt"
	"os/exec"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/captures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/compare"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/replay"
)

// peerRounds is the number of rounds with each peer. Peers take longer than other candidates.
const peerRounds = 5

// errMissing is the error for a peer that is not installed.
var errMissing = errors.New("not installed; make bench-tools installs it (root, Debian)")

// Measure compares the replay with every installed peer.
func Measure(ctx context.Context, c captures.Captures) (t figures.Table, err error) {
	e, err := newEnv()
	if err != nil {
		return nil, err
	}
	defer e.close()
	for i := range peerTable {
		p := &peerTable[i]
		rows, err := p.compare(ctx, c, e)
		switch {
		case errors.Is(err, errMissing):
			t = append(t, figures.Row{Name: p.tool, Skipped: err.Error()})
		case err != nil:
			return nil, err
		default:
			t = append(t, rows...)
		}
	}
	return t, nil
}

// compare compares the replay with one peer.
func (p *peer) compare(ctx context.Context, c captures.Captures, e *env) (figures.Table, error) {
	tool, version, err := p.find(ctx, e)
	if err != nil {
		return nil, err
	}
	of := c.Mirrored
	if p.plain {
		of = c.Plain
	}
	theirs := compare.Candidate{Argv: p.argv(tool, of.Path, e), CPUs: e.cpus, Count: p.count, Total: int64(of.Packets), Packets: of.Packets}
	ours := replay.Of(c.Mirrored, e.cpus)
	costs, err := compare.Run(ctx, p.tool, peerRounds, theirs, ours)
	if err != nil {
		return nil, err
	}
	title := fmt.Sprintf("%s %s%s", p.tool, version, p.also)
	their, our := theirs.PerCPUSecond(costs[0]), ours.PerCPUSecond(costs[1])
	return figures.Table{
		{Name: title + ", " + of.Title + ": M packets per CPU-second", Values: their},
		{Name: title + ": the same, replay of mirrored frames", Values: our},
		{Name: title + ": times as many in ours", Values: figures.Ratios(our, their), Bound: c.Bound(p.bound)},
	}, nil
}

// find returns the path and the version of the peer's program.
func (p *peer) find(ctx context.Context, e *env) (path, version string, err error) {
	if p.debian == "" {
		return e.buildGopacket(ctx)
	}
	if path, err = exec.LookPath(p.tool); err != nil {
		if path, err = exec.LookPath("/usr/sbin/" + p.tool); err != nil { // softflowd's folder, which may not be in PATH
			return "", "", errMissing
		}
	}
	out, err := exec.CommandContext(ctx, "dpkg-query", "--showformat", "${Version}", "--show", p.debian).Output()
	if err != nil {
		return path, "of unknown version", nil
	}
	return path, string(out), nil
}
