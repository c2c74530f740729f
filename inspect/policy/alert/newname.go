package alert

import (
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// Names are the names that workloads have used. They survive restarts: the caller keeps them.
type Names map[NameKey]int64 // when it was seen last, Unix seconds

// NameKey is a name as used by a workload, or by a source of none.
type NameKey struct{ Workload, Name string }

// newName alerts of names that a workload has not used before, once it was watched for the learning time.
type newName struct {
	*lru[NameKey, int64] // when each name was seen last, Unix seconds
	rule                 *policy.Alert
	began                map[string]int64 // when each workload was seen first
}

func newNewName(rule *policy.Alert, memory int, known Names) detector {
	n := &newName{newLRU[NameKey](memory, func(*int64) int { return 8 }), rule, map[string]int64{}}
	for k, at := range known {
		v, _ := n.get(k)
		*v = at
		n.settle(k)
		if first, ok := n.began[k.Workload]; !ok || at < first {
			n.began[k.Workload] = at
		}
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
	first, known := n.began[k.Workload]
	if !known {
		first = second
		n.began[k.Workload] = second
	}
	if fresh && second-first >= int64(n.rule.Learn/time.Second) {
		e.raise(a, fact{rule: n.rule, to: v.To, evidence: "the workload has not used this name before"})
	}
}

// Names returns what was learnt, for the next start.
func (e *Engine) Names() Names {
	all := Names{}
	for _, d := range e.detectors {
		if n, ok := d.(*newName); ok {
			for k, at := range n.oldest {
				all[k] = max(all[k], *at)
			}
		}
	}
	return all
}
