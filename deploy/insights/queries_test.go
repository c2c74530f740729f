package insights_test

import (
	"errors"
	"flag"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
	"github.com/mirrorsink/mirrorsink/inspect"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export/eve"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

var update = flag.Bool("update", false, "write testdata/answers.txtar anew")

func readFile(t *testing.T, name string) string {
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

// format is the flow log format that the queries are for.
func format(t *testing.T) *flowlog.Format {
	f, err := flowlog.Parse(readFile(t, "format.txt"))
	require.NoError(t, err)
	return f
}

// flowLines returns the records of testdata as lines.
func flowLines(t *testing.T) (lines []string) {
	f, err := os.Open("../testdata/flows.txt")
	require.NoError(t, err)
	defer f.Close()
	r, err := flowlog.NewReader(f, nil)
	require.NoError(t, err)
	for {
		var rec flowlog.Record
		err := r.Read(&rec)
		if errors.Is(err, io.EOF) {
			return lines
		}
		require.NoError(t, err)
		lines = append(lines, strings.TrimSuffix(string(format(t).AppendText(nil, &rec)), "\n"))
	}
}

// owners is an inventory of one interface, that of the captures.
type owners struct{}

func (owners) Generation() uint64 { return 1 }
func (owners) Owner(netip.Addr, uint32) *event.Owner {
	return &event.Owner{ENI: "eni-0a1b2c3d4e5f60001", Instance: "i-0a1b2c3d4e5f60001", Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.10")}}
}

// eveLines returns the events of a capture as EVE.
type eveLines struct {
	eve   eve.Writer
	lines []string
}

// Events keeps the lines of a batch.
func (l *eveLines) Events(b *event.Batch) {
	for i := range b.Events {
		if eve.Kinds.Has(b.Events[i].Kind) {
			l.lines = append(l.lines, strings.TrimSuffix(string(l.eve.Append(nil, b, &b.Events[i])), "\n"))
		}
	}
	b.Release()
}

func replay(t *testing.T, name string) []string {
	src, err := capture.Open(name)
	require.NoError(t, err)
	defer src.Close()
	var out eveLines
	require.NoError(t, inspect.New(inspect.Config{Memory: inspect.Share(4 << 20), Owners: owners{}}, src, &out).Run())
	return out.lines
}

func queryFiles(t *testing.T) (files []string) {
	all, err := filepath.Glob("*.txt")
	require.NoError(t, err)
	for _, file := range all {
		if file != "format.txt" {
			files = append(files, file)
		}
	}
	return files
}

// TestAnswers runs every query over lines that the program wrote, and compares the answers with reviewed ones.
func TestAnswers(t *testing.T) {
	const golden = "testdata/answers.txtar"
	flows, events := flowLines(t), replay(t, "../../testdata/mirror-tls.pcap")
	var got txtar.Archive
	for _, file := range queryFiles(t) {
		q, err := parseQuery(readFile(t, file))
		require.NoError(t, err, file)
		lines := flows
		if strings.HasPrefix(file, "events-") {
			lines = events
		}
		answer, err := q.run(lines)
		require.NoError(t, err, file)
		assert.NotEmpty(t, answer.rows, "%s has no answer", file)
		got.Files = append(got.Files, txtar.File{Name: strings.TrimSuffix(file, ".txt"), Data: []byte(answer.String())})
	}
	if *update {
		require.NoError(t, os.WriteFile(golden, txtar.Format(&got), 0o600))
	}
	want, err := txtar.ParseFile(golden)
	require.NoError(t, err)
	require.Len(t, got.Files, len(want.Files))
	for i := range want.Files {
		assert.Equal(t, want.Files[i].Name, got.Files[i].Name)
		assert.Equal(t, string(want.Files[i].Data), string(got.Files[i].Data), want.Files[i].Name)
	}
}

var parseCommand = regexp.MustCompile(`(?s)^parse @message "([* ]+)" as (.*?)\n\|`)

// TestQueriesReadTheFormat: all queries over lines name the fields of the format in order, and begin with a question.
func TestQueriesReadTheFormat(t *testing.T) {
	var names string
	for _, file := range queryFiles(t) {
		text := readFile(t, file)
		question, rest, _ := strings.Cut(text, "\n# Edit: ")
		assert.True(t, strings.HasPrefix(question, "# ") && strings.Contains(question, "?"), file)
		if strings.HasPrefix(file, "events-") {
			continue
		}
		_, rest, _ = strings.Cut(rest, "\n")
		m := parseCommand.FindStringSubmatch(rest)
		require.NotNil(t, m, file)
		assert.Len(t, strings.Fields(m[1]), len(format(t).Fields()), file)
		if names == "" {
			names = m[2]
		}
		assert.Equal(t, names, m[2], file)
	}
	assert.Len(t, strings.Split(names, ","), len(format(t).Fields()))
}

// TestFormatBeginsAsTheDefault: the fields that Insights discovers in AWS's default format have the same positions in this one.
func TestFormatBeginsAsTheDefault(t *testing.T) {
	assert.True(t, strings.HasPrefix(format(t).String(), flowlog.Default.String()+" "))
}
