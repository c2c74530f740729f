package aws

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// TestAnswersThatComeAtOnceAreWhole: long answers over loopback are complete, without lost attempts.
func TestAnswersThatComeAtOnceAreWhole(t *testing.T) {
	srv := start(t, large(1001))
	lost := 0
	c := openAt(t, srv.URL, func(cfg *Config) {
		cfg.OnCall = func(_, outcome string) {
			if outcome != "ok" {
				lost++
			}
		}
	})
	for range testform.Pick(3, 20) {
		all, err := c.sessions(t.Context())
		require.NoError(t, err)
		assert.Len(t, all, 2002)
	}
	assert.Zero(t, lost)
}
