package eve

import (
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

func (l *line) flowEvent(b *event.Batch, e *event.Event) {
	f := &e.Flow
	head := l.kept.head(e)
	l.time("timestamp", e.Nanos)
	l.b = append(l.b, head.flowID()...)
	l.word("event_type", "flow")
	l.b = append(l.b, head.endpoints()...)
	l.appProto(e)
	l.object("flow")
	l.flowCounts(f)
	l.time("start", f.Start)
	l.time("end", f.End)
	l.int("age", second(f.End)-second(f.Start)) // in whole seconds, as Suricata counts them
	l.word("state", f.State.String())
	l.word("reason", f.Reason.String())
	l.bool("alerted", false)
	if f.Messages > 0 {
		l.uint("tx_cnt", uint64(f.Messages))
	}
	l.end()
	l.b = append(l.b, head.communityID()...)
	if e.IsTCP() {
		l.tcp(f)
	}
	l.mirror(e)
	l.hint(b, e)
	l.flowHint(e)
	l.end()
}

// appProto writes the application protocols: the current one, and the first one if the connection switched.
func (l *line) appProto(e *event.Event) {
	if proto := e.AppProto(); proto != "" {
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

// tcpFlagNames are Suricata's names of the flags, by their bit in the header (RFC 9293 section 3.1). It calls ECE ecn.
var tcpFlagNames = [8]string{"fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"}

func (l *line) hexByte(k string, c byte) {
	l.b = append(l.key(k), '"', hex[c>>4], hex[c&15], '"', ',')
}

// flowHint writes counters that Suricata does not have: payload bytes without retransmissions, bytes whose copies never came, and
// the share of TCP bytes that were seen.
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
	if share, known := event.Completeness(f.Payload[0]+f.Payload[1], f.Lost[0]+f.Lost[1]); e.IsTCP() && known {
		l.float("completeness", share)
	}
	if f.Fragments {
		l.bool("fragments", true)
	}
}
