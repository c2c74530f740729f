package alert

import (
	"fmt"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// exfiltration sums what a source sends to one destination over a sliding window, over all of its flows.
type exfiltration struct {
	*lru[target, window]
	rule *policy.Alert
}

// target is a source and a destination.
type target struct{ workload, source, to string }

func newExfiltration(rule *policy.Alert, memory int) detector {
	return &exfiltration{newLRU[target](memory, (*window).size), rule}
}

func (x *exfiltration) observe(e *Engine, a *Activity) {
	uncertain := a.Verdict.Kind == policy.Inconclusive
	if a.Sent == 0 || a.Flow.Opened != policy.OpenedHere || !x.rule.Everywhere && a.Verdict.Kind != policy.NotAllowed && !uncertain {
		return
	}
	t := target{a.Verdict.Workload, a.source(), a.Verdict.To}
	w, _ := x.get(t)
	span := int64(x.rule.Within / time.Second)
	sum := w.add(a.At/int64(time.Second), span, a.Sent)
	x.settle(t)
	if sum <= x.rule.Bytes {
		return
	}
	e.raise(a, fact{
		rule: x.rule, to: a.Verdict.To, bytes: sum, uncertain: uncertain || a.Partial, quiet: x.rule.Within,
		evidence: fmt.Sprintf("%d bytes within %v, more than %d", sum, x.rule.Within, x.rule.Bytes),
	})
}
