package pcap_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/pcapgo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/decap/tx/internal/txtest"
	"github.com/mirrorsink/mirrorsink/decap/tx/pcap"
)

// A recorded frame, as gopacket reads it.
type recorded struct {
	gopacket.CaptureInfo
	data          []byte
	name, comment string
}

// readCapture reads a whole capture, which must not end within a record.
func readCapture(t require.TestingT, r io.Reader, classic bool) (all []recorded) {
	var next func() ([]byte, gopacket.CaptureInfo, error)
	describe := func(int) (name, comment string) { return "", "" }
	if classic {
		plain, err := pcapgo.NewReader(r)
		require.NoError(t, err)
		next = plain.ReadPacketData
	} else {
		ng, err := pcapgo.NewNgReader(r, pcapgo.NgReaderOptions{})
		require.NoError(t, err)
		next = ng.ReadPacketData
		describe = func(id int) (string, string) {
			i, err := ng.Interface(id)
			require.NoError(t, err)
			return i.Name, i.Comment
		}
	}
	for {
		data, info, err := next()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		name, comment := describe(info.InterfaceIndex)
		all = append(all, recorded{info, data, name, comment})
	}
}

// readFolder reads all finished captures, in the order of their names, with gopacket and with our own reader.
func readFolder(t require.TestingT, dir string) (files []string, frames [][]recorded) {
	files, err := filepath.Glob(filepath.Join(dir, "mirrorsink-*"))
	require.NoError(t, err)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		all := readCapture(t, bytes.NewReader(text), filepath.Ext(name) == ".pcap")
		c, err := capture.Open(name)
		require.NoError(t, err)
		var b decap.Batch
		for n := 0; ; {
			err := c.Read(&b)
			for i := range b.N {
				require.Equal(t, all[n].data, b.D[i].Data)
				require.Equal(t, all[n].Timestamp.UnixNano(), b.D[i].Nanos)
				require.Equal(t, all[n].Length, b.D[i].WireLen)
				n++
			}
			if err != nil {
				require.ErrorIs(t, err, io.EOF)
				require.Len(t, all, n)
				break
			}
		}
		require.NotEmpty(t, all)
		frames = append(frames, all)
	}
	return files, frames
}

func hidden(t require.TestingT, dir string) []string {
	names, err := filepath.Glob(filepath.Join(dir, ".*"))
	require.NoError(t, err)
	return names
}

func openOut(t require.TestingT, cfg pcap.Config) (tx.Target, tx.Out) {
	p, err := pcap.Open(cfg)
	require.NoError(t, err)
	o, err := p.Open()
	require.NoError(t, err)
	return p, o
}

// requireFrame checks that f was recorded.
func requireFrame(t require.TestingT, f *tx.Frame, got *recorded) {
	require.True(t, bytes.Equal(txtest.Bytes(f), got.data))
	require.Equal(t, f.Nanos, got.Timestamp.UnixNano())
	require.Equal(t, max(f.WireLen, f.Len()), got.Length)
}

