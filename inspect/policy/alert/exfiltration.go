package alert

import (
	"fmt"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// exfiltration sums what a source sends to one destination over a sliding window, over all of its flows.
type exfiltration struct {
	*lru[target, window]
	rule    *policy.Alert
	unnamed *lru[uint64, unnamed] // flows whose bytes count for their address so far, by ID
}

// target is a source and a destination.
type target struct{ workload, source, to string }

// unnamed is a flow without a name, and what it sent to its address.
type unnamed struct {
	target target
	window window
}

func (u *unnamed) size() int { return 64 + u.window.size() }

// unnamedShare is the part of the memory for flows without a name.
const unnamedShare = 8

func newExfiltration(rule *policy.Alert, memory int) detector {
	part := memory / unnamedShare
	return &exfiltration{newLRU[target](memory-part, (*window).size), rule, newLRU[uint64](part, (*unnamed).size)}
}

func (x *exfiltration) evicted() uint64 { return x.drops + x.unnamed.drops }

func (x *exfiltration) bound(memory int) {
	part := memory / unnamedShare
	x.lru.bound(memory - part)
	x.unnamed.bound(part)
}

func (x *exfiltration) observe(e *Engine, a *Activity) {
	t := target{a.Verdict.Workload, a.source(), a.Verdict.To}
	now, span := a.At/int64(time.Second), int64(x.rule.Within/time.Second)
	earlier := x.takeBack(a.ID, t, now-span)
	uncertain := a.Verdict.Kind == policy.Inconclusive
	counts := a.Flow.Opened == policy.OpenedHere && (x.rule.Everywhere || a.Verdict.Kind == policy.NotAllowed || uncertain)
	if !counts || a.Sent == 0 && len(earlier) == 0 {
		return
	}
	w, _ := x.get(t)
	for _, p := range earlier {
		w.put(p.at, span, p.bytes)
	}
	sum := w.add(now, span, a.Sent)
	x.settle(t)
	if a.Verdict.By == policy.ByAddress {
		x.remember(a, t, now, span)
	}
	if sum <= x.rule.Bytes {
		return
	}
	e.raise(a, fact{
		rule: x.rule, to: a.Verdict.To, bytes: sum, uncertain: uncertain || a.Partial, quiet: x.rule.Within,
		evidence: fmt.Sprintf("%d bytes within %v, more than %d", sum, x.rule.Within, x.rule.Bytes),
	})
}

// remember notes what a flow without a name has sent, in case that it gets one. Flows that sent nothing for the span are forgotten.
func (x *exfiltration) remember(a *Activity, t target, now, span int64) {
	u, _ := x.unnamed.get(a.ID)
	u.target = t
	u.window.add(now, span, a.Sent)
	x.unnamed.settle(a.ID)
	for id, u := range x.unnamed.oldest {
		if n := len(u.window.parts); n > 0 && u.window.parts[n-1].at > now-span {
			break
		}
		x.unnamed.drop(id)
	}
}

// takeBack returns what a flow sent after a time while it had no name, if it has one now, and does not count it for the address any more.
func (x *exfiltration) takeBack(id uint64, named target, after int64) (earlier []part) {
	u := x.unnamed.find(id)
	if u == nil || u.target == named {
		return nil
	}
	u.window.expire(after, 0)
	earlier = u.window.parts
	if w := x.find(u.target); w != nil {
		for _, p := range earlier {
			w.remove(p)
		}
	}
	x.unnamed.drop(id)
	return earlier
}
