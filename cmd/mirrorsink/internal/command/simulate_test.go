package command

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mirrorTo simulates into a capture file and returns its path.
func mirrorTo(t *testing.T, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mirrored.pcap")
	simulated(t, append(args, "--out", path)...)
	return path
}

// replayed returns the events and the summary of a replay.
func replayed(t *testing.T, args ...string) ([]anEvent, string) {
	t.Helper()
	eve := eveFile(t)
	r := runHere(t, append([]string{"replay", "--eve", eve}, args...)...)
	require.Equal(t, exitOK, r.code, r.stderr)
	return readEvents(t, eve), r.stderr
}

// What is mirrored and taken apart again is what it was, but for the mirror's own facts.
func TestMirroredIsWhatItWas(t *testing.T) {
	for _, capture := range []string{"plain-tls.pcap", "plain-misc.pcap", "format-sll.pcap", "format-rawip.pcap"} {
		for _, geneve := range []string{"--geneve=false", "--geneve=true"} {
			events, _ := replayed(t, "--decap=always", mirrorTo(t, testdata(capture), geneve, "--vni=7", "--source=10.9.9.9"))
			for _, e := range events {
				assert.Equal(t, map[string]any{"vni": 7.0, "source": "10.9.9.9"}, e["mirror"])
				delete(e, "mirror")
				delete(e, "flow_id")
			}
			want, _ := replayed(t, testdata(capture))
			for _, e := range want {
				delete(e, "flow_id")
			}
			assert.NotEmpty(t, events)
			assert.Equal(t, sortedEvents(t, want), sortedEvents(t, events), "%s %s", capture, geneve)
		}
	}
}

// sortedEvents encodes events as JSON, in the order of the text.
func sortedEvents(t *testing.T, events []anEvent) (lines []string) {
	for _, e := range events {
		line, err := json.Marshal(e)
		require.NoError(t, err)
		lines = append(lines, string(line))
	}
	slices.Sort(lines)
	return lines
}

func TestSimulatedPacketLengthTruncates(t *testing.T) {
	_, summary := replayed(t, mirrorTo(t, testdata("plain-tls.pcap"), "--packet-length=100"))
	assert.Regexp(t, `(?m)^truncated +\d+ `, summary)
}

func TestSimulateFollowsASpec(t *testing.T) {
	spec := filepath.Join(t.TempDir(), "sessions.yaml")
	require.NoError(t, os.WriteFile(spec, []byte(`
sessions:
  - {vni: 9, source: 10.0.1.10, filter: web}
filters:
  web:
    egress:  [{number: 1, action: accept, protocol: tcp, destination-ports: 443, source: 0.0.0.0/0, destination: 0.0.0.0/0}]
    ingress: [{number: 1, action: accept, protocol: tcp, source-ports: 443, source: 0.0.0.0/0, destination: 0.0.0.0/0}]
`), 0o600))
	events, _ := replayed(t, mirrorTo(t, testdata("plain-tls.pcap"), "--spec", spec))
	assert.NotEmpty(t, names(events, "tls"))
	for _, e := range events {
		assert.Equal(t, 443.0, e["dest_port"], "only what the filter takes")
		assert.Equal(t, 9.0, e["mirror"].(map[string]any)["vni"])
	}
}

func TestMishapsAreTheSameForTheSameSeed(t *testing.T) {
	read := func(seed string) []byte {
		text, err := os.ReadFile(mirrorTo(t, testdata("plain-tls.pcap"), "--loss=0.1", "--duplicate=0.1", "--reorder=0.1",
			"--corrupt=0.1", "--loop=3", "--seed", seed))
		require.NoError(t, err)
		return text
	}
	assert.Equal(t, read("7"), read("7"))
	assert.NotEqual(t, read("7"), read("8"))
}

// A capture that is played again goes on in time.
func TestLoopedTimesGoOn(t *testing.T) {
	once, _ := replayed(t, mirrorTo(t, testdata("plain-dns.pcap")))
	thrice, _ := replayed(t, mirrorTo(t, testdata("plain-dns.pcap"), "--loop=3"))
	last := func(events []anEvent) string { return events[len(events)-1]["timestamp"].(string) }
	assert.Greater(t, last(thrice), last(once))
}

