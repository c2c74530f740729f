package main

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCheck: the output of each program has the number that it processed, and an incomplete number is an error.
func TestCheck(t *testing.T) {
	outputs := map[string]string{
		"replay": "packets        1052249 in 1.037s, 1015077 a second\n  ok           1052232\n  bad_ip       17\n" +
			"events         218229 produced, 218229 written, 0 dropped\n",
		"read loop": "1052249 0\n",
		"gopacket":  "1052249 packets, 68969 names\n",
		"ndpiReader": "Traffic statistics:\n\tEthernet bytes:        551066900     (includes ethernet CRC/IFC/trailer)\n" +
			"\tIP packets:            1052198       of 1052249 packets total\n",
		"softflowd": "softflowd v1.1.0 starting data collection\nShutting down after pcap EOF\n" +
			"Number of active flows: 0\nPackets processed: 1052249\nFragments: 0\n",
		"tcpdump": "reading from file capture_vxlan.pcap, link-type EN10MB (Ethernet), snapshot length 262144\n1052249 packets\n",
	}
	of := largeCapture{packets: 1052249, bytes: 1052249}
	candidates := map[string]candidate{"replay": replayOf(of, nil), "read loop": loopOver(nil, of, nil)}
	for _, p := range peerTable {
		candidates[p.tool] = candidate{count: p.count, total: int64(of.packets)}
	}
	require.Len(t, outputs, len(candidates))
	for name, c := range candidates {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, c.check(outputs[name]))
			require.ErrorContains(t, c.check(strings.ReplaceAll(outputs[name], "1052249", "1052248")), "1052248, not 1052249")
			require.ErrorContains(t, c.check("cannot open"), "cannot open")
		})
	}
	c := candidates["replay"]
	require.Error(t, c.check(strings.ReplaceAll(outputs["replay"], " 0 dropped", " 10 dropped")), "events were lost")
}

// TestCompare: all candidates run equally often in alternating order, and a failure ends the comparison.
func TestCompare(t *testing.T) {
	log := t.TempDir() + "/log"
	shell := func(script string) candidate {
		return candidate{argv: []string{"sh", "-c", script}, count: regexp.MustCompile(`(\d+) packets`), total: 7, packets: 7e6}
	}
	a, b := shell("echo a >>"+log+"; echo 7 packets"), shell("echo b >>"+log+"; echo 7 packets >&2")
	costs, err := compare(t.Context(), "test", 3, a, b)
	require.NoError(t, err)
	require.Len(t, costs, 2)
	for _, c := range costs {
		require.Len(t, c, 3)
	}
	written, err := os.ReadFile(log)
	require.NoError(t, err)
	require.Equal(t, "abbaab", strings.ReplaceAll(string(written), "\n", ""))

	_, err = compare(t.Context(), "test", 1, shell("echo 6 packets"))
	require.ErrorContains(t, err, "6, not 7")
	_, err = compare(t.Context(), "test", 1, shell("echo broken; exit 3"))
	require.ErrorContains(t, err, "broken")
	require.Equal(t, []float64{3.5}, a.perCPUSecond([]cost{{cpu: 2e9, wall: 1e9}}))
	require.Equal(t, []float64{7}, a.perSecond([]cost{{cpu: 2e9, wall: 1e9}}))
}

// TestStartOn: the program may use the given CPUs, and this process keeps its own.
func TestStartOn(t *testing.T) {
	before, err := usableCPUs()
	require.NoError(t, err)
	for _, cpus := range [][]int{nil, before[:1], before[len(before)-1:], before} {
		cmd := exec.Command("grep", "Cpus_allowed_list", "/proc/self/status")
		var out strings.Builder
		cmd.Stdout = &out
		require.NoError(t, startOn(cpus, cmd))
		require.NoError(t, cmd.Wait())
		if len(cpus) == 1 {
			assert.Regexp(t, `\s`+strconv.Itoa(cpus[0])+`\n$`, out.String())
		}
	}
	after, err := usableCPUs()
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.Error(t, startOn([]int{1023}, exec.Command("true")), "there is no such CPU")
}
