package parquet_test

import (
	"bytes"
	"cmp"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/export/eventtest"
	"github.com/mirrorsink/mirrorsink/inspect/export/parquet"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// TestParquetOfManyRows: records are read as they were written across pages and row groups, with values that repeat and values that
// do not, and columns that are partly null.
func TestParquetOfManyRows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n, step := testform.Pick(17_000, 24_000), testform.Pick(200, 10) // more rows than a page has; comparing whole rows takes long
	records := eventtest.BusyRecords(n)
	for i := range records {
		r := &records[i]
		r.Start, r.Bytes = 1_790_000_100+int64(i*7919%299), uint64(i)
		if i%3 == 0 {
			r.Name, r.CommunityID, r.Mirrored, r.Completeness = "", "", false, math.NaN()
		}
		r.InitiatorReason = fmt.Sprint(r.InitiatorReason, i) // unique
	}
	table := writeFlows(t, config(dir, func(c *parquet.Config) { c.Memory = 16 << 20 }), records)
	assert.Equal(t, uint64(len(records)), table.written)
	for _, key := range finished(t, dir) {
		_, file := readParquet(t, filepath.Join(dir, key))
		for _, g := range file.RowGroups() {
			n := int(g.NumRows())
			want := slices.Clone(records[:n])
			records = records[n:]
			slices.SortStableFunc(want, func(a, b flowlog.Record) int { return cmp.Compare(a.Start, b.Start) })
			for i, row := range readGroup(t, g) {
				if row["start"] != want[i].Start || row["bytes"] != int64(want[i].Bytes) || i%step == 0 {
					require.Equal(t, wantRow(&want[i]), row)
				}
			}
		}
	}
	assert.Empty(t, records)
}

// TestParquetPaths: files have the folders and names of VPC Flow Logs with Hive partitions.
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
func TestParquetPaths(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(text string) int64 {
		when, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return when.Unix()
	}
	writeFlows(t, config(dir, func(c *parquet.Config) { c.ID = "fl-0123456789abcdef0" }), []flowlog.Record{
		{AccountID: "111122223333", Region: "eu-west-1", Start: at("2026-01-02T03:04:05Z")},
		{AccountID: "111122223333", Region: "eu-west-1", Start: at("2026-01-02T02:59:59Z")},
		{Region: "../../etc", AccountID: "a/b_c=d", Start: at("2026-01-02T03:04:06Z")},
		{Start: at("1969-12-31T23:59:59Z")},
	})
	hash := regexp.MustCompile(`_[0-9a-f]{16}\.log\.parquet$`)
	var got []string
	for _, key := range finished(t, dir) {
		require.Regexp(t, hash, key)
		got = append(got, hash.ReplaceAllString(key, "_HASH.log.parquet"))
	}
	assert.ElementsMatch(t, []string{
		"AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/aws-region=eu-west-1/year=2026/month=01/day=02/hour=03/" +
			"111122223333_vpcflowlogs_eu-west-1_fl-0123456789abcdef0_20260102T0300Z_HASH.log.parquet",
		"AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/aws-region=eu-west-1/year=2026/month=01/day=02/hour=02/" +
			"111122223333_vpcflowlogs_eu-west-1_fl-0123456789abcdef0_20260102T0300Z_HASH.log.parquet",
		"AWSLogs/aws-account-id=a-b-c-d/aws-service=vpcflowlogs/aws-region=------etc/year=2026/month=01/day=02/hour=03/" +
			"a-b-c-d_vpcflowlogs_------etc_fl-0123456789abcdef0_20260102T0300Z_HASH.log.parquet",
		"AWSLogs/aws-account-id=unknown/aws-service=vpcflowlogs/aws-region=unknown/year=1969/month=12/day=31/hour=23/" +
			"unknown_vpcflowlogs_unknown_fl-0123456789abcdef0_20260102T0300Z_HASH.log.parquet",
	}, got)
}

// TestParquetNamesAreOfTheRows: the same rows give files of the same names and contents, however they are divided among batches.
// Other rows give other names.
func TestParquetNamesAreOfTheRows(t *testing.T) {
	t.Parallel()
	records := eventtest.BusyRecords(testform.Pick(3_000, 8_000))
	files := func(batch int, records []flowlog.Record) map[string]string {
		dir := t.TempDir()
		p := openFlows(t, config(dir, func(c *parquet.Config) { c.MaxBytes = 64 << 10 }))
		for chunk := range slices.Chunk(records, batch) {
			p.write(chunk)
		}
		require.NoError(t, p.close())
		all := map[string]string{}
		for _, key := range finished(t, dir) {
			data, err := os.ReadFile(filepath.Join(dir, key))
			require.NoError(t, err)
			all[key] = string(data)
		}
		return all
	}
	once := files(1024, records)
	require.Greater(t, len(once), 3)
	assert.Equal(t, once, files(7, records))
	records[0].Bytes++
	other := files(1024, records)
	differ := 0
	for key := range other {
		if _, ok := once[key]; !ok {
			differ++
		}
	}
	assert.Positive(t, differ)
}

