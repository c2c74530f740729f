package gobench

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCompareDecoders(t *testing.T) {
	nanos := map[string][]float64{}
	for range 2 {
		collect(nanos, `goos: linux
BenchmarkParse/socket/warm/ours-2       	 3592094	        66.50 ns/op	        10.0 cpu-ns/packet	       0 B/op	       0 allocs/op
BenchmarkParse/socket/warm/gopacket     	  392094	       666.5 ns/op	       120.5 cpu-ns/packet	       0 B/op	       0 allocs/op
BenchmarkParse/socket/cold/ours-16      	       5	  66650 ns/op	        40 cpu-ns/packet
BenchmarkParse/socket/cold/gopacket-16  	       5	  66650 ns/op	       160 cpu-ns/packet
BenchmarkParse/capture/warm/ours-2      	       5	  66650 ns/op	        20 cpu-ns/packet
BenchmarkParse/capture/warm/gopacket-2  	       5	  66650 ns/op	        60 cpu-ns/packet
BenchmarkParse/capture/cold/ours-2      	       5	  66650 ns/op	        50 cpu-ns/packet
PASS
`)
	}
	_, err := compareDecoders(nanos)
	require.ErrorContains(t, err, "2 results for capture/cold/ours and 0 for capture/cold/gopacket")

	nanos["capture/cold/gopacket"] = []float64{100, 200}
	rows, err := compareDecoders(nanos)
	require.NoError(t, err)
	require.Len(t, rows, 12)
	assert.Equal(t, []float64{12.05, 12.05}, rows[2].Values)
	assert.Equal(t, "no", rows[8].Held(), "three times as fast, below the bound of five")
	assert.Equal(t, []float64{2, 4}, rows[11].Values)
}