// TestFiles: all frames are in the files, in order; files are named for their first frame, no longer and no larger than was asked,
// and each that can be seen is whole at any time. The same frames make the same files.
func TestFiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		root, err := os.MkdirTemp("", "pcap")
		require.NoError(t, err)
		defer os.RemoveAll(root)
		cfg := pcap.Config{Dir: filepath.Join(root, "a"), Wait: true, Queue: rapid.SampledFrom([]int{1, 1 << 20}).Draw(t, "queue"),
			Rotate:  time.Duration(rapid.IntRange(0, 3).Draw(t, "seconds")) * time.Second,
			Size:    rapid.SampledFrom([]int64{0, 64 << 10, 100_001}).Draw(t, "size"),
			Classic: rapid.Bool().Draw(t, "classic"),
		}
		var frames []*tx.Frame
		now := rapid.Int64Range(0, 2e18).Draw(t, "now")
		for i := range rapid.IntRange(1, 400).Draw(t, "frames") {
			f := txtest.Frame(uint32(i%7), uint32(i), i%3 == 0, rapid.IntRange(0, 1400).Draw(t, "payload"))
			now += rapid.Int64Range(0, 3e7).Draw(t, "step")
			f.Nanos = now
			frames = append(frames, f)
		}
		files := writePcap(t, cfg, frames, rapid.IntRange(1, 60).Draw(t, "batch"))
		cfg.Dir = filepath.Join(root, "b")
		again := writePcap(t, cfg, frames, 7)
		require.Len(t, again, len(files))
		for i := range files {
			require.Equal(t, filepath.Base(files[i]), filepath.Base(again[i]))
			one, err1 := os.ReadFile(files[i])
			other, err2 := os.ReadFile(again[i])
			require.NoError(t, errors.Join(err1, err2))
			require.True(t, bytes.Equal(one, other))
			require.True(t, cfg.Size == 0 || int64(len(one)) <= cfg.Size)
		}
	})
}

// writePcap writes frames and checks the files.
func writePcap(t require.TestingT, cfg pcap.Config, frames []*tx.Frame, batch int) []string {
	require.NoError(t, os.Mkdir(cfg.Dir, 0o700))
	p, o := openOut(t, cfg)
	var octets uint64
	for i, f := range frames {
		o.Add(f)
		octets += uint64(f.Len())
		if i%batch == 0 {
			o.Flush()
		}
		if i%(10*batch) == 0 {
			readFolder(t, cfg.Dir)
		}
	}
	o.Flush()
	require.NoError(t, o.Close())
	require.NoError(t, p.Close())
	require.Equal(t, tx.Counts{Frames: uint64(len(frames)), Bytes: octets}, p.Counts())
	require.Empty(t, hidden(t, cfg.Dir))
	files, contents := readFolder(t, cfg.Dir)
	n := 0
	for i, all := range contents {
		for _, got := range all {
			requireFrame(t, frames[n], &got)
			require.True(t, cfg.Rotate == 0 || got.Timestamp.Sub(all[0].Timestamp) < cfg.Rotate)
			if !cfg.Classic {
				require.Equal(t, fmt.Sprintf("%v vni %d", frames[n].Outer, frames[n].VNI), got.name)
			}
			n++
		}
		require.True(t, strings.HasPrefix(filepath.Base(files[i]), all[0].Timestamp.UTC().Format("mirrorsink-20060102T150405.000000Z")))
	}
	require.Len(t, frames, n)
	return files
}

// TestFileOfOneLargeFrame: a frame that alone is larger than a file may be has one for itself.
func TestFileOfOneLargeFrame(t *testing.T) {
	dir := t.TempDir()
	p, o := openOut(t, pcap.Config{Dir: dir, Wait: true, Size: 64 << 10})
	for i := range uint32(3) {
		f := txtest.Frame(1, i, false, 65_500)
		f.Nanos += int64(i) * 1e9
		o.Add(f)
	}
	o.Flush()
	require.NoError(t, p.Close())
	files, _ := readFolder(t, dir)
	assert.Len(t, files, 3)
}

// TestNamesInterfaces: each interface has the configured name, once in a file.
func TestNamesInterfaces(t *testing.T) {
	dir := t.TempDir()
	p, o := openOut(t, pcap.Config{Dir: dir, Wait: true, Name: func(outer netip.Addr, vni uint32) (string, string) {
		if vni == 101 {
			return "", "none known"
		}
		return "eni-0123", fmt.Sprintf("VNI %d of %v", vni, outer)
	}})
	frames := []*tx.Frame{txtest.Frame(0, 0, false, 5), txtest.Frame(1, 1, false, 5), txtest.Frame(0, 2, false, 5), {Tail: []byte("plain")}}
	frames[3].Nanos = frames[2].Nanos // a reader replaces times that are years apart
	for _, f := range frames {
		o.Add(f)
	}
	o.Flush()
	require.NoError(t, p.Close())
	_, files := readFolder(t, dir)
	require.Len(t, files, 1)
	var got []string
	for _, f := range files[0] {
		got = append(got, fmt.Sprintf("%d %s: %s", f.InterfaceIndex, f.name, f.comment))
	}
	assert.Equal(t, []string{"0 eni-0123: VNI 100 of 10.9.0.0", "1 10.9.0.1 vni 101: none known", "0 eni-0123: VNI 100 of 10.9.0.0",
		"2 eni-0123: VNI 0 of invalid IP"}, got)
}

