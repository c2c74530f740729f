package command

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cloudwatch is a CloudWatch Logs that takes everything, once its groups are made.
type cloudwatch struct {
	mu     sync.Mutex // guards the following
	groups map[string]bool
	lines  map[string][]string // by group
}

func newCloudwatch(t *testing.T) *cloudwatch {
	c := &cloudwatch{groups: map[string]bool{}, lines: map[string][]string{}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": server.URL, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
		"AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	return c
}

func (c *cloudwatch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var in struct {
		LogGroupName string
		LogEvents    []struct{ Message string }
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	switch action := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "Logs_20140328."); {
	case action == "CreateLogGroup":
		c.groups[in.LogGroupName] = true
	case !c.groups[in.LogGroupName]:
		w.WriteHeader(400)
		_, _ = w.Write([]byte(`{"__type":"ResourceNotFoundException","message":"The specified log group does not exist."}`))
		return
	case action == "PutLogEvents":
		for _, e := range in.LogEvents {
			c.lines[in.LogGroupName] = append(c.lines[in.LogGroupName], e.Message)
		}
	}
	_, _ = w.Write([]byte("{}"))
}

// What goes to CloudWatch Logs are the lines that a file has.
func TestCloudWatchHasTheLinesOfTheFile(t *testing.T) {
	server := newCloudwatch(t)
	dir := t.TempDir()
	flowlog, eve := filepath.Join(dir, "flowlog"), filepath.Join(dir, "eve")
	r := runHere(t, "replay", "--flowlog", flowlog, "--eve", eve, "--cloudwatch-flowlog", "/flows", "--cloudwatch-eve", "/eve",
		"--cloudwatch-create", "--spool", filepath.Join(dir, "spool"), testdata("mirror-http.pcap"))
	require.Zero(t, r.code, r.stderr)
	_, lines, _ := strings.Cut(readFile(t, flowlog), "\n") // a file has a header
	assert.ElementsMatch(t, linesOf(lines), server.lines["/flows"])
	assert.ElementsMatch(t, linesOf(readFile(t, eve)), server.lines["/eve"])
	assert.NotEmpty(t, server.lines["/flows"])
	assert.NotEmpty(t, server.lines["/eve"])
	assert.Contains(t, r.stderr, "to cloudwatch")
}

// What cannot be delivered is an error in one line, stays in the spool, and goes with the next run.
func TestWhatIsNotDeliveredGoesWithTheNextRun(t *testing.T) {
	server := newCloudwatch(t)
	spool := filepath.Join(t.TempDir(), "spool")
	args := []string{"replay", "--quiet", "--cloudwatch-eve", "/eve", "--spool", spool, testdata("mirror-http.pcap")}
	r := runHere(t, args...)
	assert.Equal(t, 1, r.code)
	oneLine(t, r.stderr)
	assert.Regexp(t, `write events: log group /eve: CreateLogStream: ResourceNotFoundException: .*: 1 files stay in .* for the next start\n$`, r.stderr)
	server.mu.Lock()
	server.groups["/eve"] = true
	server.mu.Unlock()
	r = runHere(t, args...)
	require.Zero(t, r.code, r.stderr)
	assert.Len(t, server.lines["/eve"], 2*len(unique(server.lines["/eve"])), "the lines of two runs")
	left, err := filepath.Glob(spool + "/*/*/*.log")
	require.NoError(t, err)
	assert.Empty(t, left)
}

func unique(lines []string) map[string]bool {
	found := map[string]bool{}
	for _, line := range lines {
		found[line] = true
	}
	return found
}

func linesOf(text string) (lines []string) {
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	return lines
}

func readFile(t *testing.T, path string) string {
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func TestCloudWatchFlags(t *testing.T) {
	for _, args := range [][]string{
		{"--cloudwatch-eve", "a group"}, {"--cloudwatch-flowlog", "x:y"}, {"--spool", ""}, {"--spool-size", "1kB"},
	} {
		r := runHere(t, append([]string{"replay", "x.pcap"}, args...)...)
		assert.Equal(t, 2, r.code, args)
		oneLine(t, r.stderr)
		assert.Contains(t, r.stderr, args[0])
	}
}
