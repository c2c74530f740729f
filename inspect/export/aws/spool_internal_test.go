package aws

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestSpoolAgainstAModel: the spool does not exceed its bound, except for files that are being delivered. It drops the oldest files.
// Every file is counted once, and is on disk if and only if it waits.
func TestSpoolAgainstAModel(t *testing.T) {
	base := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		require.NoError(rt, err)
		s, err := openSpool(spoolConfig{dir: dir, bytes: 100, before: byAge, log: slog.New(slog.DiscardHandler)})
		require.NoError(rt, err)
		defer s.close()
		var busy []*pendingFile
		added := 0
		rt.Repeat(map[string]func(*rapid.T){
			"add": func(rt *rapid.T) {
				size := rapid.IntRange(0, 120).Draw(rt, "size")
				path := filepath.Join(dir, fmt.Sprintf("%06d", added))
				require.NoError(rt, os.WriteFile(path, make([]byte, size), 0o600))
				before := keysOf(s)
				s.add(path, size)
				added++
				after := keysOf(s)
				for i, key := range after { // the remaining idle files are the newest
					assert.Equal(rt, append(before, filepath.Base(path))[len(before)+1-len(after)+i], key)
				}
			},
			"replace": func(rt *rapid.T) {
				if added == 0 {
					rt.Skip()
				}
				path := filepath.Join(dir, fmt.Sprintf("%06d", rapid.IntRange(0, added-1).Draw(rt, "file")))
				require.NoError(rt, os.WriteFile(path, make([]byte, 7), 0o600))
				s.add(path, 7)
			},
			"take": func(rt *rapid.T) {
				if f := s.take(false); f != nil {
					for _, other := range busy {
						assert.NotEqual(rt, other.key, f.key, "two deliveries under one key")
					}
					busy = append(busy, f)
				}
			},
			"deliver": func(rt *rapid.T) {
				if len(busy) > 0 {
					s.delivered(busy[0], 0)
					busy = busy[1:]
				}
			},
			"fail": func(rt *rapid.T) {
				if len(busy) > 0 {
					s.putBack(busy[0])
					busy = busy[1:]
				}
			},
			"": func(rt *rapid.T) { checkSpool(rt, s) },
		})
	})
}

// keysOf returns the keys of the waiting files that are not being delivered.
func keysOf(s *spool) (keys []string) {
	for _, f := range s.files {
		if !f.busy {
			keys = append(keys, f.key)
		}
	}
	return keys
}

func checkSpool(t *rapid.T, s *spool) {
	c := s.snapshot()
	sum := c.Delivered
	sum.add(c.Dropped)
	sum.add(c.Waiting)
	assert.Equal(t, c.Spooled, sum)
	var idle, all Amount
	for _, f := range s.files {
		all.add(f.amount())
		if !f.busy {
			idle.add(f.amount())
		}
		assert.FileExists(t, f.path)
	}
	assert.Equal(t, c.Waiting, all)
	if c.Waiting.Bytes > 100 {
		assert.Zero(t, idle.Bytes, "only what is being delivered may be past the bound")
	}
	onDisk, err := filepath.Glob(filepath.Join(s.cfg.dir, "0*"))
	require.NoError(t, err)
	assert.Len(t, onDisk, len(s.files))
}

// Batches keep the limits of CloudWatch Logs, are as large as possible, and have all events.
func TestBatchesKeepTheLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "events")
		step := rapid.SampledFrom([]int64{0, 1, maxSpan / 10, maxSpan}).Draw(t, "step")
		length := rapid.SampledFrom([]int{1, maxBatch / 4, maxBatch/4 - eventOverhead, maxEvent}).Draw(t, "length")
		text := string(make([]byte, length))
		events := make([]types.InputLogEvent, n)
		for i := range events {
			at := int64(i) * step
			events[i] = types.InputLogEvent{Timestamp: &at, Message: &text}
		}
		for rest := events; len(rest) > 0; {
			n := batch(rest)
			require.Positive(t, n)
			assert.LessOrEqual(t, n*(length+eventOverhead), maxBatch)
			assert.Less(t, *rest[n-1].Timestamp-*rest[0].Timestamp, int64(maxSpan))
			if n < len(rest) {
				full := (n+1)*(length+eventOverhead) > maxBatch || *rest[n].Timestamp-*rest[0].Timestamp >= maxSpan
				assert.True(t, full, "one more had fitted")
			}
			rest = rest[n:]
		}
	})
}

// An address is read as it was written.
func TestAddressesAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stream := rapid.StringMatching(`[a-z0-9./-]{1,40}`).Draw(t, "stream")
		millis := rapid.Int64Min(0).Draw(t, "millis")
		text := rapid.StringMatching(`[^\n]*`).Draw(t, "text")
		name, at, got, ok := cutAddress(append(appendAddress(nil, stream, millis), text...))
		assert.True(t, ok)
		assert.Equal(t, stream, name)
		assert.Equal(t, millis, at)
		assert.Equal(t, text, string(got))
	})
	for _, line := range []string{"", "x", "x 1", "x y z", " 1 z", "x 1.5 z"} {
		_, _, _, ok := cutAddress([]byte(line))
		assert.False(t, ok, line)
	}
}

// Characters that a stream's name must not have become dashes, and an empty name is unknown.
func TestStreamNames(t *testing.T) {
	for stream, want := range map[string]string{
		"eni:1 *\n": "eni-1---", "": "unknown-all", StreamOf(""): "unknown-all", StreamOf("eni-1"): "eni-1-all", "é": "--",
	} {
		assert.Equal(t, want+" 7 ", string(appendAddress(nil, stream, 7)), "%q", stream)
	}
	long := appendAddress(nil, strings.Repeat("x", 600), 7)
	assert.Len(t, long, maxStream+len(" 7 "))
}

// An error of the disk is one line with the remedy.
func TestDiskErrors(t *testing.T) {
	for number, want := range map[syscall.Errno]string{
		syscall.ENOSPC: "spool /s: no space left on device (make room, or set a smaller --spool-size)",
		syscall.EROFS:  "spool /s: read-only file system (give --spool a folder that this user may write to)",
		syscall.EACCES: "spool /s: permission denied (give --spool a folder that this user may write to)",
		syscall.EIO:    "spool /s: input/output error",
	} {
		assert.EqualError(t, diskError("spool", "/s", &os.PathError{Op: "write", Path: "/s/x", Err: number}), want)
	}
}