// TestKeepsTheOrderOfEachWorker.
func TestKeepsTheOrderOfEachWorker(t *testing.T) {
	const workers, each = 4, 500
	dir := t.TempDir()
	p, err := pcap.Open(pcap.Config{Dir: dir, Wait: true, Queue: 20_000})
	require.NoError(t, err)
	var all sync.WaitGroup
	for w := range uint32(workers) {
		o, err := p.Open()
		require.NoError(t, err)
		all.Go(func() {
			for i := range uint32(each) {
				o.Add(txtest.Frame(w, i, false, 300))
				if i%13 == 0 {
					o.Flush()
				}
			}
			o.Flush()
			assert.NoError(t, o.Close())
		})
	}
	all.Wait()
	require.NoError(t, p.Close())
	_, files := readFolder(t, dir)
	var next [workers]uint32
	for _, frames := range files {
		for _, f := range frames {
			flow := txtest.Flow(f.data)
			requireFrame(t, txtest.Frame(flow, next[flow], false, 300), &f)
			next[flow]++
		}
	}
	assert.Equal(t, [workers]uint32{each, each, each, each}, next)
}

// TestStream: a reader gets each frame without waiting for more, and what was written with nothing in it is a capture too.
func TestStream(t *testing.T) {
	for _, classic := range []bool{false, true} {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		p, o := openOut(t, pcap.Config{To: w, Classic: classic})
		var next func() ([]byte, gopacket.CaptureInfo, error)
		for i := range uint32(10) {
			f := txtest.Frame(i, i, false, 50)
			o.Add(f)
			o.Flush()
			if next == nil && classic {
				plain, err := pcapgo.NewReader(r)
				require.NoError(t, err)
				next = plain.ReadPacketData
			} else if next == nil {
				ng, err := pcapgo.NewNgReader(r, pcapgo.DefaultNgReaderOptions)
				require.NoError(t, err)
				next = ng.ReadPacketData
			}
			data, info, err := next()
			require.NoError(t, err)
			requireFrame(t, f, &recorded{CaptureInfo: info, data: data})
		}
		require.NoError(t, p.Close())
		r.Close()
		w.Close()

		var empty bytes.Buffer
		p, _ = openOut(t, pcap.Config{To: &empty, Classic: classic})
		require.NoError(t, p.Close())
		assert.Empty(t, readCapture(t, &empty, classic))
	}
}

// TestStreamWithoutAReader: it is logged once, and the frames are counted.
func TestStreamWithoutAReader(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, r.Close())
	var log txtest.Log
	p, o := openOut(t, pcap.Config{To: w, Wait: true, Log: log.Logger()})
	for i := range uint32(1000) {
		o.Add(txtest.Frame(1, i, false, 1000))
		o.Flush()
	}
	require.NoError(t, p.Close())
	assert.Equal(t, tx.Counts{Dropped: [tx.Losses]uint64{tx.Down: 1000}, Outages: 1}, p.Counts())
	assert.Equal(t, 1, strings.Count(log.String(), "\n"), "%s", log.String())
	assert.Contains(t, log.String(), "broken pipe")
}

// A gate is a reader that takes nothing until it is opened.
type gate struct {
	open chan struct{}
	got  bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	return g.got.Write(p)
}

