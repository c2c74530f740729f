package replay

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/captures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/compare"
)

// TestCheck: the output of a replay and of a read loop has the number that it processed, and an incomplete number is an error.
func TestCheck(t *testing.T) {
	c := captures.Capture{Packets: 1052249, Bytes: 1052249}
	const output = "packets        1052249 in 1.037s, 1015077 a second\n  ok           1052232\n  bad_ip       17\n" +
		"events         218229 produced, 218229 written, 0 dropped\n"
	for name, program := range map[string]struct {
		candidate compare.Candidate
		output    string
	}{
		"replay":    {Of(c, nil), output},
		"read loop": {loopOver(nil, c, nil), "1052249 0\n"},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, program.candidate.Check(program.output))
			incomplete := strings.ReplaceAll(program.output, "1052249", "1052248")
			require.ErrorContains(t, program.candidate.Check(incomplete), "1052248, not 1052249")
			require.ErrorContains(t, program.candidate.Check("cannot open"), "cannot open")
		})
	}
	replay := Of(c, nil)
	require.Error(t, replay.Check(strings.ReplaceAll(output, " 0 dropped", " 10 dropped")), "events were lost")
}
