package eve

import (
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// hint begins the object with the flow's name and its evidence. The caller ends it.
func (l *line) hint(b *event.Batch, e *event.Event) {
	l.object("hint")
	if e.Name.Len > 0 {
		l.text("name", b.Text(e.Name))
		l.b = append(l.b, nameMembers[e.NameSource][e.NameConfidence]...)
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
	l.b = append(l.b, initiatorMembers[e.Initiator]...)
	if e.Direct != event.NotDirect {
		l.word("direct_to_address", e.Direct.String())
	}
	if e.ECH != event.ECHNone {
		l.word("ech", e.ECH.String())
	}
	if e.Policy != nil {
		l.verdict(e.Policy)
	}
}

// nameMembers are the texts of name_source and name_confidence.
var nameMembers = func() (all [l7.QUICSNI + 1][event.High + 1]string) {
	for source := range all {
		for confidence := range all[source] {
			l := line{}
			l.word("name_source", l7.NameSource(source).String())
			l.word("name_confidence", event.Confidence(confidence).String())
			all[source][confidence] = string(l.b)
		}
	}
	return all
}()

// initiatorMembers are the texts of the members about the initiator.
var initiatorMembers = func() (all [event.BySYN + 1]string) {
	for i := range all {
		l := line{}
		l.word("initiator", "src") // always: events are oriented from the client. Flow log records have either end
		l.word("initiator_reason", event.Initiator(i).String())
		l.word("initiator_confidence", event.Initiator(i).Confidence().String())
		all[i] = string(l.b)
	}
	return all
}()

// printVerdict writes what the policy says of the flow.
func (l *line) printVerdict(v *event.Verdict) {
	l.object("policy")
	l.word("verdict", v.Kind)
	l.known("rule", v.Rule)
	l.known("workload", v.Workload)
	l.known("reason", v.Reason)
	l.known("by", v.By)
	l.end()
}
