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

// peerRounds is how often a peer runs, and our replay with it: they take longer than others.
const peerRounds = 5

// A peer is a program that people use on such captures, and that our replay is compared with. Peers that do not open VXLAN get the
// plain frames, else they would see sixteen thousand tunnels and nothing in them; our replay reads the mirrored ones beside all.
type peer struct {
	tool   string // its name in PATH
	also   string // what else is in it
	debian string // package; what has none is built here
	plain  bool   // reads plain frames
	argv   func(tool, file string, l *lab) []string
	says   *regexp.Regexp // in its output, how many packets it has read
	wanted bound          // how many times as many packets our replay gets through in a CPU-second
}

// peerTable is whom a replay is compared with. docs/performance.md says what each does, and what not.
var peerTable = []peer{
	{
		tool: "gopacket", also: " and reassembly",
		argv:   func(tool, file string, _ *lab) []string { return []string{tool, file, os.DevNull} },
		says:   regexp.MustCompile(`(\d+) packets, [1-9]\d* names`),
		wanted: bound{least: 9},
	},
	{
		tool: "ndpiReader", debian: "libndpi-bin", plain: true,
		argv:   func(tool, file string, _ *lab) []string { return []string{tool, "-i", file} },
		says:   regexp.MustCompile(`of (\d+) packets total`),
		wanted: bound{least: 10},
	},
	{
		tool: "softflowd", debian: "softflowd", plain: true,
		argv: func(tool, file string, l *lab) []string {
			return []string{tool, "-r", file, "-d", "-6", "-v", "9", "-m", "1000000", "-n", l.collector, "-p", filepath.Join(l.dir, "pid")}
		},
		says:   regexp.MustCompile(`Packets processed: (\d+)`),
		wanted: bound{least: 2.3},
	},
	{
		tool: "tcpdump", debian: "tcpdump",
		argv: func(tool, file string, _ *lab) []string {
			return []string{tool, "-r", file, "--count", "udp dst port 4789"}
		},
		says: regexp.MustCompile(`(\d+) packets?`),
	},
}

// errMissing says that a peer is not on this machine.
var errMissing = errors.New("not installed; make bench-tools installs it (root, Debian)")

// peers compares our replay with every program that is there.
func peers(ctx context.Context, c captures) (t table, err error) {
	l, err := newLab()
	if err != nil {
		return nil, err
	}
	defer l.close()
	for i := range peerTable {
		p := &peerTable[i]
		rows, err := p.compare(ctx, c, l)
		switch {
		case errors.Is(err, errMissing):
			t = append(t, row{what: p.tool, leftOut: err.Error()})
		case err != nil:
			return nil, err
		default:
			t = append(t, rows...)
		}
	}
	return t, nil
}

// compare runs a peer and our replay in turns.
func (p *peer) compare(ctx context.Context, c captures, l *lab) (table, error) {
	tool, version, err := p.find(ctx, l)
	if err != nil {
		return nil, err
	}
	of := c.mirrored
	if p.plain {
		of = c.plain
	}
	theirs := contestant{argv: p.argv(tool, of.path, l), cpus: l.cpus, says: p.says, all: int64(of.packets), packets: of.packets}
	ours := replayOf(c.mirrored, l.cpus)
	efforts, err := contest(ctx, p.tool, peerRounds, theirs, ours)
	if err != nil {
		return nil, err
	}
	title := fmt.Sprintf("%s %s%s", p.tool, version, p.also)
	their, our := theirs.perCPUSecond(efforts[0]), ours.perCPUSecond(efforts[1])
	return table{
		{what: title + ", " + of.title + ": M packets per CPU-second", values: their},
		{what: title + ": the same, replay of mirrored frames", values: our},
		{what: title + ": times as many in ours", values: figures.Ratios(our, their), wanted: c.wanted(p.wanted)},
	}, nil
}

// find returns where the peer's program is, and its version.
func (p *peer) find(ctx context.Context, l *lab) (path, version string, err error) {
	if p.debian == "" {
		return l.buildGopacket(ctx)
	}
	if path, err = exec.LookPath(p.tool); err != nil {
		if path, err = exec.LookPath("/usr/sbin/" + p.tool); err != nil { // softflowd's folder, which users do not have in PATH
			return "", "", errMissing
		}
	}
	out, err := exec.CommandContext(ctx, "dpkg-query", "--showformat", "${Version}", "--show", p.debian).Output()
	if err != nil {
		return path, "of unknown version", nil // it works all the same
	}
	return path, string(out), nil
}
