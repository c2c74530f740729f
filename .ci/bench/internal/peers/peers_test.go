package peers

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/compare"
)

// TestCheck: the output of each peer has the number of packets that it processed, and an incomplete number is an error.
func TestCheck(t *testing.T) {
	outputs := map[string]string{
		"gopacket": "1052249 packets, 68969 names\n",
		"ndpiReader": "Traffic statistics:\n\tEthernet bytes:        551066900     (includes ethernet CRC/IFC/trailer)\n" +
			"\tIP packets:            1052198       of 1052249 packets total\n",
		"softflowd": "softflowd v1.1.0 starting data collection\nShutting down after pcap EOF\n" +
			"Number of active flows: 0\nPackets processed: 1052249\nFragments: 0\n",
		"tcpdump": "reading from file capture_vxlan.pcap, link-type EN10MB (Ethernet), snapshot length 262144\n1052249 packets\n",
	}
	require.Len(t, outputs, len(peerTable))
	for _, p := range peerTable {
		t.Run(p.tool, func(t *testing.T) {
			c := compare.Candidate{Count: p.count, Total: 1052249}
			require.NoError(t, c.Check(outputs[p.tool]))
			require.ErrorContains(t, c.Check(strings.ReplaceAll(outputs[p.tool], "1052249", "1052248")), "1052248, not 1052249")
			require.ErrorContains(t, c.Check("cannot open"), "cannot open")
		})
	}
}

// TestMissingPeer: a peer that is not installed gives errMissing.
func TestMissingPeer(t *testing.T) {
	p := peer{tool: "mirrorsink-has-no-such-peer", debian: "none"}
	_, _, err := p.find(t.Context(), &env{})
	require.ErrorIs(t, err, errMissing)
}

// TestPeersAreInstalled: make bench-tools installs every package, and the documentation describes each peer.
func TestPeersAreInstalled(t *testing.T) {
	makefile, err := os.ReadFile("../../../../Makefile")
	require.NoError(t, err)
	page, err := os.ReadFile("../../../../docs/performance.md")
	require.NoError(t, err)
	for _, p := range peerTable {
		installs := regexp.MustCompile(`(?m)^BENCH_TOOLS .*\b` + p.debian + `\b`)
		assert.True(t, installs.Match(makefile), "Makefile's BENCH_TOOLS has no %s", p.debian)
		assert.True(t, strings.Contains(string(page), "\n| "+p.tool), "docs/performance.md has no row for %s", p.tool)
	}
}
