package flags

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLiveSource(t *testing.T) {
	for _, text := range []string{"udp", "ring:eth0"} {
		var s Source
		require.NoError(t, s.Set(text))
		assert.Equal(t, text, s.String())
	}
	for _, text := range []string{"", "ring", "ring:", "eth0", "udp:4789"} {
		assert.Error(t, new(Source).Set(text), text)
	}
}
