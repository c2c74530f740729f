package report_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/report"
	"github.com/mirrorsink/mirrorsink/inspect/report/inputtest"
	"github.com/mirrorsink/mirrorsink/inspect/where"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// manyRecords returns n records of one byte each.
func manyRecords(n int) []flowlog.Record {
	all := make([]flowlog.Record, n)
	for i := range all {
		all[i] = flowlog.Record{Bytes: 1, Packets: 1, LogStatus: flowlog.OK, Start: int64(i), End: int64(i), Completeness: math.NaN()}
	}
	return all
}

// TestProgressGrows: progress is reported while files are read, never decreases, and does not exceed the total.
func TestProgressGrows(t *testing.T) {
	all := manyRecords(testform.Pick(25_000, 50_000))
	for format, data := range map[string][]byte{"lines": inputtest.Lines(all), "parquet": inputtest.Parquet(t, all), "gzip": inputtest.Gzip(t, inputtest.Lines(all))} {
		var last report.Progress
		calls := 0
		cfg := report.Config{Files: []string{inputtest.File(t, t.TempDir(), data)}, Memory: 1 << 20, Progress: func(p report.Progress) {
			assert.GreaterOrEqual(t, p.Done, last.Done, format)
			assert.Greater(t, p.Records, last.Records, format)
			assert.LessOrEqual(t, p.Done, p.Total, format)
			assert.Equal(t, int64(len(data)), p.Total, format)
			last = p
			calls++
		}}
		_, err := report.Run(t.Context(), cfg, top(t, "bytes", 0, "name"))
		require.NoError(t, err)
		assert.Greater(t, calls, 2, format)
	}
}

// TestCancel: a cancelled report has the answer of what was read before, and an error.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	name := inputtest.File(t, t.TempDir(), inputtest.Lines(manyRecords(30_000)))
	cfg := report.Config{Files: []string{name, name}, Memory: 1 << 20, Progress: func(report.Progress) { cancel() }}
	a, err := report.Run(ctx, cfg, top(t, "bytes", 0, "name"))
	require.EqualError(t, err, "interrupted: the answer covers the records read so far")
	assert.Less(t, a.Records, uint64(30_000))
	assert.Equal(t, int64(a.Records), a.Table.Total[3].Num)
}

// TestInvalidExpression: a malformed filter gives an error of package where and no answer, before a file is read.
func TestInvalidExpression(t *testing.T) {
	a, err := report.Run(t.Context(), report.Config{Files: []string{"missing.log"}, Where: "bytes >", Memory: 1 << 20}, report.Names(0))
	assert.Nil(t, a)
	var e *where.Error
	require.ErrorAs(t, err, &e)
	assert.NotContains(t, err.Error(), "missing.log")
}

// TestFailuresAreNamed: each file that cannot be read has one line of the error, and the others are counted.
func TestFailuresAreNamed(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
		return name
	}
	good := write("good.log", "bytes packets x-name\n5 1 a\n")
	files := []string{
		filepath.Join(dir, "missing.log"), write("one.log", "bytes packets x-name\nx 1 a\n7 1 a\n"), write("two.log", "bytes packets x-name\nx 1 a\ny 1 a\n"),
		write("text.txt", "Lorem ipsum dolor\n"), write("binary", "\x00\x01\x02"), write("short.gz", "\x1f\x8b\x08"), good,
	}
	a, err := report.Run(t.Context(), report.Config{Files: files, Memory: 1 << 20}, top(t, "bytes", 0, "name"))
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 6)
	for i, want := range []string{
		"no such file or directory", `one.log: line 2: bytes "x": want a number; the other lines are counted`,
		`two.log: line 2: bytes "x": want a number; 2 lines are malformed in all; the others are counted`,
		"text.txt: neither Parquet of flow logs, nor flow log lines, nor EVE; for flow log lines without a header, give their --format",
		"binary: neither Parquet of flow logs, nor flow log lines, nor EVE", "short.gz: gzip: ",
	} {
		assert.Contains(t, lines[i], want)
	}
	assert.Equal(t, int64(12), a.Table.Total[3].Num)
}

// TestNotes: notes count lost windows, files of folders without records, and records seen at both ends.
func TestNotes(t *testing.T) {
	dir := t.TempDir()
	c := clientRecord(1, false)
	lost := flowlog.Record{LogStatus: flowlog.SkipData, InterfaceID: "eni-client", Start: c.Start, End: c.End, Completeness: math.NaN()}
	inputtest.File(t, dir, inputtest.Lines([]flowlog.Record{c, atServer(c), lost, lost}))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.bin"), []byte{0, 1, 2}, 0o644))
	a := run(t, top(t, "bytes", 0, "name"), 1<<20, dir)
	assert.Equal(t, []string{
		"2 windows lost copies (SKIPDATA): the traffic of that time is incomplete", "1 file without flow records in the folders: skipped",
		"1 record seen at both ends: counted once",
	}, a.Table.Notes)
	empty := inputtest.File(t, t.TempDir(), inputtest.Lines(nil))
	assert.Equal(t, []string{"no records were found"}, run(t, report.Names(0), 1<<20, empty).Table.Notes)
}

// TestLackingFields: a note names the fields that files do not have, so that zero is not taken for a sum.
func TestLackingFields(t *testing.T) {
	dir := t.TempDir()
	short := inputtest.File(t, dir, []byte("srcaddr dstaddr packets start end\n10.0.0.1 10.0.0.2 2 1764057600 1764057610\n"))
	whole := inputtest.File(t, dir, inputtest.Lines(manyRecords(1)))
	const missing = "the records do not have bytes, dstport, protocol, srcport: what depends on it is not known"
	require.Equal(t, []string{missing}, run(t, top(t, "bytes", 0, "name"), 1<<20, short).Table.Notes)
	require.Equal(t, []string{"some files do not have bytes (1 of 2), dstport (1 of 2), protocol (1 of 2), srcport (1 of 2): what depends on it is incomplete"},
		run(t, top(t, "bytes", 0, "name"), 1<<20, short, whole).Table.Notes)
}

// TestDedupNotesItsBound: if the memory is too small to find all duplicates, and some were found, a note counts the records that
// may count twice.
func TestDedupNotesItsBound(t *testing.T) {
	const n = 2000
	var all []flowlog.Record
	for i := range n {
		all = append(all, clientRecord(i, false))
	}
	for i := range n {
		all = append(all, atServer(all[i]))
	}
	all = append(all, clientRecord(n, false), atServer(clientRecord(n, false)))
	name := inputtest.File(t, t.TempDir(), inputtest.Lines(all))
	whole := run(t, top(t, "bytes", 0, "port"), 16<<20, name)
	assert.Equal(t, int64(n+1), whole.Table.Total[1].Num)
	assert.Equal(t, []string{fmt.Sprintf("%d records seen at both ends: counted once", n+1)}, whole.Table.Notes)
	bounded := run(t, top(t, "bytes", 0, "port"), 1<<20, name)
	assert.Greater(t, bounded.Table.Total[1].Num, int64(n+1))
	assert.Contains(t, strings.Join(bounded.Table.Notes, "\n"), "may be seen at both ends and counted twice: --memory is too small to compare them")
}