// TestDoesNotWait for a reader that takes nothing: what the queue has no room for is counted, and all else is written.
func TestDoesNotWait(t *testing.T) {
	const frames = 3000
	g := &gate{open: make(chan struct{})}
	p, o := openOut(t, pcap.Config{To: g, Queue: 100_000})
	for i := range uint32(frames) {
		o.Add(txtest.Frame(1, i, false, 500))
		if i%10 == 9 {
			o.Flush()
		}
	}
	counts := p.Counts()
	assert.Positive(t, counts.Dropped[tx.QueueFull])
	assert.Equal(t, uint64(frames), counts.Dropped[tx.QueueFull]+counts.Queued)
	close(g.open)
	require.NoError(t, p.Close())
	counts = p.Counts()
	assert.Equal(t, uint64(frames), counts.Dropped[tx.QueueFull]+counts.Frames)
	assert.Len(t, readCapture(t, &g.got, false), int(counts.Frames))
}

// TestCloseGivesUp on a reader that takes nothing at all.
func TestCloseGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		p, o := openOut(t, pcap.Config{To: g})
		o.Add(txtest.Frame(1, 0, false, 500))
		o.Add(txtest.Frame(1, 1, false, 500))
		o.Flush()
		assert.EqualError(t, p.Close(), "pcap target: 2 frames were not written: their reader took none for 5s")
		counts := p.Counts()
		close(g.open)
		synctest.Wait()
		assert.Equal(t, tx.Counts{Dropped: [tx.Losses]uint64{tx.QueueFull: 2}}, counts)
		assert.Equal(t, counts, p.Counts())
	})
}

// TestFinishesAFileOnAQuietWire: by the clock, unless it writes what was captured before.
func TestFinishesAFileOnAQuietWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, wait := range []bool{false, true} {
			dir := t.TempDir()
			p, o := openOut(t, pcap.Config{Dir: dir, Rotate: time.Minute, Wait: wait})
			o.Add(txtest.Frame(1, 0, false, 500))
			o.Flush()
			time.Sleep(59 * time.Second)
			synctest.Wait()
			files, _ := readFolder(t, dir)
			assert.Empty(t, files)
			time.Sleep(3 * time.Second)
			synctest.Wait()
			files, _ = readFolder(t, dir)
			assert.Equal(t, !wait, len(files) == 1)
			require.NoError(t, p.Close())
		}
	})
}

// TestFolderGone: it is logged once and counted, and writing goes on by itself when the folder is back.
func TestFolderGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "captures")
		require.NoError(t, os.Mkdir(dir, 0o700))
		var log txtest.Log
		p, o := openOut(t, pcap.Config{Dir: dir, Rotate: time.Hour, Log: log.Logger()})
		sent := uint64(0)
		send := func() tx.Counts {
			for range 10 {
				o.Add(txtest.Frame(1, 0, false, 100))
				sent++
			}
			o.Flush()
			synctest.Wait()
			c := p.Counts()
			assert.Equal(t, sent, c.Frames+c.Dropped[tx.Down])
			return c
		}
		assert.Equal(t, uint64(10), send().Frames)
		require.NoError(t, os.RemoveAll(dir))
		for range 5 {
			time.Sleep(time.Second)
			send()
		}
		assert.Equal(t, uint64(10), p.Counts().Frames)
		assert.Equal(t, uint64(1), p.Counts().Outages)
		require.NoError(t, os.Mkdir(dir, 0o700))
		assert.Equal(t, uint64(10), send().Frames, "not tried again so soon")
		time.Sleep(time.Second)
		assert.Equal(t, uint64(20), send().Frames)
		require.NoError(t, p.Close())
		_, files := readFolder(t, dir)
		require.Len(t, files, 1)
		assert.Len(t, files[0], 10)
		assert.Equal(t, 1, strings.Count(log.String(), "level=ERROR"), "%s", log.String())
		assert.Equal(t, 1, strings.Count(log.String(), "captures are written again"), "%s", log.String())
	})
}

