package aws_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/export/aws"
	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
)

// logBuffer is a log that tests read.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *logBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

func uploadTo(dir string) aws.UploadConfig {
	return aws.UploadConfig{
		Bucket: "records", Prefix: "flows", Dir: dir, Bytes: 1 << 30, PartSize: part, Log: slog.New(slog.DiscardHandler),
		Records: func(path string) int {
			text, _ := os.ReadFile(path)
			return bytes.Count(text, []byte{'\n'})
		},
	}
}

// finish creates a file of numbered records, and renames it as a writer of files does.
func finish(t require.TestingT, dir, key string, first, records int) (path string) {
	var text strings.Builder
	for i := range records {
		fmt.Fprintf(&text, "record %08d\n", first+i)
	}
	path = filepath.Join(dir, filepath.FromSlash(key))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	require.NoError(t, os.WriteFile(path+".tmp", []byte(text.String()), 0o600))
	require.NoError(t, os.Rename(path+".tmp", path))
	return path
}

// assertRecords asserts that the objects hold the records from 0 to n, each once.
func assertRecords(t require.TestingT, n int, objects map[string]string) {
	seen := map[string]int{}
	for _, text := range objects {
		for line := range strings.Lines(text) {
			seen[line]++
		}
	}
	assert.Len(t, seen, n)
	for line, times := range seen {
		assert.Equal(t, 1, times, line)
	}
}

// assertBalanced asserts that every file is counted once.
func assertBalanced(t require.TestingT, c spool.Counts) {
	assert.Equal(t, c.Spooled.Files, c.Delivered.Files+c.Dropped.Files+c.Waiting.Files, "files of %+v", c)
	assert.Equal(t, c.Spooled.Bytes, c.Delivered.Bytes+c.Dropped.Bytes+c.Waiting.Bytes, "bytes of %+v", c)
	assert.Equal(t, c.Spooled.Records, c.Delivered.Records+c.Dropped.Records+c.Waiting.Records+c.Rejected, "records of %+v", c)
}

func TestFilesGoToTheirKeys(t *testing.T) {
	server := newS3(t)
	dir := t.TempDir()
	finish(t, dir, "AWSLogs/aws-account-id=1/year=2026/early.parquet", 0, 3)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "half.tmp"), []byte("half"), 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "AWSLogs/aws-account-id=1/year=2025/month=12"), 0o700))

	u, err := open(t, quick).NewUploader(uploadTo(dir))
	require.NoError(t, err)
	u.Finished(finish(t, dir, "AWSLogs/large.parquet", 3, 500), 500)
	require.NoError(t, u.Close(t.Context()))

	objects := server.objects(t)
	assert.Contains(t, objects, "flows/AWSLogs/aws-account-id=1/year=2026/early.parquet")
	assert.Contains(t, objects, "flows/AWSLogs/large.parquet")
	assert.Len(t, objects, 2)
	assertRecords(t, 503, objects)
	assert.Zero(t, server.unfinished(t))
	c := u.Counts()
	assertBalanced(t, c)
	assert.Equal(t, spool.Amount{Files: 2, Bytes: 503 * 16, Records: 503}, c.Delivered)
	assert.NoFileExists(t, filepath.Join(dir, "AWSLogs/large.parquet"))
	assert.NoDirExists(t, filepath.Join(dir, "AWSLogs/aws-account-id=1/year=2025"))
	assert.FileExists(t, filepath.Join(dir, "half.tmp"))
}

