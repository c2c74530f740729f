package capture

import (
	"encoding/binary"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestClock(t *testing.T) {
	const day = 1_700_000_000
	offset := func(seconds int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(seconds)) }
	for name, c := range map[string]struct {
		options []any
		units   uint64
		want    int64
	}{
		"no option":              {nil, day*1e6 + 1, day*1e9 + 1000},
		"seconds":                {[]any{9, []byte{0}}, day, day * 1e9},
		"milliseconds":           {[]any{9, []byte{3}}, day*1e3 + 1, day*1e9 + 1e6},
		"nanoseconds":            {[]any{9, []byte{9}}, day*1e9 + 1, day*1e9 + 1},
		"picoseconds":            {[]any{9, []byte{12}}, 7_000_999, 7000},
		"10^-28":                 {[]any{9, []byte{28}}, math.MaxUint64, 1},
		"10^-29":                 {[]any{9, []byte{29}}, math.MaxUint64, 0},
		"2^0":                    {[]any{9, []byte{0x80}}, day, day * 1e9},
		"2^-20":                  {[]any{9, []byte{0x80 | 20}}, day<<20 | 1<<19, day*1e9 + 5e8},
		"2^-32":                  {[]any{9, []byte{0x80 | 32}}, day<<32 | 1<<31, day*1e9 + 5e8},
		"2^-63":                  {[]any{9, []byte{0x80 | 63}}, 3 << 62, 15e8},
		"2^-64":                  {[]any{9, []byte{0x80 | 64}}, 1 << 63, 5e8},
		"2^-127":                 {[]any{9, []byte{0x80 | 127}}, math.MaxUint64, 0},
		"offset":                 {[]any{14, offset(day)}, 5, day*1e9 + 5000},
		"offset before the rest": {[]any{14, offset(-1), 9, []byte{0}}, day, (day - 1) * 1e9},
		"before 1970":            {[]any{14, offset(-2)}, 1, 0},
		"far before 1970":        {[]any{14, offset(math.MinInt64)}, 1, 0},
		"after 2116":             {[]any{9, []byte{0}}, 5_000_000_000, maxNanos},
		"far after 2116":         {[]any{9, []byte{0}}, math.MaxUint64, maxNanos},
		"offset after 2116":      {[]any{14, offset(math.MaxInt64)}, 1e6, maxNanos},
		"options end":            {[]any{0, []byte(nil), 9, []byte{0}}, 1, 1000},
		"odd lengths":            {[]any{9, []byte{0, 0}, 14, []byte{1}}, 1, 1000},
		"other options":          {[]any{2, []byte("lo"), 11, []byte("tcp port 80"), 9, []byte{0}}, 1, 1e9},
	} {
		t.Run(name, func(t *testing.T) {
			var ng blockWriter
			ng.section()
			ng.describe(1, 0, c.options...)
			ng.enhanced(0, c.units, nil, 0)
			got, err := readBy(t, "file", ng.b)
			require.NoError(t, err)
			assert.Equal(t, c.want, got[0].Nanos)
		})
	}
}

// TestClockExact compares with integers that have no bound: no stamp, resolution or offset overflows.
func TestClockExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		resolution := rapid.Byte().Draw(t, "resolution")
		seconds := rapid.Int64().Draw(t, "offset")
		units := rapid.Uint64().Draw(t, "units")

		var ng blockWriter
		ng.section()
		options := append(ng.u16(nil, optionResolution, 1), resolution, 0, 0, 0)
		options = binary.LittleEndian.AppendUint64(ng.u16(options, optionOffset, 8), uint64(seconds))
		c, err := clockOf(options, littleEndian)
		require.NoError(t, err)

		exact := clamp(exactNanos(units, resolution), 0, maxNanos)
		limit := int64(maxNanos / 1_000_000_000)
		exact += max(-limit, min(seconds, limit)) * 1e9
		got := c.nanos(units)
		// Finer than 2^-72 s the factor is rounded: 2 ns at most, of stamps that are all within a few milliseconds.
		assert.InDelta(t, max(0, min(exact, maxNanos)), got, clockError(resolution))
	})
}

func clockError(resolution byte) float64 {
	if resolution > 0x80|72 {
		return 2
	}
	return 0
}

// exactNanos returns units / resolution in nanoseconds.
func exactNanos(units uint64, resolution byte) *big.Int {
	base := int64(10)
	if resolution&0x80 != 0 {
		base = 2
	}
	perSecond := new(big.Int).Exp(big.NewInt(base), big.NewInt(int64(resolution&0x7f)), nil)
	n := new(big.Int).Mul(new(big.Int).SetUint64(units), big.NewInt(1e9))
	return n.Div(n, perSecond)
}

func clamp(n *big.Int, low, high int64) int64 {
	if n.Cmp(big.NewInt(high)) > 0 {
		return high
	}
	return max(low, n.Int64())
}