// TestParquetRotatesByTheRecords: for a capture, files are finished at the end of a rotation period of the records' times. Late
// records are written to the next file.
func TestParquetRotatesByTheRecords(t *testing.T) {
	t.Parallel()
	const noon = 1_790_006_400
	dir := t.TempDir()
	p := openFlows(t, config(dir))
	record := func(at int64) flowlog.Record {
		return flowlog.Record{AccountID: "111122223333", Region: "eu-west-1", Start: noon + at}
	}
	p.write([]flowlog.Record{record(0), record(299)})
	assert.Empty(t, p.files())
	p.write([]flowlog.Record{record(300), record(10)})
	require.Len(t, p.files(), 1)
	p.write([]flowlog.Record{record(599), record(600)})
	require.Len(t, p.files(), 2)
	require.NoError(t, p.close())
	require.Len(t, p.files(), 3)
	for i, want := range [][]int64{{0, 299}, {10, 300, 599}, {600}} {
		rows, _ := readParquet(t, p.files()[i].Path)
		for j := range want {
			want[j] += noon
		}
		assert.Equal(t, want, column(rows, "start"))
		assert.Equal(t, len(want), p.files()[i].Rows)
		assert.Equal(t, filepath.Join(dir, filepath.FromSlash(p.files()[i].Key)), p.files()[i].Path)
		info, err := os.Stat(p.files()[i].Path)
		require.NoError(t, err)
		assert.Equal(t, info.Size(), p.files()[i].Bytes)
		assert.Contains(t, path.Base(p.files()[i].Key), time.Unix(noon+int64(i)*300, 0).UTC().Format("_20060102T1504Z_"))
	}
}

// TestParquetRotatesByTheClock: in live operation the clock rotates the files, also without new records. Records with earlier times, as
// after a clock was set back, are written too.
func TestParquetRotatesByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openFlows(t, config(t.TempDir(), func(c *parquet.Config) { c.Live = true }))
		p.write([]flowlog.Record{{Start: time.Now().Unix()}, {Start: time.Now().Unix() - 500}})
		time.Sleep(299 * time.Second)
		synctest.Wait()
		assert.Empty(t, p.files())
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Len(t, p.files(), 2) // the second record is of the hour before
		p.write([]flowlog.Record{{Start: time.Now().Unix() - 86400}})
		require.NoError(t, p.close())
		assert.Len(t, p.files(), 3)
	})
}

// TestParquetRotatesBySize: files stay below the size.
func TestParquetRotatesBySize(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	records := eventtest.BusyRecords(testform.Pick(8_000, 20_000))
	for i := range records {
		records[i].Start = 1_790_000_100
	}
	table := writeFlows(t, config(dir, func(c *parquet.Config) { c.MaxBytes = 300 << 10 }), records)
	require.Greater(t, len(table.files()), 1)
	assert.Equal(t, uint64(len(records)), table.written)
	keys := finished(t, dir)
	assert.Len(t, keys, len(table.files()))
	for _, key := range keys {
		info, err := os.Stat(filepath.Join(dir, key))
		require.NoError(t, err)
		assert.LessOrEqual(t, info.Size(), int64(300<<10))
	}
}

// TestParquetAfterACrash: a killed program leaves no readable partial file. The next start removes unfinished files, logs that, and
// keeps finished ones.
func TestParquetAfterACrash(t *testing.T) {
	if dir := os.Getenv("PARQUET_CRASH_IN"); dir != "" {
		p := openFlows(t, config(dir, func(c *parquet.Config) { c.Memory = parquet.MinMemory }))
		p.write(eventtest.BusyRecords(testform.Pick(12_000, 25_000)))
		require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGKILL))
		select {}
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "PARQUET_CRASH_IN="+dir)
	require.ErrorContains(t, cmd.Run(), "killed")
	keys := finished(t, dir)
	require.NotEmpty(t, keys)
	for _, key := range keys {
		rows, _ := readParquet(t, filepath.Join(dir, key))
		assert.NotEmpty(t, rows)
	}
	require.NotEmpty(t, unfinished(t, dir))

	var log bytes.Buffer
	p := openFlows(t, config(dir, func(c *parquet.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) }))
	assert.Empty(t, unfinished(t, dir))
	assert.Equal(t, 1, strings.Count(log.String(), "removed files that were not finished"))
	assert.Equal(t, keys, finished(t, dir))
	require.NoError(t, p.close())
}

