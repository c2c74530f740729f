package pcap_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/decap/tx/internal/txtest"
	"github.com/mirrorsink/mirrorsink/decap/tx/pcap"
)

// TestOnAFullDisk: it is logged once; the files are complete and hold the frames that were counted; all others are counted too; and when there is room
// again it goes on by itself.
func TestOnAFullDisk(t *testing.T) {
	for _, classic := range []bool{false, true} {
		dir := t.TempDir()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
			t.Skipf("needs root, to mount a small file system: %v", err)
		}
		defer syscall.Unmount(dir, syscall.MNT_DETACH)
		var log txtest.Log
		p, o := openOut(t, pcap.Config{Dir: dir, Classic: classic, Size: 200_000, Wait: true, Log: log.Logger()})
		sent := uint32(0)
		send := func(n int) {
			for range n {
				o.Add(txtest.Frame(1, sent, false, 1000))
				sent++
			}
			o.Flush()
		}
		frames := func() (seqs []uint32) {
			_, files := readFolder(t, dir)
			for _, all := range files {
				for _, f := range all {
					requireFrame(t, txtest.Frame(1, txtest.Seq(f.data), false, 1000), &f)
					seqs = append(seqs, txtest.Seq(f.data))
				}
			}
			return seqs
		}
		send(1000)
		require.Eventually(t, func() bool { return p.Counts().Queued == 0 }, 2*time.Minute, time.Millisecond)
		counts := p.Counts()
		assert.Equal(t, uint64(1000), counts.Frames+counts.Dropped[tx.Down])
		assert.Equal(t, uint64(1), counts.Outages)
		before := frames()
		assert.Len(t, before, int(counts.Frames))
		assert.Greater(t, len(before), 400)
		for i, seq := range before {
			require.EqualValues(t, i, seq)
		}
		files, _ := readFolder(t, dir)
		for _, name := range files {
			require.NoError(t, os.Remove(name))
		}
		require.Eventually(t, func() bool { send(1); return p.Counts().Frames > counts.Frames }, 2*time.Minute, 10*time.Millisecond)
		require.NoError(t, p.Close())
		counts = p.Counts()
		assert.Equal(t, uint64(sent), counts.Frames+counts.Dropped[tx.Down])
		assert.Equal(t, int(counts.Frames), len(before)+len(frames()))
		assert.Equal(t, 1, strings.Count(log.String(), "level=ERROR"), "%s", log.String())
		assert.Equal(t, 1, strings.Count(log.String(), "captures are written again"))
		assert.Empty(t, hidden(t, dir))
	}
}
