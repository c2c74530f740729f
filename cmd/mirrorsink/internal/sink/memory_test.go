package sink

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

func TestHeapLimit(t *testing.T) {
	assert.Equal(t, int64(252*flags.MiB), heapLimit(512*flags.MiB, false))
	assert.Equal(t, int64(64*flags.MiB*226/512+16*flags.MiB), heapLimit(64*flags.MiB, false))
	assert.Equal(t, int64(16*flags.MiB), heapLimit(0, false))
}
