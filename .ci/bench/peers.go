package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// peerRounds is the number of rounds with each peer. Peers take longer than other candidates.
const peerRounds = 5

// A peer is another program that reads such captures. Peers that do not decode VXLAN read the plain frames, since they would see
// only sixteen thousand tunnels in the mirrored ones. The replay reads the mirrored frames.
type peer struct {
	tool   string // its name in PATH
	also   string // other libraries in it
	debian string // package; "" is built here
	plain  bool   // reads plain frames
	argv   func(tool, file string, e *env) []string
	count  *regexp.Regexp // finds the number of packets in its output
	bound  figures.Bound  // of the replay's packets per CPU-second, relative to the peer's
}

// peerTable is all peers. docs/performance.md describes the work of each.
var peerTable = []peer{
	{
		tool: "gopacket", also: " and reassembly",
		argv:  func(tool, file string, _ *env) []string { return []string{tool, file, os.DevNull} },
		count: regexp.MustCompile(`(\d+) packets, [1-9]\d* names`),
		bound: figures.Bound{Least: 9},
	},
	{
		tool: "ndpiReader", debian: "libndpi-bin", plain: true,
		argv:  func(tool, file string, _ *env) []string { return []string{tool, "-i", file} },
		count: regexp.MustCompile(`of (\d+) packets total`),
		bound: figures.Bound{Least: 10},
	},
	{
		tool: "softflowd", debian: "softflowd", plain: true,
		argv: func(tool, file string, e *env) []string {
			return []string{tool, "-r", file, "-d", "-6", "-v", "9", "-m", "1000000", "-n", e.collector, "-p", filepath.Join(e.dir, "pid")}
		},
		count: regexp.MustCompile(`Packets processed: (\d+)`),
		bound: figures.Bound{Least: 2.3},
	},
	{
		tool: "tcpdump", debian: "tcpdump",
		argv: func(tool, file string, _ *env) []string {
			return []string{tool, "-r", file, "--count", "udp dst port 4789"}
		},
		count: regexp.MustCompile(`(\d+) packets?`),
	},
}

// errMissing is the error for a peer that is not installed.
var errMissing = errors.New("not installed; make bench-tools installs it (root, Debian)")

// peers compares the replay with every installed peer.
func peers(ctx context.Context, c captures) (t figures.Table, err error) {
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
func (p *peer) compare(ctx context.Context, c captures, e *env) (figures.Table, error) {
	tool, version, err := p.find(ctx, e)
	if err != nil {
		return nil, err
	}
	of := c.mirrored
	if p.plain {
		of = c.plain
	}
	theirs := candidate{argv: p.argv(tool, of.path, e), cpus: e.cpus, count: p.count, total: int64(of.packets), packets: of.packets}
	ours := replayOf(c.mirrored, e.cpus)
	costs, err := compare(ctx, p.tool, peerRounds, theirs, ours)
	if err != nil {
		return nil, err
	}
	title := fmt.Sprintf("%s %s%s", p.tool, version, p.also)
	their, our := theirs.perCPUSecond(costs[0]), ours.perCPUSecond(costs[1])
	return figures.Table{
		{Name: title + ", " + of.title + ": M packets per CPU-second", Values: their},
		{Name: title + ": the same, replay of mirrored frames", Values: our},
		{Name: title + ": times as many in ours", Values: figures.Ratios(our, their), Bound: c.bound(p.bound)},
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
