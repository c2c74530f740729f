package command

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// TestReports runs the commands of each case in testdata/report and testdata/policy: a file whose name begins with "> " is a command, and holds
// what it says. Files named .gz are compressed.
func TestReports(t *testing.T) {
	cases, err := filepath.Glob(testdata("report/*.txtar"))
	require.NoError(t, err)
	policies, err := filepath.Glob(testdata("policy/*.txtar"))
	require.NoError(t, err)
	require.NotEmpty(t, cases)
	require.NotEmpty(t, policies)
	for _, name := range append(cases, policies...) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			name, err := filepath.Abs(name)
			require.NoError(t, err)
			archive, err := txtar.ParseFile(name)
			require.NoError(t, err)
			t.Chdir(unpack(t, archive))
			for i := range archive.Files {
				f := &archive.Files[i]
				command, ok := strings.CutPrefix(f.Name, "> ")
				if !ok {
					continue
				}
				got := transcript(runHere(t, shellWords(command)...))
				if *update {
					f.Data = []byte(got)
					continue
				}
				assert.Equal(t, string(f.Data), got, command)
			}
			if *update {
				require.NoError(t, os.WriteFile(name, txtar.Format(archive), 0o644))
			}
		})
	}
}

// unpack writes the files that are no commands to a folder.
func unpack(t *testing.T, archive *txtar.Archive) string {
	dir := t.TempDir()
	for _, f := range archive.Files {
		if strings.HasPrefix(f.Name, "> ") {
			continue
		}
		name := filepath.Join(dir, f.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		data := f.Data
		if strings.HasSuffix(name, ".gz") {
			data = compressed(t, data)
		}
		require.NoError(t, os.WriteFile(name, data, 0o644))
	}
	return dir
}

func compressed(t *testing.T, data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(data)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

// transcript is what a person would see of a command.
func transcript(r result) string {
	var b strings.Builder
	b.WriteString(r.stdout)
	for line := range strings.Lines(r.stderr) {
		b.WriteString("stderr: " + line)
	}
	if r.code != 0 {
		fmt.Fprintf(&b, "exit status %d\n", r.code)
	}
	return b.String()
}

// TestReportReadersAgree: the records of a capture give the same answer from flow log lines, Parquet and EVE.
func TestReportReadersAgree(t *testing.T) {
	dir := t.TempDir()
	for _, capture := range []string{"mirror-tls.pcap", "mirror-dns.pcap", "mirror-http.pcap", "mirror-misc.pcap", "mirror-both-ends.pcap"} {
		lines, eve, tables := filepath.Join(dir, capture+".log"), filepath.Join(dir, capture+".json"), filepath.Join(dir, capture)
		r := runHere(t, "replay", "--quiet", "--flowlog", lines, "--flowlog-format", "all", "--eve", eve, "--parquet", tables, testdata(capture))
		require.Equal(t, exitOK, r.code, r.stderr)
		for _, report := range [][]string{
			{"top", "--group", "name", "--group", "port"}, {"top", "--group", "address"}, {"top", "--group", "app-proto"}, {"management"},
			{"direct"}, {"initiators"}, {"names"},
		} {
			args := append([]string{"report"}, report...)
			args = append(args, "-n", "0", "-o", "csv", "--quiet")
			want := runHere(t, append(args, lines)...)
			require.Equal(t, exitOK, want.code, want.stderr)
			assert.Equal(t, want.stdout, runHere(t, append(args, tables)...).stdout, "%s %v: Parquet", capture, report)
			if capture != "mirror-misc.pcap" { // a flow there lasts longer than a window, so it has more records
				assert.Equal(t, want.stdout, runHere(t, append(args, eve)...).stdout, "%s %v: EVE", capture, report)
			}
		}
	}
}

// TestReportOfBothEnds: of a connection that is mirrored at both ends the totals are those of one, from every kind of file.
func TestReportOfBothEnds(t *testing.T) {
	dir := t.TempDir()
	lines, eve, tables := filepath.Join(dir, "flow.log"), filepath.Join(dir, "eve.json"), filepath.Join(dir, "tables")
	r := runHere(t, "replay", "--quiet", "--flowlog", lines, "--flowlog-format", "all", "--eve", eve, "--parquet", tables, testdata("mirror-both-ends.pcap"))
	require.Equal(t, exitOK, r.code, r.stderr)
	top := []string{"report", "top", "--group", "app-proto", "-o", "csv", "--quiet"}
	for _, input := range []string{lines, eve, tables} {
		want := runHere(t, append(top, "--where", "vni == 101", input)...)
		require.Equal(t, exitOK, want.code, want.stderr)
		assert.Contains(t, want.stdout, "http")
		assert.Equal(t, want.stdout, runHere(t, append(top, input)...).stdout, input)
		marked := runHere(t, append(top, "--where", `not (paired == "")`, input)...)
		assert.Equal(t, want.stdout, marked.stdout, "%s: every record is marked", input)
	}
}

func TestReportUsage(t *testing.T) {
	for _, args := range [][]string{
		{"top", "--by", "size"}, {"top", "--group", "colour"}, {"top", "--group", "name", "--group", "name"}, {"top", "-o", "yaml"}, {"top", "-n", "-1"},
		{"top", "--from", "yesterday"}, {"top", "--from", "-1"}, {"top", "--memory", "1kB"}, {"top", "--where", "dst_port == 1"}, {"new", "x"}, {"nat", "x"},
		{"top", "--format", "${nonsense}"},
	} {
		r := runHere(t, append([]string{"report"}, args...)...)
		assert.Equal(t, exitUsage, r.code, args)
		oneLine(t, r.stderr)
	}
}

// TestReportOfMissingFiles: where nothing could be read, the error is all that is printed.
func TestReportOfMissingFiles(t *testing.T) {
	for _, args := range [][]string{{"top"}, {"names", "-o", "json"}, {"new", "--since", "missing"}} {
		r := runHere(t, append(append([]string{"report"}, args...), "missing")...)
		assert.Equal(t, exitError, r.code, args)
		assert.Empty(t, r.stdout, args)
		assert.Contains(t, r.stderr, "mirrorsink: missing: no such file or directory\n", args)
		assert.NotContains(t, r.stderr, "no records", args)
	}
}
