package command

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// anEvent is a line of EVE.
type anEvent map[string]any

// readEvents reads an EVE file. A line that is cut or no JSON fails the test.
func readEvents(t *testing.T, path string) (events []anEvent) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		var e anEvent
		require.NoError(t, json.Unmarshal([]byte(line), &e), "%q", line)
		require.True(t, strings.HasSuffix(line, "\n"), "%q", line)
		events = append(events, e)
	}
	return events
}

// names returns what the events of a type call their flows.
func names(events []anEvent, eventType string) (all []string) {
	for _, e := range events {
		hint, _ := e["hint"].(map[string]any)
		if name, ok := hint["name"].(string); ok && e["event_type"] == eventType {
			all = append(all, name)
		}
	}
	return all
}

func eveFile(t *testing.T) string { return filepath.Join(t.TempDir(), "eve.json") }

func TestReplayNamesFlows(t *testing.T) {
	eve := eveFile(t)
	r := runHere(t, "replay", "--eve", eve, testdata("mirror-http.pcap"))
	assert.Equal(t, exitOK, r.code)
	assert.Empty(t, r.stdout)
	assert.Regexp(t, `(?m)^packets +\d+ in .+ a second$`, r.stderr)
	assert.Regexp(t, `(?m)^  ok +\d+$`, r.stderr)
	assert.Regexp(t, `(?m)^events +\d+ produced, \d+ written, 0 dropped$`, r.stderr)

	events := readEvents(t, eve)
	assert.NotEmpty(t, names(events, "http"))
	assert.NotEmpty(t, names(events, "flow"))
	for _, e := range events {
		assert.Contains(t, e["mirror"], "vni")
	}
}

func TestReplayGivesTheSameBytesAgain(t *testing.T) {
	var runs [2][]byte
	for i := range runs {
		eve := eveFile(t)
		r := runHere(t, "replay", "--workers=1", "--eve", eve, testdata("mirror-misc.pcap"), testdata("plain-tls.pcap"))
		require.Equal(t, exitOK, r.code)
		text, err := os.ReadFile(eve)
		require.NoError(t, err)
		runs[i] = text
	}
	assert.NotEmpty(t, runs[0])
	assert.Equal(t, string(runs[0]), string(runs[1]))
}

// sortedLines returns the lines of a file in an order that does not depend on that of the file.
func sortedLines(t *testing.T, path string) []string {
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return slices.Sorted(strings.Lines(string(text)))
}

func TestReplayTellsTheSameWithAnyNumberOfWorkers(t *testing.T) {
	files := []string{
		testdata("mirror-dns.pcap"), testdata("mirror-tls.pcap"), testdata("mirror-misc.pcap"), testdata("plain-http.pcap"),
		testdata("mirror-both-ends.pcap"), testdata("mirror-overlap.pcap"), testdata("format-ethernet.pcap.gz"),
	}
	var want [2][]string
	for _, workers := range []string{"1", "2", "3", "8"} {
		eve, records := eveFile(t), filepath.Join(t.TempDir(), "flows.log")
		args := []string{
			"replay", "--workers=" + workers, "--eve", eve, "--flowlog", records, "--flowlog-format",
			"${srcaddr} ${dstaddr} ${srcport} ${dstport} ${packets} ${bytes} ${start} ${end} ${tcp-flags} ${x-name} ${x-paired}",
		}
		require.Equal(t, exitOK, runHere(t, append(args, files...)...).code)
		got := [2][]string{sortedLines(t, eve), sortedLines(t, records)}
		if workers == "1" {
			want = got
			require.NotEmpty(t, want[0])
			require.NotEmpty(t, want[1])
		}
		require.Equal(t, want, got, "%s workers", workers)
	}
}

func TestReplayRefusesNumbersOfWorkers(t *testing.T) {
	for flag, says := range map[string]string{
		"--workers=0": "want 1 to 64", "--workers=65": "want 1 to 64", "--workers=-1": "want 1 to 64",
	} {
		r := runHere(t, "replay", flag, testdata("plain-dns.pcap"))
		assert.Equal(t, exitUsage, r.code)
		assert.Contains(t, r.stderr, says)
	}
}

