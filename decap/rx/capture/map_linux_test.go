package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
)

// TestPipe reads a capture while it is made: frames come out without waiting for more, and Close ends a Read.
func TestPipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, unix.Mkfifo(name, 0o600))
	w, err := os.OpenFile(name, os.O_RDWR, 0) // so that neither side waits for the other to open it
	require.NoError(t, err)
	defer w.Close()
	_, err = w.Write(buildPcap(pcapSpec{}, sampleFrames))
	require.NoError(t, err)

	c, err := Open(name)
	require.NoError(t, err)
	assert.Zero(t, c.Size())
	var b decap.Batch
	require.NoError(t, c.Read(&b))
	require.Equal(t, len(sampleFrames), b.N)
	time.AfterFunc(10*time.Millisecond, func() { assert.NoError(t, c.Close()) })
	require.ErrorIs(t, c.Read(&b), os.ErrClosed)
}

// stdinEnv makes a test program that is started with it do as readStdin says, and no tests.
const stdinEnv = "MIRRORSINK_TEST_CAPTURE_STDIN"

// readStdin counts the frames of standard input. It closes the capture when the first have come, if what says so.
func readStdin(what string) error {
	c, err := Open("-")
	if err != nil {
		return err
	}
	var b decap.Batch
	frames := 0
	for err = c.Read(&b); err == nil; err = c.Read(&b) {
		frames += b.N
		if what == "close" {
			time.AfterFunc(10*time.Millisecond, func() { _ = c.Close() })
		}
	}
	fmt.Printf("%d frames, %v\n", frames, err)
	return nil
}

func TestStandardInput(t *testing.T) {
	if what := os.Getenv(stdinEnv); what != "" {
		require.NoError(t, readStdin(what))
		os.Exit(0)
	}
	content := buildPcap(pcapSpec{}, sampleFrames)
	file, err := os.Open(writeFile(t, content))
	require.NoError(t, err)
	defer file.Close()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	_, err = w.Write(content)
	require.NoError(t, err)

	for name, c := range map[string]struct {
		what  string
		stdin io.Reader
		want  string
	}{
		"pipe":      {"read", bytes.NewReader(content), "4 frames, EOF\n"},
		"gzip pipe": {"read", bytes.NewReader(compress(t, content)), "4 frames, EOF\n"},
		"file":      {"read", file, "4 frames, EOF\n"},
		"cut": {"read", bytes.NewReader(content[:len(content)-1]),
			"3 frames, standard input: byte 105: truncated: 19 of at least 20 bytes of a record are there\n"},
		"open pipe": {"close", r, "4 frames, file already closed\n"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // only for a Close that ends nothing
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestStandardInput$")
			cmd.Env = append(os.Environ(), stdinEnv+"="+c.what)
			cmd.Stdin = c.stdin
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, string(out))
			require.Equal(t, c.want, string(out))
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, format := range []string{"pcap", "pcapng"} {
		name, size := largeCapture(b, format)
		b.Run(format+"/mapped", func(b *testing.B) {
			benchmarkReader(b, size, func() (*Reader, error) { return Open(name) })
		})
		b.Run(format+"/stream", func(b *testing.B) {
			benchmarkReader(b, size, func() (*Reader, error) {
				f, err := os.Open(name)
				if err != nil {
					return nil, err
				}
				return openStream(f, name)
			})
		})
	}
}

// benchmarkReader reads whole captures, and of every frame the byte that a decoder looks at first.
func benchmarkReader(b *testing.B, size int64, open func() (*Reader, error)) {
	b.ReportAllocs()
	b.SetBytes(size)
	var batch decap.Batch
	packets, sum := 0, 0
	began := cpuTime(b)
	for b.Loop() {
		c, err := open()
		require.NoError(b, err)
		for err = c.Read(&batch); err == nil; err = c.Read(&batch) {
			packets += batch.N
			for i := range batch.N {
				sum += int(batch.D[i].Data[12])
			}
		}
		require.True(b, errors.Is(err, io.EOF), err)
		require.NoError(b, c.Close())
	}
	b.ReportMetric(float64(cpuTime(b)-began)/float64(packets), "cpu-ns/packet")
	require.Zero(b, sum)
}

// cpuTime returns the time that the process has worked: that on the clock says little on a busy machine.
func cpuTime(tb testing.TB) time.Duration {
	var r unix.Rusage
	require.NoError(tb, unix.Getrusage(unix.RUSAGE_SELF, &r))
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