// TestParquetSharesAFolder: a program that starts while another one writes into the same folder does not remove the other's files.
func TestParquetSharesAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := openFlows(t, config(dir, func(c *parquet.Config) { c.Memory = parquet.MinMemory }))
	records := eventtest.BusyRecords(10_000)
	for i := range records {
		records[i].Start = 1_790_000_100
	}
	first.write(records)
	require.NotEmpty(t, unfinished(t, dir))
	second := openFlows(t, config(dir))
	require.NoError(t, second.close())
	require.NoError(t, first.close())
	assert.Equal(t, uint64(len(records)), first.written)
}

// TestParquetOnAFullDisk: the error is logged once, whole row groups are kept, and lost records are counted. Writing succeeds when there
// is room again.
func TestParquetOnAFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Skipf("needs root, to mount a small file system: %v", err)
	}
	defer syscall.Unmount(dir, 0)
	var log bytes.Buffer
	p := openFlows(t, config(dir, func(c *parquet.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) }))
	records := eventtest.BusyRecords(30_000)
	p.write(records)
	assert.ErrorContains(t, p.close(), "no space left on device")
	assert.Equal(t, uint64(len(records)), p.written+p.lost)
	assert.Positive(t, p.written)
	assert.Positive(t, p.lost)
	assert.Equal(t, 1, strings.Count(log.String(), "level=ERROR"))
	assert.Empty(t, unfinished(t, dir))
	rows := 0
	for _, key := range finished(t, dir) {
		some, _ := readParquet(t, filepath.Join(dir, key))
		rows += len(some)
	}
	assert.Equal(t, int(p.written), rows)

	require.NoError(t, os.RemoveAll(filepath.Join(dir, "AWSLogs")))
	again := writeFlows(t, config(dir), records[:5000])
	assert.Equal(t, uint64(5000), again.written)
}

// TestParquetFolderErrors: errors of the folder and of the configuration are reported when the writer is opened.
func TestParquetFolderErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	_, err := parquet.NewFlowWriter(config(filepath.Join(dir, "file")))
	assert.EqualError(t, err, "parquet output "+filepath.Join(dir, "file")+": not a directory")
	for _, c := range []struct {
		change func(*parquet.Config)
		want   string
	}{
		{func(c *parquet.Config) { c.Dir = "" }, "parquet output : no folder given"},
		{func(c *parquet.Config) { c.Rotate = time.Second / 2 }, "parquet output DIR: cannot rotate every 500ms: give whole seconds, as 5m"},
		{func(c *parquet.Config) { c.MaxBytes = 1 }, "parquet output DIR: files of 1 bytes are too small: give at least 65536"},
		{func(c *parquet.Config) { c.Memory = 1 }, "parquet output DIR: 1 bytes of memory are too few: give at least 1048576"},
	} {
		_, err := parquet.NewFlowWriter(config(dir, c.change))
		assert.EqualError(t, err, strings.ReplaceAll(c.want, "DIR", dir))
	}
}

// TestParquetInAReadOnlyFolder: a read-only folder is an error when the writer is opened.
func TestParquetInAReadOnlyFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_RDONLY, "size=1m"); err != nil {
		require.NoError(t, os.Chmod(dir, 0o500))
		if f, err := os.Create(filepath.Join(dir, "x")); err == nil {
			f.Close()
			t.Skip("this user may write everywhere, and may not mount")
		}
	} else {
		defer syscall.Unmount(dir, 0)
	}
	_, err := parquet.NewFlowWriter(config(dir))
	require.Error(t, err)
	assert.Contains(t, err.Error(), "parquet output "+dir+": ")
	assert.NotContains(t, err.Error(), "\n")
}

// TestParquetGoesOnAfterAFailure: while folders cannot be created, records are lost and counted, and the error is logged once. Writing
// succeeds when they can be created again.
func TestParquetGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var log bytes.Buffer
	p := openFlows(t, config(dir, func(c *parquet.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) }))
	at := func(i int64) []flowlog.Record { return []flowlog.Record{{Start: 1_790_000_100 + 300*i}} }
	require.NoError(t, os.WriteFile(filepath.Join(dir, "AWSLogs"), nil, 0o600))
	for i := range int64(5) {
		p.write(at(i))
	}
	assert.Equal(t, uint64(4), p.lost)
	assert.Zero(t, p.written)
	assert.Empty(t, p.files())
	assert.Equal(t, 1, strings.Count(log.String(), "level=ERROR"))
	assert.Empty(t, unfinished(t, dir))
	require.NoError(t, os.Remove(filepath.Join(dir, "AWSLogs")))
	p.write(at(5))
	assert.Contains(t, log.String(), "parquet output works again")
	assert.Error(t, p.close())
	assert.Equal(t, uint64(4), p.lost)
	assert.Equal(t, uint64(2), p.written)
}