func TestReplayWritesToAllOutputs(t *testing.T) {
	a, b := eveFile(t), eveFile(t)
	require.Equal(t, exitOK, runHere(t, "replay", "--eve", a, "--eve", b, testdata("plain-dns.pcap")).code)
	assert.NotEmpty(t, readEvents(t, a))
	assert.Equal(t, readEvents(t, a), readEvents(t, b))
}

func TestReplayRefusesWhatIsNotAllowed(t *testing.T) {
	for flag, want := range map[string]string{
		"--allow-vni=5-100": "vni_refused", "--allow-source=192.0.2.0/24": "source_refused",
	} {
		eve := eveFile(t)
		r := runHere(t, "replay", flag, "--eve", eve, testdata("mirror-dns.pcap"))
		assert.Equal(t, exitOK, r.code)
		assert.Regexp(t, `(?m)^  `+want+` +\d+$`, r.stderr)
		assert.Empty(t, readEvents(t, eve))
	}
}

func TestReplayTakesFramesAsItIsTold(t *testing.T) {
	mirror, plain := testdata("mirror-dns.pcap"), testdata("plain-dns.pcap")
	for _, c := range []struct{ when, file, says string }{
		{"auto", mirror, "  ok "}, {"auto", plain, "  ok "}, {"always", plain, "  not_encapsulated "}, {"always", mirror, "  ok "},
	} {
		r := runHere(t, "replay", "--decap", c.when, "--eve", os.DevNull, c.file)
		assert.Contains(t, r.stderr, c.says, "%v", c)
	}
	eve := eveFile(t)
	runHere(t, "replay", "--quiet", "--decap", "never", "--eve", eve, mirror)
	for _, e := range readEvents(t, eve) {
		assert.NotContains(t, e, "mirror")
	}
}

// damaged are files that replay must refuse, each with one line, and say of them what is wrong.
func damaged(t *testing.T) map[string]string {
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		return path
	}
	zeros := write("zeros.pcap", nil)
	require.NoError(t, os.Truncate(zeros, 4<<30)) // sparse
	return map[string]string{
		write("empty.pcap", nil):                                  "empty file",
		write("text.pcap", []byte("These are not packets.\n")):    "not a capture file",
		write("header.pcap.gz", []byte{0x1f, 0x8b}):               "truncated",
		write("short.pcap", []byte{0xd4, 0xc3, 0xb2, 0xa1, 2, 0}): "truncated",
		write("radiotap.pcap", fileHeader(127)):                   "link type 127 is not supported; supported are Ethernet (1), ",
		zeros:                                                     "not a capture file",
		filepath.Join(dir, "missing.pcap"):                        "no such file",
		dir:                                                       "is a directory",
	}
}

// fileHeader returns a capture without frames.
func fileHeader(linkType byte) []byte {
	return []byte{0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 23: 0, 20: linkType}
}

// TestReplayOfAWrongTime gives single frames of a capture impossible times. The flows end as they do without.
func TestReplayOfAWrongTime(t *testing.T) {
	const header, frame, count = 24, 16, 8
	text, err := os.ReadFile(testdata("plain-tls.pcap"))
	require.NoError(t, err)
	lines := func(workers string, content []byte) (all []string) {
		path, eve := filepath.Join(t.TempDir(), "times.pcap"), eveFile(t)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		require.Equal(t, exitOK, runHere(t, "replay", "--quiet", "--workers="+workers, "--eve", eve, path).code)
		for _, e := range readEvents(t, eve) {
			name, reason := any(nil), any(nil)
			if hint, ok := e["hint"].(map[string]any); ok {
				name = hint["name"]
			}
			if f, ok := e["flow"].(map[string]any); ok {
				reason = f["reason"]
			}
			all = append(all, fmt.Sprint(e["event_type"], e["src_port"], e["dest_port"], name, reason))
		}
		slices.Sort(all)
		return all
	}
	want := lines("1", text)
	require.NotEmpty(t, want)
	odd, at := slices.Clone(text), header
	for i := range count {
		if i%4 == 2 { // not the first, and not in a row
			binary.LittleEndian.PutUint32(odd[at:], []uint32{0xfff00000, 0}[i/4])
		}
		at += frame + int(binary.LittleEndian.Uint32(odd[at+8:]))
	}
	require.NotEqual(t, text, odd)
	for _, workers := range []string{"1", "2"} {
		assert.Equal(t, want, lines(workers, odd), "%s workers", workers)
	}
}

