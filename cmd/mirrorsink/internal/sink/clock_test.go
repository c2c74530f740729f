package sink

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestClockIsSet: a step either way is logged once and counted; slewing and long pauses are not.
func TestClockIsSet(t *testing.T) {
	var logged strings.Builder
	log := slog.New(slog.NewTextHandler(&logged, nil))
	var c clockWatch
	wall, steady := time.Unix(1e9, 0), time.Duration(0)
	pass := func(d, step time.Duration) {
		wall, steady = wall.Add(d+step), steady+d
		c.check(wall, steady, log)
	}
	pass(0, 0)
	for range 100 {
		pass(time.Second, 500*time.Microsecond)
	}
	pass(time.Hour, 0)
	assert.Empty(t, logged.String())

	pass(time.Second, -time.Hour)
	pass(time.Second, 0)
	assert.Equal(t, 1, strings.Count(logged.String(), "the clock was set back"))
	assert.Contains(t, logged.String(), "by=1h0m0s")
	pass(time.Second, time.Hour)
	assert.Contains(t, logged.String(), "the clock was set forward")
	assert.Equal(t, uint64(2), c.steps.Load())
}
