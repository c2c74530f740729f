package bytesize

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSplit(t *testing.T) {
	for text, want := range map[string]struct {
		number string
		unit   int64
	}{
		"512MiB": {"512", 1 << 20}, "5 kB": {"5", 1e3}, "7B": {"7", 1}, "7": {"7", 1}, "1GB": {"1", 1e9}, "x": {"x", 1}, "": {"", 1}, "2KiB": {"2", 1 << 10},
	} {
		number, unit := Split(text)
		require.Equal(t, want.number, number, text)
		require.Equal(t, want.unit, unit, text)
	}
}

func TestDecimal(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 7_500_000: "7.5 MB", 3e12: "3000.0 GB"} {
		require.Equal(t, want, Decimal(n))
	}
}
