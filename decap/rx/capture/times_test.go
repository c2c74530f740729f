package capture

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
)

// Times for tests, in seconds.
const (
	noon   = 1_700_000_000
	hour   = 3600
	day    = 24 * hour
	year   = 366 * day
	future = 4_200_000_000 // the year 2103
)

// captureOf returns a capture of frames at times in seconds, in each format.
func captureOf(seconds []int64) map[string][]byte {
	all := map[string][]byte{}
	for name, spec := range map[string]pcapSpec{
		"pcap":             {},
		"big-endian pcap":  {order: binary.BigEndian, magic: magicMicro, link: 1},
		"nanoseconds pcap": {magic: magicNano, link: 1},
	} {
		var frames []pcapFrame
		for _, s := range seconds {
			frames = append(frames, pcapFrame{sec: uint32(s), data: []byte("frame")})
		}
		all[name] = buildPcap(spec, frames)
	}
	for name, order := range map[string]appendOrder{"pcapng": binary.LittleEndian, "big-endian pcapng": binary.BigEndian} {
		ng := blockWriter{order: order}
		ng.section()
		ng.describe(1, 0)
		for _, s := range seconds {
			ng.enhanced(0, uint64(s)*1e6, []byte("frame"), 0)
			ng.block(5, make([]byte, 12)) // statistics are no frame
		}
		all[name] = ng.b
	}
	return all
}

// secondsOf returns the times of frames.
func secondsOf(frames []frameCopy) (seconds []int64) {
	for _, f := range frames {
		seconds = append(seconds, f.Nanos/1e9)
	}
	return seconds
}

// TestMisdated has times that cannot be right, and steps that are: merged captures, clocks that are set, silent days.
func TestMisdated(t *testing.T) {
	usual := []int64{noon, noon + 1, noon + 2, noon + 3, noon + 4, noon + 5}
	with := func(i int, odd ...int64) []int64 { return slices.Insert(slices.Clone(usual), i, odd...) }
	for name, c := range map[string]struct{ times, want []int64 }{
		"usual":                    {usual, nil},
		"one in the future":        {with(3, future), with(3, noon+2)},
		"an hour and more":         {with(3, noon+hour+10), with(3, noon+2)},
		"less than an hour":        {with(3, noon+hour), nil},
		"three in the future":      {with(3, future, future+1, future+2), with(3, noon+2, noon+2, noon+2)},
		"two, years apart":         {with(3, future, future-2*year), with(3, noon+2, noon+2)},
		"four agree":               {with(3, future, future+1, future+2, future+3, noon+3, noon+3, noon+3), nil},
		"at the start":             {with(0, future), with(0, noon)},
		"at the end":               {with(6, future), with(6, noon+5)},
		"two at the end":           {with(6, future, future+1), nil},
		"a day later at the end":   {with(6, noon+day), nil},
		"zero":                     {with(3, 0), with(3, noon+2)},
		"zero at the start":        {with(0, 0), with(0, noon)},
		"zero at the end":          {with(6, 0), with(6, noon+5)},
		"a day earlier":            {with(3, noon-day), nil},
		"every other frame":        {[]int64{noon, future, noon + 1, future, noon + 2, future}, []int64{noon, noon, noon + 1, noon + 1, noon + 2, noon + 2}},
		"a frame a day":            {[]int64{noon, noon + day, noon + 2*day, noon + 3*day}, nil},
		"pairs of frames a day":    {[]int64{noon, noon + 1, noon + day, noon + day + 1, noon + 2*day}, nil},
		"a clock that was not set": {[]int64{5, 6, 7, noon, noon + 1, noon + 2, noon + 3}, []int64{noon, noon, noon, noon, noon + 1, noon + 2, noon + 3}},
		"set back for good":        {append(with(6, noon-day), noon-day+1, noon-day+2, noon-day+3, noon-day+4), nil},
		"set back, then one odd": {append(with(6, noon-day), noon-day+1, noon-day+2, noon-day+3, future, noon-day+4),
			append(with(6, noon-day), noon-day+1, noon-day+2, noon-day+3, noon-day+3, noon-day+4)},
		"before 1971": {[]int64{1, 2, 3}, nil},
		"one frame":   {[]int64{future}, nil},
	} {
		if c.want == nil {
			c.want = c.times
		}
		for format, content := range captureOf(c.times) {
			got, err := readBy(t, "stream", content)
			if format == "pcap" || format == "pcapng" {
				got, err = readEveryWay(t, content)
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, secondsOf(got), "%s in %s", name, format)
		}
	}
}

