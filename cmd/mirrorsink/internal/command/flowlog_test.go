package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFlowLogOnStandardOutput: with nothing else there, since EVE is for who chooses nothing.
func TestFlowLogOnStandardOutput(t *testing.T) {
	cmd := program(t, "replay", "--quiet", "--flowlog", "-", testdata("mirror-dns.pcap"))
	out, err := cmd.Output()
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	require.Greater(t, len(lines), 2)
	assert.Equal(t, "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status", lines[0])
	for _, l := range lines[1:] {
		assert.Regexp(t, `^2 unknown - [0-9a-f.:]+ [0-9a-f.:]+ \d+ \d+ \d+ \d+ \d+ \d+ \d+ (ACCEPT|-) OK$`, l)
	}
}

// TestFlowLogBesideEvents: both are whole, whatever they share.
func TestFlowLogBesideEvents(t *testing.T) {
	dir := t.TempDir()
	eve, both, alone := filepath.Join(dir, "eve"), filepath.Join(dir, "both"), filepath.Join(dir, "alone")
	require.Zero(t, runHere(t, "replay", "--quiet", "--flowlog", both, "--eve", eve, testdata("mirror-http.pcap")).code)
	require.Zero(t, runHere(t, "replay", "--quiet", "--flowlog", alone, testdata("mirror-http.pcap")).code)
	plain := filepath.Join(dir, "plain")
	require.Zero(t, runHere(t, "replay", "--quiet", "--eve", plain, testdata("mirror-http.pcap")).code)
	assert.Equal(t, contents(t, alone), contents(t, both))
	assert.Equal(t, contents(t, plain), contents(t, eve))
}

