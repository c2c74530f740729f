package command

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// policyFile writes a policy.
func policyFile(t *testing.T, text string) string {
	file := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// TestReplayJudges: events and records have the verdict of the policy, and a report over the records reads it.
func TestReplayJudges(t *testing.T) {
	policy := policyFile(t, "allow:\n  - {name: api, to: ['*.example.com'], ports: [443]}\n")
	eve, records := eveFile(t), filepath.Join(t.TempDir(), "flows.log")
	r := runHere(t, "replay", "--policy", policy, "--eve", eve, "--flowlog", records, "--flowlog-format", "all", testdata("plain-tls.pcap"))
	require.Equal(t, exitOK, r.code, r.stderr)
	var verdicts []string
	for _, e := range readEvents(t, eve) {
		hint := e["hint"].(map[string]any)
		if v, ok := hint["policy"].(map[string]any); ok && e["event_type"] == "flow" {
			rule, _ := v["rule"].(string)
			reason, _ := v["reason"].(string)
			verdicts = append(verdicts, v["verdict"].(string)+" "+rule+reason)
		}
	}
	slices.Sort(verdicts)
	verdicts = slices.Compact(verdicts)
	require.Contains(t, verdicts, "allowed api")
	require.Contains(t, verdicts, "exempt exempt")

	for _, from := range []string{records, eve} {
		judgedAgain := runHere(t, "report", "violations", "--policy", policy, "-o", "csv", "--quiet", from)
		recorded := runHere(t, "report", "violations", "-o", "csv", "--quiet", from)
		require.NotEmpty(t, recorded.stdout)
		require.Equal(t, judgedAgain.stdout, recorded.stdout)
		require.Equal(t, judgedAgain.code, recorded.code)
	}
}

// TestReplayWithoutPolicy: nothing is judged, and the report says that it needs a policy.
func TestReplayWithoutPolicy(t *testing.T) {
	eve := eveFile(t)
	require.Equal(t, exitOK, runHere(t, "replay", "--eve", eve, testdata("plain-tls.pcap")).code)
	text, err := os.ReadFile(eve)
	require.NoError(t, err)
	require.False(t, strings.Contains(string(text), `"policy"`))
	r := runHere(t, "report", "violations", eve)
	require.Equal(t, exitOK, r.code)
	require.Contains(t, r.stderr, "no record has a verdict")
}

// TestReplayPolicyErrors: a policy that cannot be read ends the program before anything is opened.
func TestReplayPolicyErrors(t *testing.T) {
	r := runHere(t, "replay", "--policy", policyFile(t, "alow: []\n"), testdata("plain-tls.pcap"))
	require.Equal(t, exitError, r.code)
	require.Contains(t, r.stderr, "alow")
	r = runHere(t, "replay", "--aws-ip-ranges", "x.json", testdata("plain-tls.pcap"))
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.stderr, "--policy")
}