// Whatever the faults of the requests, and however often the program restarts, every record is in S3 exactly once at the end.
func TestNothingIsLostWhileTheBoundHolds(t *testing.T) {
	server := newS3(t)
	client, patient := open(t, aws.Config{Timeout: 20 * time.Millisecond, Backoff: quick.Backoff}), open(t, quick)
	base := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		require.NoError(rt, err)
		cfg := uploadTo(dir)
		cfg.Prefix = filepath.Base(dir) // a request of the last check may take effect after its client has gone
		total := 0
		for run := range rapid.IntRange(1, 3).Draw(rt, "runs") {
			server.set(none, rapid.SliceOfN(rapid.Custom(drawFault), 0, 12).Draw(rt, "faults")...)
			u, err := client.NewUploader(cfg)
			require.NoError(rt, err)
			for i := range rapid.IntRange(0, 3).Draw(rt, "files") {
				n := rapid.SampledFrom([]int{1, 10, 62, 63, 200}).Draw(rt, "records")
				path := finish(rt, dir, fmt.Sprintf("hour=%02d/%d.parquet", i, run), total, n)
				if rapid.Bool().Draw(rt, "announced") {
					u.Finished(path, n)
				}
				total += n
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rapid.IntRange(0, 5).Draw(rt, "patience"))*time.Millisecond)
			_ = u.Close(ctx) // the next run uploads the rest
			cancel()
			assertBalanced(rt, u.Counts())
		}
		server.set(none)
		u, err := patient.NewUploader(cfg)
		require.NoError(rt, err)
		require.NoError(rt, u.Close(t.Context()))
		assertBalanced(rt, u.Counts())
		assertRecords(rt, total, server.objectsUnder(rt, cfg.Prefix+"/"))
		assert.Zero(rt, u.Counts().Dropped)
	})
}

// drawFault draws a temporary fault. A hanging request costs time, so it is rare.
func drawFault(t *rapid.T) fault {
	return rapid.SampledFrom([]fault{none, slowDown, internal, cut, replyLost, none, slowDown, internal, cut, replyLost, hang}).Draw(t, "fault")
}

// A part that fails repeatedly aborts the upload, which is then begun again.
func TestAFailedPartLeavesNothingHalfDone(t *testing.T) {
	server := newS3(t)
	dir := t.TempDir()
	path := finish(t, dir, "large.parquet", 0, 300) // five parts
	// After list, create and a part come three attempts of the next part, and the abort.
	server.set(slowDown, none, none, none, internal, internal, internal, none)
	u, err := open(t, quick).NewUploader(uploadTo(dir))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return u.Counts().Failures[spool.Throttled] > 0 }, 2*time.Minute, time.Millisecond)
	assert.Zero(t, server.unfinished(t), "it is aborted at once")
	server.set(none)
	require.NoError(t, u.Close(t.Context()))
	assertRecords(t, 300, server.objects(t))
	assert.Zero(t, server.unfinished(t))
	assert.Equal(t, uint64(1), u.Counts().Failures[spool.Fault])
	assert.NoFileExists(t, path)
}

// If the answer to a completion is lost, the retry does not find the upload any more: the file is uploaded again, under the same key.
func TestALostCompletionRepeatsTheKey(t *testing.T) {
	server := newS3(t)
	dir := t.TempDir()
	finish(t, dir, "large.parquet", 0, 100)             // two parts
	server.set(none, none, none, none, none, replyLost) // after list, create, part, part
	u, err := open(t, quick).NewUploader(uploadTo(dir))
	require.NoError(t, err)
	require.NoError(t, u.Close(t.Context()))
	assertRecords(t, 100, server.objects(t))
	assert.Zero(t, server.unfinished(t))
	assert.Equal(t, uint64(1), u.Counts().Failures[spool.Lost])
}

