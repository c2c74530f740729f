package pcap

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCompleteFramesOfATruncatedFile: those before the cut, wherever that is, and whether or not zeros follow, as after a crash of the system. Only
// of classic pcap, whose records do not say where they end, the frame that was cut may be taken for one that ended in zeros.
func TestCompleteFramesOfATruncatedFile(t *testing.T) {
	for _, ext := range []string{".pcap", ".pcapng"} {
		e := encoder{cfg: &Config{Classic: ext == ".pcap"}}
		require.NoError(t, e.begin(session{}))
		var starts, ends []int
		for i := range 3 {
			starts = append(starts, e.buf.Len())
			frame := bytes.Repeat([]byte{1}, 250+i)
			require.NoError(t, e.add(&record{session: session{vni: uint32(i % 2)}, nanos: 1e18, wire: len(frame)}, frame))
			ends = append(ends, e.buf.Len())
		}
		whole := e.buf.Bytes()
		for cut := range len(whole) + 1 {
			for _, zeros := range []int{0, 4096} {
				file := append(bytes.Clone(whole[:cut]), make([]byte, zeros)...)
				want := 0
				for want < len(ends) && bytes.HasPrefix(file, whole[:ends[want]]) { // what was cut may have been zeros
					want++
				}
				end, frames := completeFrames(bytes.NewReader(file), ext)
				where := fmt.Sprintf("%s cut at %d, %d zeros", ext, cut, zeros)
				if maybe := ext == ".pcap" && zeros > 0 && want < len(ends) && cut > starts[want]+pcapOriginalOffset; maybe && frames == want+1 {
					require.EqualValues(t, ends[want], end, where)
					continue
				}
				require.Equal(t, want, frames, where)
				if want > 0 {
					require.EqualValues(t, ends[want-1], end, where)
				}
			}
		}
	}
}
