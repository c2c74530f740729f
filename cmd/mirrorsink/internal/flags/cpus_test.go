package flags

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCPUList(t *testing.T) {
	for text, want := range map[string]CPUs{
		"0": {0}, "0,2-5": {0, 2, 3, 4, 5}, "7, 6 ,1": {7, 6, 1}, "1023": {MaxCPU}, "3-3": {3},
	} {
		var l CPUs
		require.NoError(t, l.Set(text), text)
		assert.Equal(t, want, l, text)
	}
	for text, want := range map[string]string{
		"": `want the number`, "a": `want the number`, "2-1": `want the number`, "1024": "up to 1023", "-1": "want", "1,,2": "want", "0-4294967295": "want",
		"1,0-2": "CPU 1 is there twice", "3,3": "CPU 3 is there twice",
	} {
		assert.ErrorContains(t, new(CPUs).Set(text), want, text)
	}
}

func TestCPUListPrintsWhatItReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := CPUs(rapid.SliceOfNDistinct(rapid.IntRange(0, 20), 1, 20, rapid.ID).Draw(t, "cpus"))
		var again CPUs
		require.NoError(t, again.Set(l.String()))
		assert.Equal(t, l, again)
	})
}
