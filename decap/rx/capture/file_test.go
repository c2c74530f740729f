package capture

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

// A frameCopy is a datagram whose bytes were copied, so that it outlives its batch.
type frameCopy struct {
	Data    string
	Nanos   int64
	WireLen int
	Link    decap.Link
}

// readAll reads a capture to its end and holds every batch to the contract. It returns nil for io.EOF.
func readAll(tb testing.TB, c *Reader) ([]frameCopy, error) {
	tb.Helper()
	var frames []frameCopy
	var b decap.Batch
	stale := decap.Datagram{Outer: netip.MustParseAddrPort("192.0.2.1:1"), Nanos: -1, Link: 255}
	for {
		for i := range b.D { // a Read has to overwrite this
			b.D[i] = stale
		}
		offset := c.Offset()
		err := c.Read(&b)
		require.GreaterOrEqual(tb, c.Offset(), offset)
		if err != nil {
			require.Zero(tb, b.N, "an error comes without datagrams")
			require.Equal(tb, err, c.Read(&b), "an error is final")
			if errors.Is(err, io.EOF) {
				return frames, nil
			}
			return frames, err
		}
		require.NotZero(tb, b.N, "a capture never gives an empty batch")
		for _, d := range b.D[:b.N] {
			if !sound(&d) {
				require.Failf(tb, "breaks the contract", "%+v", d)
			}
			frames = append(frames, frameCopy{string(d.Data), d.Nanos, d.WireLen, d.Link})
		}
	}
}

// sound reports whether a datagram is valid, as every capture's must be.
func sound(d *decap.Datagram) bool {
	return cap(d.Data) == len(d.Data) && d.WireLen >= len(d.Data) && d.Nanos >= 0 && d.Nanos <= maxNanos &&
		d.Outer == netip.AddrPort{} && d.Link <= decap.LinkUnsupported
}

// writeFile writes a file that the test removes.
func writeFile(tb testing.TB, content []byte) string {
	tb.Helper()
	name := filepath.Join(tb.TempDir(), "test.cap")
	require.NoError(tb, os.WriteFile(name, content, 0o600))
	return name
}

func compress(tb testing.TB, content []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(content)
	require.NoError(tb, err)
	require.NoError(tb, z.Close())
	return b.Bytes()
}

// ways are the ways in which the same bytes can come.
var ways = map[string]func(tb testing.TB, content []byte) (*Reader, error){
	"file": func(tb testing.TB, content []byte) (*Reader, error) {
		return Open(writeFile(tb, content))
	},
	"stream": func(_ testing.TB, content []byte) (*Reader, error) {
		return NewReader(bytes.NewReader(content), "test")
	},
	"byte by byte": func(_ testing.TB, content []byte) (*Reader, error) {
		return NewReader(iotest.OneByteReader(bytes.NewReader(content)), "test")
	},
	"data with error": func(_ testing.TB, content []byte) (*Reader, error) {
		return NewReader(iotest.DataErrReader(bytes.NewReader(content)), "test")
	},
	"gzip file": func(tb testing.TB, content []byte) (*Reader, error) {
		return Open(writeFile(tb, compress(tb, content)))
	},
	"gzip stream": func(tb testing.TB, content []byte) (*Reader, error) {
		return NewReader(bytes.NewReader(compress(tb, content)), "test")
	},
}

// readEveryWay returns the frames and the error of a capture, which have to be the same in whatever way it comes.
func readEveryWay(t *testing.T, content []byte) ([]frameCopy, error) {
	t.Helper()
	want, wantErr := readBy(t, "file", content)
	for way := range ways {
		got, err := readBy(t, way, content)
		require.Equal(t, want, got, way)
		require.Equal(t, problemOf(wantErr), problemOf(err), way)
	}
	return want, wantErr
}

func readBy(tb testing.TB, way string, content []byte) ([]frameCopy, error) {
	tb.Helper()
	c, err := ways[way](tb, content)
	if err != nil {
		return nil, err
	}
	frames, err := readAll(tb, c)
	require.NoError(tb, c.Close())
	return frames, err
}

// problemOf returns an error without the name of the file.
func problemOf(err error) any {
	var corrupt *CorruptError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &corrupt):
		return CorruptError{Offset: corrupt.Offset, Err: corrupt.Err}
	}
	_, problem, _ := strings.Cut(err.Error(), ": ")
	return problem
}

