package command

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// asProgram makes the test binary be the program itself, for tests of what only a process has: signals, standard input and
// output, an exit status.
const asProgram = "MIRRORSINK_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		Main()
	}
	debug.SetGCPercent(400) // each command allocates its buffers anew, so collections would take a third of the tests' time
	goleak.VerifyTestMain(m)
}

// program returns the program as a process, to be started.
func program(t *testing.T, args ...string) *exec.Cmd {
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// result is what a command line did.
type result struct {
	code           int
	stdout, stderr string
}

// runHere runs a command line within the test.
func runHere(t *testing.T, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Run(t.Context(), args, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// testdata returns the path of a committed capture.
func testdata(name string) string { return filepath.Join("..", "..", "..", "..", "testdata", name) }

// oneLine checks that the text is one line for people, without a stack trace.
func oneLine(t *testing.T, text string) {
	t.Helper()
	assert.Equal(t, 1, strings.Count(text, "\n"), "%q", text)
	assert.True(t, strings.HasPrefix(text, "mirrorsink: "), "%q", text)
	assert.True(t, strings.HasSuffix(text, "\n"), "%q", text)
}

func TestUsageErrorsAreOneLineAndStatus2(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"repaly"}, `unknown command "repaly"`},
		{[]string{"report", "tpo"}, `unknown command "tpo" for "mirrorsink report"`},
		{[]string{"sessions", "aply"}, `unknown command "aply" for "mirrorsink sessions"`},
		{[]string{"replay"}, "name at least one capture file"},
		{[]string{"replay", "--nope", "x.pcap"}, "unknown flag: --nope"},
		{[]string{"replay", "--decap", "perhaps", "x.pcap"}, "want auto, always or never"},
		{[]string{"replay", "--memory", "12 parsecs", "x.pcap"}, "want a size"},
		{[]string{"replay", "--memory", "1kB", "x.pcap"}, "--memory 1kB: want at least 2MiB: 2MiB for each worker"},
		{[]string{"replay", "--allow-vni", "9-3", "x.pcap"}, "want a VNI"},
		{[]string{"replay", "--allow-source", "10.0.0.0/40", "x.pcap"}, "want an address or a network"},
		{[]string{"listen", "surplus"}, `unexpected argument "surplus"`},
		{[]string{"listen", "--listen", "localhost:4789"}, "want IP:PORT"},
		{[]string{"listen", "--listen", "off"}, "nothing to receive on"},
		{[]string{"listen", "--workers", "0"}, "--workers 0: want at least 1"},
		{[]string{"listen", "--drain", "-1s"}, "--drain -1s: cannot be negative"},
		{[]string{"listen", "--log-level", "loud"}, "want debug, info, warn or error"},
		{[]string{"listen", "--inventory-refresh", "1ms"}, "want 1s at least, or 0"},
		{[]string{"listen", "--inventory-refresh", "-1s"}, "want 1s at least, or 0"},
		{[]string{"version", "-o", "xml"}, "want text or json"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			r := runHere(t, c.args...)
			assert.Equal(t, exitUsage, r.code)
			assert.Empty(t, r.stdout)
			assert.Contains(t, r.stderr, c.says)
			oneLine(t, r.stderr)
		})
	}
}

func TestHelpIsNoError(t *testing.T) {
	for _, args := range [][]string{{}, {"--help"}, {"replay", "--help"}, {"listen", "--help"}, {"report"}, {"sessions"}, {"completion", "bash"}} {
		r := runHere(t, args...)
		assert.Equal(t, exitOK, r.code, args)
		assert.NotEmpty(t, r.stdout, args)
		assert.Empty(t, r.stderr, args)
	}
}

func TestVersion(t *testing.T) {
	r := runHere(t, "version")
	assert.Equal(t, exitOK, r.code)
	assert.Regexp(t, `^mirrorsink \S+.*, go1\S*, \w+/\w+\n$`, r.stdout)

	r = runHere(t, "version", "-o", "json")
	assert.Equal(t, exitOK, r.code)
	assert.Regexp(t, `^\{"version":".+","go":"go1.+\}\n$`, r.stdout)
}

// failingWriter is a terminal that went away.
type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestVersionSaysThatItCouldNotPrint(t *testing.T) {
	var stderr bytes.Buffer
	assert.Equal(t, exitError, Run(context.Background(), []string{"version"}, failingWriter{}, &stderr))
	oneLine(t, stderr.String())
}

var update = flag.Bool("update", false, "rewrite golden files")
