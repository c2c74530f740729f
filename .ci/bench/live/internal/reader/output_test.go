package reader

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLinesAreComplete(t *testing.T) {
	var o output
	assert.Empty(t, o.lines())
	_, _ = o.Write([]byte("gc 1 @"))
	assert.Empty(t, o.lines())
	_, _ = o.Write([]byte("0.1s\ngc 2"))
	assert.Equal(t, "gc 1 @0.1s\n", o.lines())
}
