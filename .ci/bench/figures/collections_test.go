package figures

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseTrace(t *testing.T) {
	trace := `gc 1 @0.011s 4%: 1.8+1.1+0.006 ms clock, 3.6+0.48/0.58/1.9+0.013 ms cpu, 20->20->18 MB, 20 MB goal, 0 MB stacks, 5 MB globals, 2 P
gc 2 @0.018s 5%: 0.16+9.1+2.003 ms clock, 3.2+0.63/0.36/1.7+0.006 ms cpu, 43->44->43 MB, 43 MB goal, 0 MB stacks, 5 MB globals, 2 P
packets        8000000 in 21.327s, 375111 a second
`
	require.Equal(t, Collections{N: 2, Stop: 2.003, Heap: 43}, ParseTrace(trace))
	require.Zero(t, ParseTrace("flows 1000000\n"))
}