// TestMisdatedIsMarked checks that the frames with another time are marked, and only these.
func TestMisdatedIsMarked(t *testing.T) {
	for format, content := range captureOf([]int64{noon, future, noon + 1, noon + 2}) {
		c, err := ways["stream"](t, content)
		require.NoError(t, err)
		var marked []bool
		for b := new(decap.Batch); c.Read(b) == nil; {
			for i := range b.N {
				marked = append(marked, b.D[i].Misdated)
			}
		}
		assert.Equal(t, []bool{false, true, false, false}, marked, format)
	}
}

// TestMisdatedProperty puts runs of at most three impossible times between frames a few seconds apart. All other times stay, and these become
// the time before them, wherever batches and buffers end.
func TestMisdatedProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var times, want []int64
		now := int64(noon)
		for range rapid.IntRange(1, 150).Draw(rt, "frames") {
			now += rapid.Int64Range(0, 20).Draw(rt, "step")
			times, want = append(times, now), append(want, now)
			if rapid.IntRange(0, 9).Draw(rt, "odd") > 0 {
				continue
			}
			odd := rapid.SampledFrom([]int64{0, 1000, future, noon + 2*year, noon + 5*hour}).Draw(rt, "time")
			for range rapid.IntRange(1, confirmations).Draw(rt, "run") {
				times, want = append(times, odd), append(want, now)
			}
		}
		times, want = append(times, now), append(want, now)
		format := rapid.SampledFrom([]string{"pcap", "big-endian pcap", "nanoseconds pcap", "pcapng", "big-endian pcapng"}).Draw(rt, "format")
		way := rapid.SampledFrom([]string{"file", "stream", "byte by byte", "gzip stream"}).Draw(rt, "way")
		got, err := readBy(t, way, captureOf(times)[format])
		require.NoError(rt, err)
		require.Equal(rt, want, secondsOf(got))
	})
}

// TestPcapngUntimed has frames without a time before others, after them, and alone.
func TestPcapngUntimed(t *testing.T) {
	for name, c := range map[string]struct {
		blocks string // s for a frame without a time, t for one with the next, x for a block without a frame, i for an interface
		want   []int64
	}{
		"first":                          {"st", []int64{noon, noon}},
		"several first":                  {"sssxtt", []int64{noon, noon, noon, noon, noon + 1}},
		"between":                        {"tsts", []int64{noon, noon, noon + 1, noon + 1}},
		"alone":                          {"ss", []int64{0, 0}},
		"before another interface":       {"sit", []int64{0, noon}},
		"alone and a block that is none": {"sxx", []int64{0}},
	} {
		var ng blockWriter
		ng.section()
		ng.describe(1, 0)
		now := uint64(noon)
		for _, block := range c.blocks {
			switch block {
			case 's':
				ng.simple([]byte("frame"), 0)
			case 't':
				ng.enhanced(0, now*1e6, []byte("frame"), 0)
				now++
			case 'i':
				ng.describe(1, 0)
			default:
				ng.block(5, make([]byte, 12))
			}
		}
		got, err := readEveryWay(t, ng.b)
		require.NoError(t, err)
		assert.Equal(t, c.want, secondsOf(got), name)
	}
}

// TestPcapngUntimedFlood has more frames without a time than are searched: the reader does not wait for ever, nor keep all of them.
func TestPcapngUntimedFlood(t *testing.T) {
	var ng blockWriter
	ng.section()
	ng.describe(1, 0)
	const count = 3 * maxAhead / 1016
	for range count {
		ng.simple(make([]byte, 1000), 0)
	}
	ng.enhanced(0, noon*1e6, []byte("timed"), 0)
	got, err := readEveryWay(t, ng.b)
	require.NoError(t, err)
	require.Len(t, got, count+1)
	assert.Zero(t, got[0].Nanos)
}

// TestCutWhileWaiting cuts a capture within a frame whose successors decide about its time: it comes out, then the error.
func TestCutWhileWaiting(t *testing.T) {
	for format, content := range captureOf([]int64{noon, noon + day, noon + day + 1}) {
		cut := 3
		if isPcapng([]byte(content)) {
			cut += 24 // the last frame is in the block before the last
		}
		got, err := readEveryWay(t, content[:len(content)-cut])
		var corrupt *CorruptError
		require.ErrorAs(t, err, &corrupt, format)
		assert.Equal(t, []int64{noon, noon + day}, secondsOf(got), format)
	}
}
