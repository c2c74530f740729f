package compare

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRun: all candidates run equally often in alternating order, and a failure ends the comparison.
func TestRun(t *testing.T) {
	file := t.TempDir() + "/order"
	shell := func(script string) Candidate {
		return Candidate{Argv: []string{"sh", "-c", script}, Count: regexp.MustCompile(`(\d+) packets`), Total: 7, Packets: 7e6}
	}
	a, b := shell("echo a >>"+file+"; echo 7 packets"), shell("echo b >>"+file+"; echo 7 packets >&2")
	costs, err := Run(t.Context(), "test", 3, a, b)
	require.NoError(t, err)
	require.Len(t, costs, 2)
	for _, c := range costs {
		require.Len(t, c, 3)
	}
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "abbaab", strings.ReplaceAll(string(written), "\n", ""))

	_, err = Run(t.Context(), "test", 1, shell("echo 6 packets"))
	require.ErrorContains(t, err, "6, not 7")
	_, err = Run(t.Context(), "test", 1, shell("echo broken; exit 3"))
	require.ErrorContains(t, err, "broken")
	require.Equal(t, []float64{3.5}, a.PerCPUSecond([]Cost{{CPU: 2e9, Wall: 1e9}}))
	require.Equal(t, []float64{7}, a.PerSecond([]Cost{{CPU: 2e9, Wall: 1e9}}))
}