// A failure that needs a person is logged once, in one line with the remedy, and the file waits.
func TestFailuresThatNeedAPerson(t *testing.T) {
	for name, c := range map[string]struct {
		fault  fault
		bucket string
		class  spool.Class
		want   string
	}{
		"denied": {denied, "records", spool.Denied, "PutObject: AccessDenied: not allowed: 'mirrorsink help delivery' lists the least permissions. " +
			"AWS answered: User: arn:aws:iam::123456789012:user/x is not authorized to perform: s3:PutObject"},
		"misplaced": {misplaced, "records", spool.Misplaced, "PutObject: PermanentRedirect: the bucket is in eu-central-1 and AWS_REGION is eu-west-1: " +
			"set AWS_REGION to the bucket's region"},
		"missing": {none, "other", spool.Missing, "PutObject: NoSuchBucket: "},
	} {
		t.Run(name, func(t *testing.T) {
			server, dir, logged := newS3(t), t.TempDir(), &logBuffer{}
			server.set(c.fault)
			cfg := uploadTo(dir)
			cfg.Bucket, cfg.Log = c.bucket, logged.logger()
			finish(t, dir, "a.parquet", 0, 1)
			u, err := open(t, quick).NewUploader(cfg)
			require.NoError(t, err)
			require.Eventually(t, func() bool { return u.Counts().Failures[c.class] >= 3 }, 2*time.Minute, time.Millisecond)
			assert.Equal(t, spool.Amount{Files: 1, Bytes: 16, Records: 1}, u.Counts().Waiting)
			assert.Positive(t, u.Counts().OldestAge)
			assert.Equal(t, 1, strings.Count(logged.String(), "\n"), logged.String())
			assert.Contains(t, logged.String(), c.want)

			err = u.Close(context.Background()) // returns, since only a person can help
			require.ErrorContains(t, err, c.want)
			assert.ErrorContains(t, err, "1 files stay in "+dir+" for the next start")
			assert.NotContains(t, err.Error(), "\n")
			assert.FileExists(t, filepath.Join(dir, "a.parquet"))
		})
	}
}

// During an outage of S3 files wait. Its beginning and end are logged.
func TestOutage(t *testing.T) {
	server, dir, logged := newS3(t), t.TempDir(), &logBuffer{}
	server.set(slowDown)
	cfg := uploadTo(dir)
	cfg.Log = logged.logger()
	u, err := open(t, quick).NewUploader(cfg)
	require.NoError(t, err)
	for i := range 20 {
		u.Finished(finish(t, dir, fmt.Sprintf("%d.parquet", i), i, 1), 1)
	}
	require.Eventually(t, func() bool { return u.Counts().Failures[spool.Throttled] >= 5 }, 2*time.Minute, time.Millisecond)
	server.set(none)
	require.Eventually(t, func() bool { return u.Counts().Delivered.Files == 20 }, 2*time.Minute, time.Millisecond)
	require.NoError(t, u.Close(t.Context()))
	assertRecords(t, 20, server.objects(t))
	assert.Equal(t, 2, strings.Count(logged.String(), "\n"), logged.String())
	assert.Contains(t, logged.String(), "level=WARN msg=\"cannot deliver, files wait in the spool\" to=s3://records/flows")
	assert.Contains(t, logged.String(), "level=INFO msg=\"delivering again\"")
}

// Close returns without a deadline too if S3 stays unavailable.
func TestCloseGivesUp(t *testing.T) {
	server, dir := newS3(t), t.TempDir()
	server.set(slowDown)
	cfg := quick
	cfg.Backoff.GiveUp = time.Millisecond
	finish(t, dir, "a.parquet", 0, 1)
	u, err := open(t, cfg).NewUploader(uploadTo(dir))
	require.NoError(t, err)
	assert.ErrorContains(t, u.Close(context.Background()), "s3://records/flows: PutObject: SlowDown: Please reduce your request rate: 1 files stay in "+dir)
}