func TestRefused(t *testing.T) {
	pcap := buildPcap(pcapSpec{}, sampleFrames)
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"empty":           {nil, "empty file"},
		"text":            {[]byte("hello, this is a log file\n"), "not a capture file (pcap, pcapng or gzip of them)"},
		"short text":      {[]byte("hi"), "not a capture file (pcap, pcapng or gzip of them)"},
		"empty gzip":      {compress(t, nil), "empty file"},
		"gzip of text":    {compress(t, []byte("hello")), "not a capture file (pcap, pcapng or gzip of them)"},
		"gzip of hi":      {compress(t, []byte("hi")), "not a capture file (pcap, pcapng or gzip of them)"},
		"gzip of gzip":    {compress(t, compress(t, pcap)), "not a capture file (pcap, pcapng or gzip of them)"},
		"cut gzip header": {compress(t, pcap)[:5], "byte 0 (uncompressed): the compressed data is truncated"},
		"bad gzip header": {append([]byte{0x1f, 0x8b, 99}, compress(t, pcap)[3:]...),
			"byte 0 (uncompressed): damaged: gzip: invalid header"},
		"cut header": {pcap[:23], "byte 0: truncated: 23 of at least 24 bytes of a record are there"},
	} {
		t.Run(name, func(t *testing.T) {
			file := writeFile(t, c.content)
			_, err := Open(file)
			assert.EqualError(t, err, file+": "+c.want)
			_, err = NewReader(bytes.NewReader(c.content), "stream")
			assert.EqualError(t, err, "stream: "+c.want)
		})
	}
}

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(filepath.Join(dir, "none"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = Open(dir)
	assert.EqualError(t, err, "read "+dir+": is a directory")

	broken := errors.New("device broke")
	_, err = NewReader(iotest.ErrReader(broken), "tape")
	assert.EqualError(t, err, "read tape: device broke")

	whole := buildPcap(pcapSpec{}, sampleFrames)
	c, err := NewReader(io.MultiReader(bytes.NewReader(whole), iotest.ErrReader(broken)), "tape")
	require.NoError(t, err)
	frames, err := readAll(t, c)
	assert.Len(t, frames, len(sampleFrames), "what was read before counts")
	assert.ErrorIs(t, err, broken)
	assert.EqualError(t, err, "read tape: device broke")
}

func TestSparse(t *testing.T) {
	name := writeFile(t, nil)
	require.NoError(t, os.Truncate(name, 4<<30))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Open(name)
	runtime.ReadMemStats(&after)
	assert.ErrorIs(t, err, errNotCapture)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
}

// TestCut cuts captures after every byte. Between two records that is an end like any other; within one, the frames
// before it come out, and the error has its offset.
func TestCut(t *testing.T) {
	for format, content := range allFormats() {
		for _, way := range []string{"file", "stream"} {
			t.Run(format+" "+way, func(t *testing.T) { testCaptureCut(t, way, content) })
		}
	}
}

func testCaptureCut(t *testing.T, way string, content []byte) {
	boundaries := boundaries(content)
	boundary, before := 0, []frameCopy(nil)
	for cut := magicLen; cut <= len(content); cut++ {
		frames, err := readBy(t, way, content[:cut])
		if boundaries[cut] {
			require.NoError(t, err)
			boundary, before = cut, frames
			continue
		}
		var corrupt *CorruptError
		require.ErrorAs(t, err, &corrupt)
		require.EqualValues(t, boundary, corrupt.Offset)
		require.ErrorContains(t, err, "truncated")
		require.NotContains(t, err.Error(), "\n")
		require.Equal(t, before, frames)
	}
	require.Equal(t, len(content), boundary)
	require.Len(t, before, len(sampleFrames))
}

// boundaries walks a little-endian capture by its lengths, and returns where its headers, records and blocks end.
func boundaries(content []byte) map[int]bool {
	ends := map[int]bool{}
	if isPcapng(content) {
		for at := 0; at < len(content); ends[at] = true {
			at += int(binary.LittleEndian.Uint32(content[at+4:]))
		}
		return ends
	}
	ends[24] = true
	for at := 24; at < len(content); ends[at] = true {
		at += 16 + int(binary.LittleEndian.Uint32(content[at+8:]))
	}
	return ends
}

// TestCutGzip cuts compressed data: a prefix of the frames comes out, and never an end that looks like the real one.
func TestCutGzip(t *testing.T) {
	for format, content := range allFormats() {
		t.Run(format, func(t *testing.T) {
			whole, err := readBy(t, "file", content)
			require.NoError(t, err)
			compressed := compress(t, content)
			for cut := 1; cut < len(compressed); cut++ {
				frames, err := readBy(t, "stream", compressed[:cut])
				require.Error(t, err)
				require.Equal(t, whole[:len(frames)], append([]frameCopy{}, frames...))
			}
			compressed[len(compressed)-5] ^= 1 // in the checksum
			frames, err := readBy(t, "file", compressed)
			require.ErrorIs(t, err, gzip.ErrChecksum)
			require.Equal(t, whole, frames)
		})
	}
}

// TestOffset checks that progress ends at the file's size, whatever is at its end.
func TestOffset(t *testing.T) {
	for format, content := range allFormats() {
		for _, content := range [][]byte{content, compress(t, content)} {
			c, err := Open(writeFile(t, content))
			require.NoError(t, err)
			assert.EqualValues(t, len(content), c.Size(), format)
			_, err = readAll(t, c)
			require.NoError(t, err)
			assert.Equal(t, c.Size(), c.Offset(), format)
			require.NoError(t, c.Close())
		}
	}
}

// TestBatches checks that full batches come from a mapped file, and all frames of buffers that are moved and grown.
func TestBatches(t *testing.T) {
	var frames []pcapFrame
	for i := range 3*decap.BatchSize + 1 {
		frames = append(frames, pcapFrame{sec: uint32(i), data: bytes.Repeat([]byte{byte(i)}, i*37%3000)})
	}
	frames = append(frames, pcapFrame{data: make([]byte, maxFrame)}, pcapFrame{data: []byte("after the largest")})
	got, err := readEveryWay(t, buildPcap(pcapSpec{}, frames))
	require.NoError(t, err)
	require.Len(t, got, len(frames))
	for i, f := range frames {
		require.Equal(t, string(f.data), got[i].Data)
	}

	large := slices.Repeat([]pcapFrame{{data: make([]byte, 3000)}}, 3*decap.BatchSize+1) // the window moves in the third batch
	c, err := Open(writeFile(t, buildPcap(pcapSpec{}, large)))
	require.NoError(t, err)
	var sizes []int
	var b decap.Batch
	for c.Read(&b) == nil {
		sizes = append(sizes, b.N)
	}
	assert.Equal(t, []int{64, 64, 64, 1}, sizes)
}

// TestHostileLength checks that a stated length costs no memory before as much data has come.
func TestHostileLength(t *testing.T) {
	var ng blockWriter
	ng.section()
	content := append(ng.b, unhex("01 00 00 00 00 00 00 01 de ad be ef")...) // a block of 16 MiB
	c, err := NewReader(bytes.NewReader(content), "test")
	require.NoError(t, err)
	frames, err := readAll(t, c)
	require.Empty(t, frames)
	require.EqualError(t, err, "test: byte 28: truncated: 12 of at least 16777216 bytes of a record are there")
	require.LessOrEqual(t, cap(c.in.buf), 2*windowLen)
}

func TestClose(t *testing.T) {
	content := buildPcap(pcapSpec{}, make([]pcapFrame, 10*decap.BatchSize))
	for way, open := range ways {
		t.Run(way, func(t *testing.T) {
			c, err := open(t, content)
			require.NoError(t, err)
			var b decap.Batch
			require.NoError(t, c.Read(&b))
			first := string(b.D[0].Data)
			require.NoError(t, c.Close())
			require.NoError(t, c.Close(), "Close may be called again")
			require.Equal(t, first, string(b.D[0].Data), "the last batch outlives Close")
			require.ErrorIs(t, c.Read(&b), os.ErrClosed)
			require.Zero(t, b.N)
			require.ErrorIs(t, c.Read(&b), os.ErrClosed)
		})
	}
}

// TestCloseMeanwhile closes from another goroutine while frames are read and looked at.
func TestCloseMeanwhile(t *testing.T) {
	frames := make([]pcapFrame, 1000*decap.BatchSize)
	for i := range frames {
		frames[i].data = []byte("0123456789")
	}
	name := writeFile(t, buildPcap(pcapSpec{}, frames))
	c, err := Open(name)
	require.NoError(t, err)
	var b decap.Batch
	require.NoError(t, c.Read(&b))
	done := make(chan error)
	go func() { done <- c.Close() }()
	for err == nil {
		for _, d := range b.D[:b.N] {
			require.Equal(t, "0123456789", string(d.Data))
		}
		_ = c.Offset()
		err = c.Read(&b)
	}
	require.True(t, errors.Is(err, os.ErrClosed) || errors.Is(err, io.EOF), err)
	require.NoError(t, <-done)
}

// largeCapture writes about 40 MB of frames of 20 to 1500 bytes, and returns how many.
func largeCapture(tb testing.TB, format string) (name string, size int64) {
	tb.Helper()
	const count = 50_000
	data := make([]byte, 1500)
	var content []byte
	switch format {
	case "pcap":
		frames := make([]pcapFrame, count)
		for i := range frames {
			frames[i] = pcapFrame{sec: uint32(i), data: data[:20+i*7919%1480]}
		}
		content = buildPcap(pcapSpec{}, frames)
	case "pcapng":
		var ng blockWriter
		ng.section()
		ng.describe(1, 0)
		for i := range count {
			ng.enhanced(0, uint64(i), data[:20+i*7919%1480], 0)
		}
		content = ng.b
	}
	return writeFile(tb, content), int64(len(content))
}

// TestAllocations checks that a Read does not allocate: of a mapped file never, of a stream once its buffer is there.
func TestAllocations(t *testing.T) {
	for _, format := range []string{"pcap", "pcapng"} {
		name, _ := largeCapture(t, format)
		mapped, err := Open(name)
		require.NoError(t, err)
		f, err := os.Open(name)
		require.NoError(t, err)
		stream, err := NewReader(f, name)
		require.NoError(t, err)
		for way, c := range map[string]*Reader{"mapped": mapped, "stream": stream} {
			var b decap.Batch
			var failed error
			allocations := 1.0
			for try := 0; try < 3 && allocations > 0; try++ { // the runtime allocates too, now and then; a Read would each time
				allocations = testing.AllocsPerRun(1, func() { // of all 100 together: an average would be rounded down
					for range 100 {
						failed = errors.Join(failed, c.Read(&b))
					}
				})
			}
			require.NoError(t, failed)
			assert.Zero(t, allocations, "%s %s", way, format)
			require.NoError(t, c.Close())
		}
		require.NoError(t, f.Close())
	}
}
