package eve

import "github.com/mirrorsink/mirrorsink/inspect/event"

// gid is the generator of our signatures. Suricata's own are below 1,000.
const gid = 9478

// alertEvent writes an alert. It is about the flow that was seen last, whose client may have had any port.
func (l *line) alertEvent(e *event.Event) {
	f := e.Finding
	l.time("timestamp", e.Nanos)
	if e.FlowID != 0 {
		l.uint("flow_id", e.FlowID)
	}
	l.word("event_type", "alert")
	if src, dst := e.Addrs(); e.IPVersion != 0 {
		l.addr("src_ip", src)
		l.addr("dest_ip", dst)
		if e.HasPorts() {
			l.uint("dest_port", uint64(e.DstPort))
		}
		l.uint("ip_v", uint64(e.IPVersion))
		l.ipProto(e.IPProto)
	}
	l.object("alert")
	l.word("action", "allowed")
	l.uint("gid", gid)
	l.uint("signature_id", uint64(f.ID))
	l.uint("rev", 1)
	l.text("signature", []byte(f.Signature))
	l.text("category", []byte(f.Category))
	l.uint("severity", uint64(f.Severity))
	l.object("metadata")
	for _, m := range f.Metadata {
		l.array(m.Key)
		for _, v := range m.Values {
			l.text("", []byte(v))
		}
		l.end()
	}
	l.end()
	l.end()
	l.mirror(e)
}
