package export

import (
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

func (l *line) flowEvent(b *event.Batch, e *event.Event) {
	f := &e.Flow
	l.header(e, "flow")
	l.appProto(e)
	l.object("flow")
	l.flowCounts(f)
	l.time("start", f.Start)
	l.time("end", f.End)
	l.int("age", time.Unix(0, f.End).Unix()-time.Unix(0, f.Start).Unix()) // of whole seconds, as Suricata's
	l.word("state", f.State.String())
	l.word("reason", f.Reason.String())
	l.bool("alerted", false)
	if f.Messages > 0 {
		l.uint("tx_cnt", uint64(f.Messages))
	}
	l.end()
	l.communityID(e)
	if e.IsTCP() {
		l.tcp(f)
	}
	l.mirror(e)
	l.hint(b, e)
	l.flowHint(e)
	l.end()
}

// appProto says "failed" of a flow whose bytes were seen and not recognised, and nothing of one without any, as Suricata.
func (l *line) appProto(e *event.Event) {
	if proto := appProto(e); proto != "" {
		l.word("app_proto", proto)
		if e.OrigProto != l7.None && e.OrigProto != e.Proto {
			l.word("app_proto_orig", e.OrigProto.String())
		}
	}
}

func (l *line) flowCounts(f *event.FlowRecord) {
	l.uint("pkts_toserver", f.Packets[0])
	l.uint("pkts_toclient", f.Packets[1])
	l.uint("bytes_toserver", f.Bytes[0])
	l.uint("bytes_toclient", f.Bytes[1])
}

func (l *line) tcp(f *event.FlowRecord) {
	both := f.TCPFlags[0] | f.TCPFlags[1]
	l.object("tcp")
	l.hexByte("tcp_flags", both)
	l.hexByte("tcp_flags_ts", f.TCPFlags[0])
	l.hexByte("tcp_flags_tc", f.TCPFlags[1])
	for bit, name := range tcpFlagNames {
		if both&(1<<bit) != 0 {
			l.bool(name, true)
		}
	}
	l.word("state", f.TCPState.String())
	if f.Lost[0] > 0 {
		l.bool("ts_gap", true)
	}
	if f.Lost[1] > 0 {
		l.bool("tc_gap", true)
	}
	l.end()
}

// Suricata's names of the flags, by their bit in the header (RFC 9293 section 3.1). ECE is called ecn there.
var tcpFlagNames = [8]string{"fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"}

func (l *line) hexByte(k string, c byte) {
	l.b = append(l.key(k), '"', hex[c>>4], hex[c&15], '"', ',')
}

// flowHint writes what Suricata does not count: payload bytes, each once, bytes whose copies never came, and the share of
// TCP bytes that were seen.
func (l *line) flowHint(e *event.Event) {
	f := &e.Flow
	l.uint("payload_toserver", f.Payload[0])
	l.uint("payload_toclient", f.Payload[1])
	if f.Lost[0] > 0 {
		l.uint("lost_toserver", f.Lost[0])
	}
	if f.Lost[1] > 0 {
		l.uint("lost_toclient", f.Lost[1])
	}
	if seen, lost := f.Payload[0]+f.Payload[1], f.Lost[0]+f.Lost[1]; e.IsTCP() && seen+lost > 0 {
		l.float("completeness", fraction(seen, seen+lost))
	}
	if f.Fragments {
		l.bool("fragments", true)
	}
}
