package rotate_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestOnAFullDisk: what was reported as written is in the files, each line once, and it goes on once there is room.
func TestOnAFullDisk(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("needs root, to mount a small file system: %v", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	cfg := config(filepath.Join(dir, "eve.json"), c)
	cfg.Bytes, cfg.Keep = 8<<10, 1<<20
	f := open(t, cfg)
	ballast := filepath.Join(dir, "ballast")
	require.NoError(t, os.WriteFile(ballast, make([]byte, 40<<10), 0o600))
	written, refused := "", 0
	for i := range 400 {
		if i == 300 {
			require.Positive(t, refused)
			require.NoError(t, os.Remove(ballast))
			refused = 0
		}
		line := fmt.Sprintf("%d %x\n", i, bytes.Repeat([]byte{byte(i), byte(i * 7), byte(i * 13)}, 30))
		if f.Due(len(line)) {
			f.Rotate()
		}
		n, err := f.Write([]byte(line))
		written += line[:n]
		if err != nil {
			refused++
			written += "\n"
		}
	}
	require.Zero(t, refused, "there is room again")
	require.NoError(t, f.Close())
	require.NoError(t, os.RemoveAll(ballast))
	text, _ := content(t, dir)
	// A line that was cut is ended by the next write.
	assert.Equal(t, strings.Join(strings.Fields(written), " "), strings.Join(strings.Fields(text), " "))
}
