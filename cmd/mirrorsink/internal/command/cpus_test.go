package command

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCPUsMustBeUsable(t *testing.T) {
	needsLinux(t)
	r := runHere(t, "listen", "--listen=127.0.0.1:0", "--cpus=1021-1023")
	assert.Equal(t, exitUsage, r.code)
	assert.Contains(t, r.stderr, "--cpus 1021-1023: 1021-1023 not there, or not allowed to this process, which may use ")
	oneLine(t, r.stderr)
}

// As many workers as CPUs, unless another number is given, on the command line or in a file. No CPU may be left without a worker.
func TestWorkersOfCPUs(t *testing.T) {
	for _, c := range []struct {
		config string
		args   []string
		want   int
	}{
		{"", []string{"--cpus=0-2"}, 3},
		{"cpus: [0, 2-3]", nil, 3},
		{"", []string{"--cpus=0-2", "--workers=5"}, 5},
		{"workers: 4", []string{"--cpus=0-2"}, 4},
		{"cpus: 1", nil, 1},
		{"cpus: 0,2-5", nil, 5},
		{"cpus: 1,2", nil, 2},
		{"cpus: 1\nworkers: 2", nil, 2},
	} {
		opts, err := loadListen(t, c.config, c.args...)
		require.NoError(t, err)
		assert.Equal(t, c.want, opts.Workers, "%v", c)
	}
	r := runHere(t, "listen", "--listen=127.0.0.1:0", "--cpus=0,1", "--workers=1")
	assert.Equal(t, exitUsage, r.code)
	assert.Contains(t, r.stderr, "--workers 1: --cpus 0-1 has 2 CPUs, and each wants a worker")
	oneLine(t, r.stderr)
}
