package process

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseStatus(t *testing.T) {
	m := parseStatus(strings.NewReader("Name:\tmirrorsink\nVmHWM:\t  614400 kB\nVmRSS:\t  2048 kB\nRssAnon:\t   51200 kB\nThreads:\t7\n"))
	require.Equal(t, Memory{Anonymous: 50, Resident: 600}, m)
}

// TestStartOn: the program may use the given CPUs, and this process keeps its own.
func TestStartOn(t *testing.T) {
	before, err := UsableCPUs()
	require.NoError(t, err)
	for _, cpus := range [][]int{nil, before[:1], before[len(before)-1:], before} {
		cmd := exec.Command("grep", "Cpus_allowed_list", "/proc/self/status")
		var out strings.Builder
		cmd.Stdout = &out
		require.NoError(t, StartOn(cpus, cmd))
		require.NoError(t, cmd.Wait())
		if len(cpus) == 1 {
			assert.Regexp(t, `\s`+strconv.Itoa(cpus[0])+`\n$`, out.String())
		}
	}
	after, err := UsableCPUs()
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.Error(t, StartOn([]int{1023}, exec.Command("true")), "there is no such CPU")
}