func TestReplayOfWhatIsNoCapture(t *testing.T) {
	for path, says := range damaged(t) {
		r := runHere(t, "replay", "--quiet", "--eve", os.DevNull, path)
		assert.Equal(t, exitError, r.code, path)
		assert.Contains(t, r.stderr, path)
		assert.Contains(t, r.stderr, says)
		oneLine(t, r.stderr)
	}
}

func TestReplayGoesOnAfterAFileThatCannotBeRead(t *testing.T) {
	want, eve := eveFile(t), eveFile(t)
	require.Equal(t, exitOK, runHere(t, "replay", "--eve", want, testdata("plain-dns.pcap")).code)
	r := runHere(t, "replay", "--quiet", "--eve", eve, "/nonexistent/a.pcap", testdata("plain-dns.pcap"))
	assert.Equal(t, exitError, r.code)
	oneLine(t, r.stderr)
	assert.Equal(t, readEvents(t, want), readEvents(t, eve))
}

// Nothing that was read before the damage may be lost.
func TestReplayOfACutCapture(t *testing.T) {
	text, err := os.ReadFile(testdata("plain-http.pcap"))
	require.NoError(t, err)
	cut := filepath.Join(t.TempDir(), "cut.pcap")
	require.NoError(t, os.WriteFile(cut, text[:len(text)-7], 0o600))
	eve := eveFile(t)
	r := runHere(t, "replay", "--eve", eve, cut)
	assert.Equal(t, exitError, r.code)
	lines := strings.SplitAfter(strings.TrimSuffix(r.stderr, "\n"), "\n")
	last := lines[len(lines)-1] + "\n"
	oneLine(t, last)
	assert.Regexp(t, `cut\.pcap: byte \d+: .*truncated`, last)
	assert.NotEmpty(t, names(readEvents(t, eve), "http"))
	assert.NotEmpty(t, names(readEvents(t, eve), "flow"))
}

func TestReplayWithAnOutputThatFails(t *testing.T) {
	full := "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip("this system has no ", full)
	}
	for path, says := range map[string]string{full: "no space left on device", "/nonexistent/eve.json": "no such file"} {
		r := runHere(t, "replay", "--quiet", "--eve", path, testdata("plain-dns.pcap"))
		assert.Equal(t, exitError, r.code)
		assert.Contains(t, r.stderr, path)
		assert.Contains(t, r.stderr, says)
		oneLine(t, r.stderr)
	}
}

func TestReplayFromStandardInputToStandardOutput(t *testing.T) {
	capture, err := os.Open(testdata("format-ethernet.pcap.gz"))
	require.NoError(t, err)
	defer capture.Close()
	cmd := program(t, "replay", "-")
	cmd.Stdin = io.MultiReader(capture) // not a file: it comes through a pipe
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run(), stderr.String())
	assert.Contains(t, stdout.String(), `"event_type":"http"`)
	assert.NotContains(t, stderr.String(), "event_type")
}

// As in `mirrorsink replay ... | head`.
func TestReplayIntoAPipeWithoutReader(t *testing.T) {
	cmd := program(t, "replay", "--quiet", testdata("plain-dns.pcap"))
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, stdout.Close())
	require.NoError(t, cmd.Start())
	assert.Error(t, cmd.Wait())
	assert.Equal(t, exitError, cmd.ProcessState.ExitCode())
	assert.Contains(t, stderr.String(), "broken pipe")
	oneLine(t, stderr.String())
}

func TestReplayWritesWhatWasReadWhenItIsInterrupted(t *testing.T) {
	capture, err := os.ReadFile(testdata("plain-http.pcap"))
	require.NoError(t, err)
	eve := eveFile(t)
	cmd := program(t, "replay", "--quiet", "--eve", eve, "-")
	stdin, err := cmd.StdinPipe() // it stays open
	require.NoError(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	_, err = stdin.Write(capture)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(eve)
		return err == nil && bytes.Count(text, []byte(`"event_type":"http"`)) > 0
	}, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	assert.Error(t, cmd.Wait())
	assert.Equal(t, exitError, cmd.ProcessState.ExitCode())
	assert.Contains(t, stderr.String(), "interrupted")
	oneLine(t, stderr.String())
	assert.NotEmpty(t, names(readEvents(t, eve), "flow"))
}
