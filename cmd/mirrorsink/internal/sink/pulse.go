package sink

import (
	"sync/atomic"

	"github.com/mirrorsink/mirrorsink/decap"
)

// beat is a source that counts its reads: one for each round of its worker, also where nothing comes.
type beat struct {
	source
	reads atomic.Uint64
	_     [40]byte // has a cache line of its own
}

// Read implements inspect.Source.
func (b *beat) Read(batch *decap.Batch) error {
	b.reads.Add(1)
	return b.source.Read(batch)
}

// pulse shows whether the workers go on. One that waits without end, or does not come to the end of a packet, reads no more. The zero value
// is for no worker.
type pulse struct {
	beats []*beat
	last  []uint64 // the reads when alive was called last
}

// feel returns the sources of live workers with their reads counted.
func (p *pulse) feel(groups [][]source) [][]source {
	counted := make([][]source, len(groups))
	for i, group := range groups {
		for _, s := range group {
			b := &beat{source: s}
			p.beats = append(p.beats, b)
			counted[i] = append(counted[i], b)
		}
	}
	p.last = make([]uint64, len(p.beats))
	return counted
}

// alive reports whether every worker has read since the last call. It is called by one goroutine.
func (p *pulse) alive() bool {
	all := true
	for i, b := range p.beats {
		n := b.reads.Load()
		all = all && n != p.last[i]
		p.last[i] = n
	}
	return all
}