func contents(t *testing.T, file string) string {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

// TestFlowLogWithInventory: records say whose the packets are, and interfaces without any had no data in the window.
func TestFlowLogWithInventory(t *testing.T) {
	dir := t.TempDir()
	inventory, out := filepath.Join(dir, "inventory.json"), filepath.Join(dir, "flow.log")
	require.NoError(t, os.WriteFile(inventory, []byte(`{"format":1,"made":"2026-11-21T12:00:00Z","region":"eu-west-1","sessions":[
{"outer":"127.0.0.11","vni":101,"session":"tms-a","interface":"eni-a","addresses":["10.0.1.10"],"zone":"us-west-2-lax-1a","zone_id":"usw2-lax1-az1","type":"interface","account":"111122223333"},
{"outer":"127.0.0.12","vni":102,"session":"tms-b","interface":"eni-b","addresses":["10.0.2.10"],"vpc":"vpc-b"},
{"outer":"127.0.0.99","vni":199,"session":"tms-z","interface":"eni-z","addresses":["10.0.9.10"],"account":"111122223333"}
]}`), 0o600))
	mirrored := mirrorTo(t, "../demo/workloads.pcap.gz", "--spec", "../demo/sessions.yaml")
	r := runHere(t, "replay", "--quiet", "--inventory", inventory, "--flowlog", out, "--account-id", "999999999999", "--flowlog-interval=10m",
		"--flowlog-format", "interface-id account-id region az-id interface-type vpc-id srcaddr dstaddr flow-direction log-status", mirrored)
	require.Zero(t, r.code, r.stderr)
	text := contents(t, out)
	assert.Contains(t, text, "eni-a 111122223333 us-west-2 usw2-lax1-az1 interface - 10.0.1.10 ")
	assert.Contains(t, text, "eni-b 999999999999 eu-west-1 - - vpc-b 10.0.2.10 ")
	assert.Contains(t, text, "\n- 999999999999 - - - - ", "a session that the inventory does not know")
	assert.Equal(t, 1, strings.Count(text, "NODATA"))
	assert.Contains(t, text, "eni-z 111122223333 eu-west-1 - - - - - - NODATA")
	assert.NotContains(t, text, "SKIPDATA")
}

// TestFlowLogLive: at the end every window is closed, whichever workers had packets.
func TestFlowLogLive(t *testing.T) {
	out := filepath.Join(t.TempDir(), "flow.log")
	s := startListen(t, "--workers=3", "--flowlog", out, "--inventory", "../demo/inventory.json", "--flowlog-format", "interface-id log-status x-name")
	s.awaitAll(s.send("../demo/workloads.pcap.gz", "--spec", "../demo/sessions.yaml", "--rate=5000"))
	require.Zero(t, s.end(), s.stderr.String())
	text := contents(t, out)
	for _, eni := range []string{"eni-0d3a1f0000000a001", "eni-0d3a1f0000000b002", "eni-0d3a1f0000000c003"} {
		assert.Contains(t, text, eni+" OK ")
	}
	assert.NotContains(t, text, "SKIPDATA")
}

// TestFlowLogFlagsThatCannotBe: one line says what is wrong.
func TestFlowLogFlagsThatCannotBe(t *testing.T) {
	ranges := filepath.Join(t.TempDir(), "ranges.json")
	require.NoError(t, os.WriteFile(ranges, []byte("{}"), 0o600))
	for _, c := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"--flowlog-format", "${version} ${acount-id}"}, `unknown field "acount-id"; did you mean "account-id"?`, exitUsage},
		{[]string{"--flowlog-format", "x-nonsense-at-all"}, `unknown field "x-nonsense-at-all"; "mirrorsink help fields" lists all`, exitUsage},
		{[]string{"--flowlog-format", ""}, "no fields: want some such as ${account-id}, in single quotes", exitUsage},
		{[]string{"--flowlog-interval", "5m"}, "want 1m or 10m, the windows of AWS", exitUsage},
		{[]string{"--tcp-flags", "some"}, "want aws or full", exitUsage},
		{[]string{"--account-id", "12"}, `--account-id "12": want 12 digits`, exitUsage},
		{[]string{"--region", "EU West"}, `--region "EU West": want a region such as eu-west-1`, exitUsage},
		{[]string{"--aws-ip-ranges", ranges}, "--aws-ip-ranges " + ranges + ": want AWS's ip-ranges.json: it has a syncToken and prefixes", exitError},
		{[]string{"--aws-ip-ranges", "/does/not/exist"}, "--aws-ip-ranges: open /does/not/exist: no such file or directory", exitError},
		{[]string{"--flowlog", "/does/not/exist"}, "/does/not/exist: no such file or directory (create the directory first)", exitError},
	} {
		args := append([]string{"replay", "--quiet", "--flowlog", os.DevNull, testdata("plain-dns.pcap")}, c.args...)
		r := runHere(t, args...)
		assert.Equal(t, c.code, r.code, c.args)
		oneLine(t, r.stderr)
		assert.Contains(t, r.stderr, c.want)
	}
}

// TestOutputsShareNoPlace: a file that two outputs write to would have each record twice, or lines of two kinds.
func TestOutputsShareNoPlace(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "out")
	for _, args := range [][]string{
		{"--flowlog", file, "--flowlog", file},
		{"--flowlog", file, "--eve", filepath.Join(dir, ".") + "/./out"},
		{"--flowlog", "-", "--eve", "-"},
		{"--parquet", dir, "--parquet", dir + "/"},
		{"--parquet", "s3://bucket/p", "--parquet", "s3://bucket/p/"},
	} {
		r := runHere(t, append(append([]string{"replay", "--quiet"}, args...), testdata("plain-dns.pcap"))...)
		assert.Equal(t, exitUsage, r.code, args)
		assert.Contains(t, r.stderr, "writes there already", args)
		oneLine(t, r.stderr)
	}
	assert.NoFileExists(t, file)
	r := runHere(t, "replay", "--quiet", "--eve", os.DevNull, "--flowlog", os.DevNull, "--flowlog", os.DevNull, testdata("plain-dns.pcap"))
	assert.Zero(t, r.code, r.stderr)
}
