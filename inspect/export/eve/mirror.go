package eve

import "github.com/mirrorsink/mirrorsink/inspect/event"

// mirror describes how the copies were received. Events of a plain capture with whole packets have no such object.
func (l *line) mirror(e *event.Event) {
	if !e.Mirrored && !e.Flow.Truncated && !e.Flow.Passes {
		return
	}
	l.object("mirror")
	if e.Mirrored {
		l.session(e)
	}
	if e.Paired.Outer.IsValid() {
		l.object("paired_session")
		l.uint("vni", uint64(e.Paired.VNI))
		l.addr("source", e.Paired.Outer)
		l.end()
	}
	if e.Flow.Unpaired > 0 {
		l.uint("unpaired_packets", uint64(e.Flow.Unpaired))
	}
	if e.Flow.Passes {
		l.bool("copied_twice", true)
	}
	if e.Flow.Truncated {
		l.bool("truncated", true)
	}
	l.end()
}

// printSession writes which mirror session the copies came by, whose interface it is and which way its client's packets go.
func (l *line) printSession(e *event.Event) {
	l.uint("vni", uint64(e.VNI))
	if e.Outer.IsValid() {
		l.addr("source", e.Outer)
	}
	if e.Tag != 0 {
		l.uint("vlan", uint64(e.Tag))
	}
	l.owner(e.Owner)
	if e.Direction != event.NoDirection {
		l.word("direction", e.Direction.String())
	}
}

// owner writes what the inventory knows about the mirrored interface.
func (l *line) owner(o *event.Owner) {
	if o == nil {
		return
	}
	l.known("eni", o.ENI)
	l.known("instance", o.Instance)
	l.known("vpc", o.VPC)
	l.known("subnet", o.Subnet)
	l.known("account", o.Account)
}

// known writes text of an inventory, unless it is empty.
func (l *line) known(k, text string) {
	if text != "" {
		l.text(k, []byte(text))
	}
}