func TestFoldersThatCannotBeUsed(t *testing.T) {
	newS3(t)
	client := open(t, quick)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := client.NewUploader(uploadTo(filepath.Join(file, "spool")))
	assert.EqualError(t, err, "spool "+file+"/spool: not a directory (give --spool a folder that this user may write to)")

	dir := t.TempDir()
	u, err := client.NewUploader(uploadTo(dir))
	require.NoError(t, err)
	_, err = client.NewUploader(uploadTo(dir))
	assert.EqualError(t, err, "spool "+dir+": in use by another process (give each a --spool of its own)")
	require.NoError(t, u.Close(t.Context()))
	u, err = client.NewUploader(uploadTo(dir))
	require.NoError(t, err)
	require.NoError(t, u.Close(t.Context()))

	if os.Geteuid() == 0 {
		t.Skip("root may write to read-only folders")
	}
	require.NoError(t, os.Chmod(dir, 0o500))
	require.NoError(t, os.Remove(filepath.Join(dir, ".lock")))
	_, err = client.NewUploader(uploadTo(dir))
	assert.EqualError(t, err, "spool "+dir+": permission denied (give --spool a folder that this user may write to)")
}

func TestParseURL(t *testing.T) {
	for url, want := range map[string][2]string{
		"s3://bucket": {"bucket", ""}, "s3://bucket/": {"bucket", ""}, "s3://my.bucket-1/a/b=c/": {"my.bucket-1", "a/b=c"},
	} {
		bucket, prefix, err := aws.ParseURL(url)
		require.NoError(t, err, url)
		assert.Equal(t, want, [2]string{bucket, prefix}, url)
	}
	for _, url := range []string{"", "bucket", "s3://", "s3:///x", "s3://UPPER/x", "s3://bucket//x", "s3://bucket/a/../b", "https://bucket/x"} {
		_, _, err := aws.ParseURL(url)
		assert.Error(t, err, url)
	}
}

func TestNoRegionAndNoCredentials(t *testing.T) {
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	_, err := aws.Open(t.Context(), aws.Config{})
	require.EqualError(t, err, "no region: set AWS_REGION, or run on an EC2 instance")
	t.Setenv("AWS_REGION", "eu-west-1")
	_, err = aws.Open(t.Context(), aws.Config{})
	require.ErrorContains(t, err, "set AWS_PROFILE or AWS_ACCESS_KEY_ID, or run on an instance with a role")
	assert.NotContains(t, err.Error(), "\n")
}

// A file that another program removes is counted, and does not block others.
func TestARemovedFileIsCounted(t *testing.T) {
	server, dir, logged := newS3(t), t.TempDir(), &logBuffer{}
	server.set(slowDown)
	cfg := uploadTo(dir)
	cfg.Log, cfg.Parallel = logged.logger(), 1
	path := finish(t, dir, "a.parquet", 0, 1)
	u, err := open(t, quick).NewUploader(cfg)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return u.Counts().Failures[spool.Throttled] > 0 }, 2*time.Minute, time.Millisecond)
	require.NoError(t, os.Remove(path))
	server.set(none)
	u.Finished(finish(t, dir, "b.parquet", 1, 1), 1)
	require.NoError(t, u.Close(t.Context()))
	assert.Contains(t, server.objects(t), "flows/b.parquet")
	assert.Equal(t, uint64(2), u.Counts().Delivered.Files+u.Counts().Dropped.Files)
	assertBalanced(t, u.Counts())
}

// A file that is replaced during its upload is uploaded again, after the first one.
func TestAFileWrittenAgainInMidUpload(t *testing.T) {
	server, dir := newS3(t), t.TempDir()
	path := finish(t, dir, "a.parquet", 0, 300)
	written := make(chan struct{})
	reached := make(chan struct{})
	server.mu.Lock()
	server.onEvery = func(n int) {
		if n == 3 {
			close(reached)
			<-written
		}
	}
	server.mu.Unlock()
	u, err := open(t, aws.Config{Backoff: quick.Backoff}).NewUploader(uploadTo(dir))
	require.NoError(t, err)
	<-reached
	finish(t, dir, "a.parquet", 1000, 10)
	u.Finished(path, 10)
	close(written)
	require.NoError(t, u.Close(t.Context()))
	assertRecords(t, 10, server.objects(t))
	assertBalanced(t, u.Counts())
	assert.Zero(t, server.unfinished(t))
	assert.NoFileExists(t, path)
}