// TestFinishesLeftovers: of a file that was cut anywhere, what is whole is kept; without frames it goes.
func TestFinishesLeftovers(t *testing.T) {
	for _, classic := range []bool{false, true} {
		var frames []*tx.Frame
		for i := range uint32(20) {
			frames = append(frames, txtest.Frame(i, i, false, 30+int(i)))
		}
		files := writePcap(t, pcap.Config{Dir: filepath.Join(t.TempDir(), "a"), Classic: classic, Wait: true}, frames, 3)
		whole, err := os.ReadFile(files[0])
		require.NoError(t, err)
		rapid.Check(t, func(t *rapid.T) {
			dir, err := os.MkdirTemp("", "pcap")
			require.NoError(t, err)
			defer os.RemoveAll(dir)
			n, zeros := rapid.IntRange(0, len(whole)).Draw(t, "cut"), rapid.SampledFrom([]int{0, 4096}).Draw(t, "zeros")
			cut := append(bytes.Clone(whole[:n]), make([]byte, zeros)...)
			part := filepath.Join(dir, "."+filepath.Base(files[0])+".part")
			require.NoError(t, os.WriteFile(part, cut, 0o600))
			p, err := pcap.Open(pcap.Config{Dir: dir, Classic: classic, Log: slog.New(slog.DiscardHandler)})
			require.NoError(t, err)
			require.NoError(t, p.Close())
			require.Empty(t, hidden(t, dir))
			_, rescued := readFolder(t, dir)
			var got []recorded
			for _, all := range rescued {
				got = append(got, all...)
			}
			require.True(t, n < len(whole) || len(got) == len(frames))
			for i := range got {
				if zeros == 0 || !classic || i < len(got)-1 { // whether pcap's last frame ends in a crash's zeros is not known
					requireFrame(t, frames[i], &got[i])
				}
			}
		})
	}
}

// TestLeavesOthersAlone: a file that another process writes is no leftover.
func TestLeavesOthersAlone(t *testing.T) {
	dir := t.TempDir()
	cfg := pcap.Config{Dir: dir, Log: slog.New(slog.DiscardHandler)}
	first, o := openOut(t, cfg)
	o.Add(txtest.Frame(1, 0, false, 100))
	o.Flush()
	require.Eventually(t, func() bool { return first.Counts().Frames == 1 }, 2*time.Minute, time.Millisecond)
	second, other := openOut(t, cfg)
	require.Len(t, hidden(t, dir), 1)
	other.Add(txtest.Frame(2, 0, false, 100)) // at the same time
	other.Flush()
	require.NoError(t, second.Close())
	o.Add(txtest.Frame(1, 1, false, 100))
	o.Flush()
	require.NoError(t, first.Close())
	assert.Empty(t, hidden(t, dir))
	files, frames := readFolder(t, dir)
	require.Len(t, files, 2)
	assert.Len(t, append(frames[0], frames[1]...), 3)
}

func TestConfigErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, c := range []struct {
		cfg  pcap.Config
		want string
	}{
		{pcap.Config{}, "give either a folder or a pipe"},
		{pcap.Config{Dir: dir, To: io.Discard}, "give either a folder or a pipe"},
		{pcap.Config{To: io.Discard, Rotate: time.Minute}, "a pipe has no files to rotate: give a folder, or neither a time nor a size"},
		{pcap.Config{Dir: dir, Rotate: time.Millisecond}, "cannot rotate every 1ms: give at least 1s"},
		{pcap.Config{Dir: dir, Size: 1000}, "files of 1000 bytes are too small: give at least 65536"},
		{pcap.Config{Dir: dir, Queue: -1}, "a queue of -1 bytes holds nothing: give at least 1"},
		{pcap.Config{Dir: dir + "/none"}, "folder " + dir + "/none does not exist: create it first"},
	} {
		_, err := pcap.Open(c.cfg)
		assert.EqualError(t, err, "pcap target: "+c.want)
	}
	_, err := pcap.Open(pcap.Config{Dir: file})
	assert.ErrorContains(t, err, "not a directory")
	assert.Empty(t, hidden(t, dir))
}
