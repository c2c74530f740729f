package disk_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/export/disk"
)

// TestExplain: an error names its cause and the advice, and stays comparable with the system's errors.
func TestExplain(t *testing.T) {
	for number, want := range map[syscall.Errno]string{
		syscall.ENOENT: "no such file or directory (create the directory first)",
		syscall.EACCES: "permission denied (give a path that this user may write to)",
		syscall.EISDIR: "is a directory (give the name of a file in it)",
		syscall.ENXIO:  "the pipe has no reader: no such device or address (start its reader first)",
		syscall.ENOSPC: "no space left on device",
	} {
		err := disk.Explain(&fs.PathError{Op: "open", Path: "/x", Err: number})
		require.EqualError(t, err, want)
		assert.ErrorIs(t, err, number)
	}
	other := errors.New("something else")
	assert.Equal(t, other, disk.Cause(other))
}

// TestTryLock: one holder at a time; a shared lock keeps an exclusive one out until its file is closed.
func TestTryLock(t *testing.T) {
	if !disk.CanLock {
		t.Skip("no file locks on this platform")
	}
	name := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		require.NoError(t, err)
		t.Cleanup(func() { f.Close() })
		return f
	}
	first, second := open(), open()
	assert.True(t, disk.TryLock(first))
	assert.False(t, disk.TryLock(second))
	disk.ShareLock(first)
	assert.False(t, disk.TryLock(second))
	require.NoError(t, first.Close())
	assert.True(t, disk.TryLock(second))
}
