package alert

import (
	"fmt"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/beacon"
)

// beacons scores the connections of each source to each destination over the last day.
type beacons struct {
	*lru[target, series]
	rule *policy.Alert
}

// series is the connections of a source to a destination: when they began, and what the source sent on each.
type series struct {
	times  []int64 // Unix seconds
	sizes  []uint32
	flows  []uint64
	scored int // connections at the last score
}

// maxSeries bounds the connections of a series that are kept: a beacon of one in five minutes has 288 a day.
const maxSeries = 512

func (s *series) size() int { return 96 + cap(s.times)*8 + cap(s.sizes)*4 + cap(s.flows)*8 }

func newBeacons(rule *policy.Alert, memory int) detector {
	return &beacons{newLRU[target](memory, (*series).size), rule}
}

const day = int64(24 * time.Hour / time.Second)

func (b *beacons) observe(e *Engine, a *Activity) {
	if a.Verdict.Kind == policy.Exempt {
		return
	}
	second := a.At / int64(time.Second)
	k := target{a.Verdict.Workload, a.source(), a.Verdict.To}
	s, _ := b.get(k)
	s.add(a)
	score, ok := s.score(second)
	b.settle(k)
	if ok && score.Total >= b.rule.Score {
		e.raise(a, fact{
			rule: b.rule, to: a.Verdict.To, quiet: 24 * time.Hour,
			evidence: fmt.Sprintf("score %.3f of %d connections: intervals %.3f, sizes %.3f, hours %.3f, duration %.3f",
				score.Total, len(s.times), score.Timestamps, score.Sizes, score.Histogram, score.Duration),
		})
	}
}

// add counts an activity: a new connection, or more bytes of one of the last.
func (s *series) add(a *Activity) {
	for i := len(s.flows) - 1; i >= 0 && i >= len(s.flows)-8; i-- {
		if s.flows[i] == a.ID {
			s.sizes[i] = uint32(min(a.Total, 1<<32-1))
			return
		}
	}
	if !a.New {
		return
	}
	if len(s.times) == maxSeries {
		s.drop(1)
	}
	s.times = append(s.times, a.Started/int64(time.Second))
	s.sizes = append(s.sizes, uint32(min(a.Total, 1<<32-1)))
	s.flows = append(s.flows, a.ID)
}

func (s *series) drop(n int) {
	s.times = append(s.times[:0], s.times[n:]...)
	s.sizes = append(s.sizes[:0], s.sizes[n:]...)
	s.flows = append(s.flows[:0], s.flows[n:]...)
	s.scored = max(s.scored-n, 0)
}

// score scores the connections of the day that ends now, whenever there are a tenth more than at the last time.
func (s *series) score(now int64) (score beacon.Score, ok bool) {
	old := 0
	for old < len(s.times) && s.times[old] < now-day {
		old++
	}
	if old > 0 {
		s.drop(old)
	}
	if n := len(s.times); n < beacon.MinConnections || n < s.scored+max(s.scored/10, 1) {
		return score, false
	}
	s.scored = len(s.times)
	times, sizes := append([]int64(nil), s.times...), make([]float64, len(s.sizes))
	for i, v := range s.sizes {
		sizes[i] = float64(v)
	}
	return beacon.Of(now-day, now+1, times, sizes)
}
