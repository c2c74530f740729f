package peers

import (
	"os"
	"path/filepath"
	"regexp"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

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
