package eve

import "github.com/mirrorsink/mirrorsink/inspect/event"

// hint begins the object with the flow's name and its evidence. The caller ends it.
func (l *line) hint(b *event.Batch, e *event.Event) {
	l.object("hint")
	if e.Name.Len > 0 {
		l.text("name", b.Text(e.Name))
		l.word("name_source", e.NameSource.String())
		l.word("name_confidence", e.NameConfidence.String())
	}
	if e.Conflicts != 0 {
		l.array("conflicts")
		for i, name := range event.Conflicts {
			if e.Conflicts&(1<<i) != 0 {
				l.word("", name)
			}
		}
		l.end()
	}
	l.word("initiator", "src") // always: events are oriented from the client. Flow log records have either end
	l.word("initiator_reason", e.Initiator.String())
	l.word("initiator_confidence", e.Initiator.Confidence().String())
	if e.Direct != event.NotDirect {
		l.word("direct_to_address", e.Direct.String())
	}
	if e.ECH != event.ECHNone {
		l.word("ech", e.ECH.String())
	}
	l.policy(e.Policy)
}

// policy writes what the policy says of the flow; nothing if there is no verdict.
func (l *line) policy(v *event.Verdict) {
	if v == nil {
		return
	}
	l.object("policy")
	l.word("verdict", v.Kind)
	l.known("rule", v.Rule)
	l.known("workload", v.Workload)
	l.known("reason", v.Reason)
	l.known("by", v.By)
	l.end()
}
