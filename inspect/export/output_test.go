package export_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/eve"
	"github.com/mirrorsink/mirrorsink/inspect/export/eventtest"
)

// The error of an output is one line with the name, the cause and the remedy.
func TestOpenOutputErrors(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	for spec, want := range map[string]string{
		"":                   "event output: no name given: use a file, unix:PATH, or - for standard output",
		dir:                  "event output " + dir + ": is a directory (give the name of a file in it)",
		dir + "/no/eve.json": "event output " + dir + "/no/eve.json: no such file or directory (create the directory first)",
		pipe:                 "event output " + pipe + ": the pipe has no reader: no such device or address (start its reader first)",
		"unix:" + dir + "/s": "event output unix:" + dir + "/s: no such file or directory (start its reader first)",
	} {
		_, err := export.OpenOutput(spec)
		assert.EqualError(t, err, want)
	}
}

func TestFileIsAppendedTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "eve.json")
	for _, text := range []string{"one\n", "two\n"} {
		out, err := export.OpenOutput(path)
		require.NoError(t, err)
		_, err = io.WriteString(out, text)
		require.NoError(t, err)
		require.NoError(t, out.Close())
	}
	assert.Equal(t, "one\ntwo\n", read(t, path))
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Zero(t, info.Mode().Perm()&^0o640)
}

// Files are moved away while workers write: every line is whole and in exactly one file.
func TestRotationSplitsNoLine(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "eve.json")
	out, err := export.OpenOutput(path)
	require.NoError(t, err)
	q := newQueue(out, 64<<20)
	for i := range 10 {
		produce(q, 2, 20)
		require.NoError(t, os.Rename(path, filepath.Join(dir, "old"+string(rune('0'+i)))))
		q.Reopen()
		require.Eventually(t, func() bool { _, err := os.Stat(path); return err == nil }, 2*time.Minute, time.Millisecond)
	}
	_, err = q.Close(t.Context())
	require.NoError(t, err)

	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	assert.Len(t, files, 11)
	n := 0
	for _, f := range files {
		for line := range strings.Lines(read(t, f)) {
			require.True(t, strings.HasPrefix(line, `{"timestamp":`) && strings.HasSuffix(line, "}\n"), line)
			n++
		}
	}
	assert.Equal(t, 10*2*20*len(eventtest.EveryKind().Events), n)
}

// If the new file cannot be opened, the old one stays in use.
func TestFailedReopenKeepsTheOldFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.Mkdir(dir, 0o700))
	out, err := export.OpenOutput(filepath.Join(dir, "eve.json"))
	require.NoError(t, err)
	require.NoError(t, os.Rename(dir, dir+".moved"))
	require.ErrorContains(t, out.Reopen(), "create the directory first")
	_, err = io.WriteString(out, "still here\n")
	require.NoError(t, err)
	require.NoError(t, out.Close())
	assert.Equal(t, "still here\n", read(t, filepath.Join(dir+".moved", "eve.json")))
}

func TestFullDiskIsCounted(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	out, err := export.OpenOutput("/dev/full")
	require.NoError(t, err)
	q := newQueue(out, 1<<20)
	q.Events(eventtest.EveryKind())
	_, err = q.Close(t.Context())
	require.NoError(t, err)
	assert.ErrorIs(t, q.Err(), syscall.ENOSPC)
	assert.Equal(t, q.Counts().Produced, q.Counts().Dropped)
}

// The reader of standard output goes away, as head does: the queue has the error and does not stop the workers.
func TestStandardOutputWithoutReader(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, r.Close())
	defer w.Close()
	defer func(old *os.File) { os.Stdout = old }(os.Stdout)
	os.Stdout = w

	out, err := export.OpenOutput("-")
	require.NoError(t, err)
	q := export.NewQueue(export.QueueConfig{Output: out, Kinds: eve.Kinds, Encoder: &eve.Writer{}, Bytes: 1, Block: true, Log: quiet})
	produce(q, 2, 10)
	_, err = q.Close(t.Context())
	require.NoError(t, err)
	assert.ErrorIs(t, q.Err(), syscall.EPIPE)
	assert.Equal(t, q.Counts().Produced, q.Counts().Dropped)
}

// A reader that takes nothing does not delay Close: closing the pipe ends the write.
func TestCloseEndsAWriteToAStuckPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	reader, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer reader.Close()
	out, err := export.OpenOutput(path)
	require.NoError(t, err)
	q := newQueue(out, 64<<20)
	produce(q, 1, 200) // more than a pipe holds
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	lost, err := q.Close(ctx)
	require.NoError(t, err)
	assert.Positive(t, lost)
	c := q.Counts()
	for k := range c.Produced {
		assert.Equal(t, c.Produced[k], c.Written[k]+c.Dropped[k])
	}
}

// The reader of a socket disconnects and listens again. Events are dropped meanwhile, and the new connection begins with a whole line.
func TestSocketReaderGoesAwayAndComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "eve.sock")
	first := listen(t, path)
	out, err := export.OpenOutput("unix_stream:" + path)
	require.NoError(t, err)
	assert.Equal(t, "unix_stream:"+path, out.String())
	q := newQueue(out, 1<<20)
	defer q.Close(t.Context())

	conn, err := first.Accept()
	require.NoError(t, err)
	q.Events(eventtest.EveryKind())
	requireLine(t, conn)
	require.NoError(t, conn.Close())
	require.NoError(t, first.Close())
	require.Eventually(t, func() bool { q.Events(eventtest.EveryKind()); return q.Err() != nil }, 2*time.Minute, time.Millisecond)

	second := listen(t, path)
	defer second.Close()
	require.NoError(t, second.(*net.UnixListener).SetDeadline(time.Now().Add(2*time.Minute)))
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				q.Events(eventtest.EveryKind())
			}
		}
	}()
	conn, err = second.Accept()
	require.NoError(t, err)
	requireLine(t, conn)
	close(stop)
	<-done
	require.NoError(t, conn.Close())
	assert.NotZero(t, q.Counts().Dropped)
}

// The connection to a reader that takes nothing is closed, so that the writing goroutine does not wait for ever.
func TestSocketReaderThatStalls(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "eve.sock")
	l := listen(t, path)
	defer l.Close()
	out, err := export.OpenOutput("unix:" + path)
	require.NoError(t, err)
	defer out.Close()
	n, err := out.Write(make([]byte, 8<<20))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	assert.Less(t, n, 8<<20)
}

func listen(t *testing.T, path string) net.Listener {
	t.Helper()
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	return l
}

func requireLine(t *testing.T, conn net.Conn) {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(2*time.Minute)))
	line, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(line, `{"timestamp":`), line)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}
