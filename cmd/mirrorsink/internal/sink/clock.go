package sink

import (
	"log/slog"
	"sync/atomic"
	"time"
)

// leastStep is how far the clock must be from where it should be to count as set. One that is kept in step by slewing is moved
// by half a millisecond a second at most.
const leastStep = time.Second

// clockWatch notices when the machine's clock is set: flows, aggregation windows and events have its time. The zero value is
// ready for one goroutine; steps may be read by others.
type clockWatch struct {
	wall   time.Time     // when it was looked at last, by the clock
	steady time.Duration // the same by a time that is never set
	steps  atomic.Uint64
}

// check compares what passed by the clock with what passed by a time that is never set.
func (c *clockWatch) check(wall time.Time, steady time.Duration, log *slog.Logger) {
	before, passed := c.wall, steady-c.steady
	c.wall, c.steady = wall, steady
	if before.IsZero() {
		return
	}
	switch step := wall.Sub(before) - passed; {
	case step <= -leastStep:
		c.steps.Add(1)
		log.Warn("the clock was set back: flows and aggregation windows stand still until it is where it was; nothing is lost", "by", -step)
	case step >= leastStep:
		c.steps.Add(1)
		log.Warn("the clock was set forward: flows may end early, and a window may be short", "by", step)
	}
}
