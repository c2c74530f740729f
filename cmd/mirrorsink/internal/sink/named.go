package sink

import (
	"sync/atomic"

	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// namedFlows is a sink that counts the flows that ended with a name.
type namedFlows struct{ n atomic.Uint64 }

// Events counts.
func (c *namedFlows) Events(b *event.Batch) {
	named := uint64(0)
	for i := range b.Events {
		if e := &b.Events[i]; e.Kind == event.Flow && e.Name.Len > 0 {
			named++
		}
	}
	c.n.Add(named)
	b.Release()
}
