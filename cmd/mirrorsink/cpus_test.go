package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCPUList(t *testing.T) {
	for text, want := range map[string]cpuList{
		"0": {0}, "0,2-5": {0, 2, 3, 4, 5}, "7, 6 ,1": {7, 6, 1}, "1023": {maxCPU}, "3-3": {3},
	} {
		var l cpuList
		require.NoError(t, l.Set(text), text)
		assert.Equal(t, want, l, text)
	}
	for text, want := range map[string]string{
		"": `"": want the number`, "a": `"a": want`, "2-1": `"2-1": want`, "1024": "up to 1023", "-1": "want", "1,,2": "want", "0-4294967295": "want",
		"1,0-2": "CPU 1 is there twice", "3,3": "CPU 3 is there twice",
	} {
		assert.ErrorContains(t, new(cpuList).Set(text), want, text)
	}
}

func TestCPUListPrintsWhatItReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := cpuList(rapid.SliceOfNDistinct(rapid.IntRange(0, 20), 1, 20, rapid.ID).Draw(t, "cpus"))
		var again cpuList
		require.NoError(t, again.Set(l.String()))
		assert.Equal(t, l, again)
	})
}

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
		assert.Equal(t, c.want, opts.workers, "%v", c)
	}
	r := runHere(t, "listen", "--listen=127.0.0.1:0", "--cpus=0,1", "--workers=1")
	assert.Equal(t, exitUsage, r.code)
	assert.Contains(t, r.stderr, "--workers 1: --cpus 0-1 has 2 CPUs, and each wants a worker")
	oneLine(t, r.stderr)
}
