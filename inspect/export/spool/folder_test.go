package spool

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"

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
		s, err := openFolder(Config{Dir: dir, Bytes: 100, Log: slog.New(slog.DiscardHandler)})
		require.NoError(rt, err)
		defer s.close()
		var busy []*File
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
						assert.NotEqual(rt, other.Key, f.Key, "two deliveries under one key")
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
func keysOf(s *folder) (keys []string) {
	for _, f := range s.files {
		if !f.busy {
			keys = append(keys, f.Key)
		}
	}
	return keys
}

func checkSpool(t *rapid.T, s *folder) {
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
		assert.FileExists(t, f.Path)
	}
	assert.Equal(t, c.Waiting, all)
	if c.Waiting.Bytes > 100 {
		assert.Zero(t, idle.Bytes, "only what is being delivered may be past the bound")
	}
	onDisk, err := filepath.Glob(filepath.Join(s.cfg.Dir, "0*"))
	require.NoError(t, err)
	assert.Len(t, onDisk, len(s.files))
}

// An error of the disk is one line with the remedy.
func TestDiskErrors(t *testing.T) {
	for number, want := range map[syscall.Errno]string{
		syscall.ENOSPC: "spool /s: no space left on device (make room, or set a smaller --spool-size)",
		syscall.EROFS:  "spool /s: read-only file system (give --spool a folder that this user may write to)",
		syscall.EACCES: "spool /s: permission denied (give --spool a folder that this user may write to)",
		syscall.EIO:    "spool /s: input/output error",
	} {
		assert.EqualError(t, DiskFailure("spool", "/s", &os.PathError{Op: "write", Path: "/s/x", Err: number}), want)
	}
}