func TestSimulateUsageErrors(t *testing.T) {
	dir := t.TempDir()
	spec := filepath.Join(dir, "bad.yaml")
	require.NoError(t, os.WriteFile(spec, []byte("sesions: []\n"), 0o600))
	out, capture := filepath.Join(dir, "out.pcap"), testdata("plain-dns.pcap")
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{capture}, "give one of --to and --out"},
		{[]string{capture, "--to", "127.0.0.1:1", "--out", out}, "give one of --to and --out"},
		{[]string{capture, "--out", out, "--loss", "1.5"}, "--loss 1.5: want a probability from 0 to 1"},
		{[]string{capture, "--out", out, "--corrupt", "NaN"}, "--corrupt NaN: want a number"},
		{[]string{capture, "--to", "127.0.0.1:1", "--speed", "-1"}, "--speed -1: cannot be negative"},
		{[]string{capture, "--out", out, "--speed", "2"}, "are for sending"},
		{[]string{capture, "--out", out, "--loop", "0"}, "are for sending"},
		{[]string{"-", "--out", out, "--loop", "2"}, "once only"},
		{[]string{capture, "--out", out, "--source", "example"}, "--source example: want an address such as 10.0.1.10;"},
		{[]string{capture, "--out", out, "--mtu", "5"}, "--mtu 5: want 1280 to 65535 bytes"},
		{[]string{capture, "--out", out, "--packet-length", "-1"}, "--packet-length -1: want 1 to 8500 bytes, or 0 for all"},
		{[]string{capture, "--to", "127.0.0.1"}, "--to 127.0.0.1: want HOST:PORT"},
		{[]string{capture, "--to", "127.0.0.1:0"}, "--to 127.0.0.1:0: want HOST:PORT"},
		{[]string{capture, "--out", out, "--vni", "16777216"}, "vni"},
		{[]string{capture, "--out", out, "--spec", spec, "--vni", "5"}, "--vni: with --spec, set it in the file"},
		{[]string{capture, "--out", out, "--spec", spec}, spec + `:1:1: unknown key "sesions"`},
	} {
		r := runHere(t, append([]string{"simulate"}, c.args...)...)
		assert.Equal(t, exitUsage, r.code, c.args)
		assert.Contains(t, r.stderr, c.says)
		oneLine(t, r.stderr)
	}
}

func TestSimulateWithFilesThatCannotBeHad(t *testing.T) {
	out, capture := filepath.Join(t.TempDir(), "out.pcap"), testdata("plain-dns.pcap")
	for _, args := range [][]string{
		{"/nonexistent/a.pcap", "--out", out},
		{capture, "--out", "/nonexistent/out.pcap"},
		{capture, "--out", out, "--spec", "/nonexistent/spec.yaml"},
	} {
		r := runHere(t, append([]string{"simulate"}, args...)...)
		assert.Equal(t, exitError, r.code, args)
		lines := strings.SplitAfter(strings.TrimSuffix(r.stderr, "\n"), "\n")
		oneLine(t, lines[len(lines)-1]+"\n")
	}
}

func TestSimulateToStandardOutput(t *testing.T) {
	r := runHere(t, "simulate", testdata("plain-dns.pcap"), "--out", "-")
	require.Equal(t, exitOK, r.code)
	text, err := os.ReadFile(mirrorTo(t, testdata("plain-dns.pcap")))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(text, []byte(r.stdout)))
}

func TestSimulateEndsWhenInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	args := []string{"simulate", testdata("plain-dns.pcap"), "--to", "127.0.0.1:9", "--loop", "0"}
	assert.Equal(t, exitOK, Run(ctx, args, &out, &errs), errs.String())
}

// The mirrored interface's address is rarely one of this host.
func TestSimulateSaysThatTheSourceIsAnother(t *testing.T) {
	r := runHere(t, "simulate", testdata("plain-dns.pcap"), "--to", "127.0.0.1:9", "--speed=0", "--source=192.0.2.10")
	assert.Equal(t, exitOK, r.code)
	assert.Regexp(t, `(?m)^note +some copies came from another address or port: .*192\.0\.2\.10`, r.stderr)
}

// TestMalformedSpecs: an error of a spec has the place, what is wrong and what to do, on one line.
func TestMalformedSpecs(t *testing.T) {
	spec := filepath.Join(t.TempDir(), "sessions.yaml")
	for text, says := range map[string]string{
		"sessions: [":                        spec + ":1:11: a [ that is not closed: want a comma or a ]",
		"sessions:\n  - {vni: x}\n":          spec + `:2:11: want a whole number, found "x"`,
		"mtu: 1\nnope: 1\n":                  spec + `:2:1: unknown key "nope"`,
		"mtu: 1\nmtu: 2\n":                   spec + `:2:1: key "mtu" is given twice`,
		"sessions: 5\n":                      spec + ":1:11: want a list, found a number",
		"sessions:\n  - {source: 10.0.0.}\n": spec + `: "10.0.0." is not an IP address`,
	} {
		require.NoError(t, os.WriteFile(spec, []byte(text), 0o600))
		r := runHere(t, "simulate", "--spec", spec, "--out", filepath.Join(t.TempDir(), "out.pcap"), testdata("plain-dns.pcap"))
		assert.Equal(t, exitUsage, r.code, text)
		assert.Contains(t, r.stderr, says)
		oneLine(t, r.stderr)
	}
}
