package alert

import (
	"slices"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// Saved is what an engine knows that should survive a restart. The caller keeps it.
type Saved struct {
	Names map[NameKey]int64 // names that workloads have used, with when each was seen last, Unix seconds
	Began map[string]int64  // when each workload was seen first, Unix seconds
	Open  []Open            // alerts that are not resolved, from the least recently used on
}

// NameKey is a name as used by a workload, or by a source of none.
type NameKey struct{ Workload, Name string }

// newName alerts of names that a workload has not used before, once it was watched for the learning time.
type newName struct {
	*lru[NameKey, int64] // when each name was seen last, Unix seconds
	rule                 *policy.Alert
	began                *lru[string, int64] // when each workload was seen first, Unix seconds
}

// beganShare is the part of the memory for when workloads were seen first: sources of no workload count as one each.
const beganShare = 8

func (n *newName) evicted() uint64 { return n.lru.evicted() + n.began.evicted() }

func (n *newName) bound(memory int) {
	n.lru.bound(memory - memory/beganShare)
	n.began.bound(memory / beganShare)
}

// seenFirst notes that a workload was seen at a time, and returns when it was seen first.
func (n *newName) seenFirst(workload string, at int64) int64 {
	first, fresh := n.began.get(workload)
	if fresh || at < *first {
		*first = at
	}
	n.began.settle(workload)
	return *first
}

func newNewName(rule *policy.Alert, memory int, known *Saved) detector {
	size := func(*int64) int { return 8 }
	n := &newName{newLRU[NameKey](memory-memory/beganShare, size), rule, newLRU[string](memory/beganShare, size)}
	for k, at := range known.Began {
		n.seenFirst(k, at)
	}
	for k, at := range known.Names {
		v, _ := n.get(k)
		*v = at
		n.settle(k)
		n.seenFirst(k.Workload, at)
	}
	return n
}

func (n *newName) observe(e *Engine, a *Activity) {
	v := &a.Verdict
	doubtful := v.Reason == policy.EncryptedName || v.Reason == policy.DisputedName
	if v.By == policy.ByAddress || v.By == policy.NoEvidence || v.Kind == policy.Exempt || doubtful {
		return
	}
	second := a.At / int64(time.Second)
	k := NameKey{v.Workload, v.To}
	if k.Workload == "" {
		k.Workload = a.source()
	}
	at, fresh := n.get(k)
	*at = second
	n.settle(k)
	first := n.seenFirst(k.Workload, second)
	if fresh && second-first >= int64(n.rule.Learn/time.Second) {
		e.raise(a, fact{rule: n.rule, to: v.To, evidence: "the workload has not used this name before"})
	}
}

// Saved returns what should survive a restart.
func (e *Engine) Saved() Saved {
	s := e.names()
	add := func(o *openAlert) {
		copied := Open{o.alert, o.quiet, o.reported}
		copied.Flows = slices.Clone(o.alert.Flows)
		s.Open = append(s.Open, copied)
	}
	for _, o := range e.ended {
		add(o)
	}
	for _, o := range e.open.oldest {
		add(o)
	}
	return s
}

// names returns what was learnt of names.
func (e *Engine) names() Saved {
	s := Saved{Names: map[NameKey]int64{}, Began: map[string]int64{}}
	for _, d := range e.detectors {
		if n, ok := d.(*newName); ok {
			for k, at := range n.oldest {
				s.Names[k] = max(s.Names[k], *at)
			}
			for k, at := range n.began.oldest {
				if first, ok := s.Began[k]; !ok || *at < first {
					s.Began[k] = *at
				}
			}
		}
	}
	return s
}
