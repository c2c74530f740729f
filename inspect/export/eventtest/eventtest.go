// Package eventtest makes events for the tests of the packages that encode and write them.
package eventtest

import (
	"net/netip"
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// Noon is the time of the first packet of every event, in Unix nanoseconds.
var Noon = time.Date(2026, 11, 21, 12, 0, 0, 123456789, time.UTC).UnixNano()

// Key returns the key of a field.
var Key = l7.KeyOf

// TLS returns the event of a mirrored TLS handshake.
func TLS(b *event.Batch) event.Event {
	e := TCPFlow("10.0.1.7", "203.0.113.9")
	e.Kind, e.Proto = event.AppLayer, l7.TLS
	e.Flow = event.FlowRecord{}
	e.Owner, e.Direction = &Owner, event.Egress
	e.Name, e.NameSource = b.CopyText([]byte("api.example.com")), l7.SNI
	var h l7.Hint
	h.Str(Key("sni"), []byte("api.example.com"))
	h.Str(Key("version"), []byte("TLS 1.3"))
	h.Object(Key("client_handshake"))
	h.Str(Key("version"), []byte("TLS 1.2"))
	h.Array(Key("ciphers"))
	h.Int(0, 4865)
	h.Int(0, 4866)
	h.End()
	h.End()
	h.Array(Key("client_alpns"))
	h.Str(0, []byte("h2"))
	h.End()
	h.True(Key("ech"))
	h.Extra()
	e.Fields = b.CopyFields(h.Fields)
	return e
}

// Owner is the mirrored interface of TLS.
var Owner = event.Owner{
	ENI: "eni-0a1b2c3d4e5f60718", Instance: "i-0a1b2c3d4e5f60718", VPC: "vpc-0a1b2c3d4e5f60718", Subnet: "subnet-0a1b2c3d4e5f60718",
	Zone: "eu-west-1a", Account: "111122223333", Session: "tms-0a1b2c3d4e5f60718", Tags: map[string]string{"Name": "web"},
}

// DNS returns an event with extra values beside, and within, values that are in Suricata's schema.
func DNS(b *event.Batch) event.Event {
	e := TCPFlow("2001:db8::7", "2001:db8::53")
	e.Kind, e.Proto, e.IPProto, e.DstPort = event.AppLayer, l7.DNS, decap.UDP, 53
	e.Flow = event.FlowRecord{}
	e.VLANs, e.NumVLANs = [decap.MaxVLANs]uint16{100, 200}, 2
	e.Initiator = event.ByRequest
	var h l7.Hint
	h.Int(Key("version"), 3)
	h.Str(Key("type"), []byte("response"))
	h.Int(Key("id"), 4711)
	h.True(Key("qr"))
	h.Object(Key("edns"))
	h.Extra()
	h.Int(Key("udp_size"), 1232)
	h.True(Key("do"))
	h.End()
	h.Array(Key("answers"))
	h.Object(0)
	h.Str(Key("rrname"), []byte("münchen.example"))
	h.Str(Key("rrtype"), []byte("TXT"))
	h.Str(Key("rdata"), []byte("a \"quoted\" \\ \x01\xff"))
	h.Int(Key("rdlength"), 17)
	h.Extra()
	h.End()
	h.End()
	e.Fields = b.CopyFields(h.Fields)
	return e
}

// TCPFlow returns a TCP flow that ended, with losses and a truncated copy.
func TCPFlow(src, dst string) event.Event {
	return event.Event{
		Kind: event.Flow, Nanos: Noon + 61e9, FlowID: 1234567890123,
		Src: netip.MustParseAddr(src).As16(), Dst: netip.MustParseAddr(dst).As16(), SrcPort: 49152, DstPort: 443,
		IPProto: decap.TCP, Proto: l7.TLS,
		Mirrored: true, Outer: netip.MustParseAddr("10.0.1.7"), VNI: 9000001, Tag: 101,
		Initiator: event.BySYN,
		Flow: event.FlowRecord{
			Packets: [2]uint64{12, 15}, Bytes: [2]uint64{1840, 20311}, Payload: [2]uint64{1200, 19500}, Lost: [2]uint64{0, 1448},
			Start: Noon, End: Noon + 1e9 + 900e6, TCPFlags: [2]uint8{decap.SYN | decap.ACK | decap.PSH | decap.FIN, decap.SYN | decap.ACK | decap.RST | decap.ECE},
			TCPState: event.TCPClosed, State: event.StateClosed, Reason: event.EndTimeout, Truncated: true, Messages: 1,
		},
	}
}

// PingFlow returns an unanswered ICMP flow of a plain capture.
func PingFlow() event.Event {
	return event.Event{
		Kind: event.Flow, Nanos: Noon, FlowID: 42, IPProto: decap.ICMP, ICMPType: 8, Initiator: event.ByICMPType,
		Src: netip.MustParseAddr("192.168.0.89").As16(), Dst: netip.MustParseAddr("192.168.0.1").As16(),
		Flow: event.FlowRecord{Packets: [2]uint64{1, 0}, Bytes: [2]uint64{84, 0}, Start: Noon, End: Noon, Reason: event.EndShutdown},
	}
}

// FragmentsFlow returns a flow of fragments that were not reassembled, of a protocol number without a name.
func FragmentsFlow() event.Event {
	e := PingFlow()
	e.IPProto, e.ICMPType, e.Initiator = 253, 0, event.ByFirstPacket
	e.Flow.Fragments = true
	return e
}

// Stats returns a snapshot of the program's counters.
func Stats() event.Event {
	t := &event.Totals{Uptime: 60, KernelDrops: 5}
	t.Datagrams, t.Bytes = 100, 123456
	t.Reasons[decap.OK], t.Reasons[decap.NotIP], t.Reasons[decap.NoVNI] = 97, 2, 1
	t.Unattributed = 4
	t.FlowsNew, t.FlowsActive, t.Gaps, t.LostBytes = 10, 3, 1, 1448
	t.FlowsEnded[event.EndTimeout], t.FlowsEnded[event.EndReused] = 6, 1
	t.Hints[l7.DNS] = 8
	t.Export.Produced[event.AppLayer], t.Export.Written[event.AppLayer], t.Export.Dropped[event.AppLayer] = 8, 7, 1
	t.Forward.Passed, t.Forward.Excluded[event.Unreadable] = event.Tally{Frames: 90, Bytes: 100000}, event.Tally{Frames: 10, Bytes: 20000}
	t.Fixed = event.Fixed{Truncated: 1, Lengths: 2, Checksums: 3}
	t.Targets = []event.Target{
		{Name: `pcap:"quoted"`, Frames: 80, Bytes: 90000, Queued: 9}, {Name: "iface:a", QueueFull: 1, Unreachable: 2, Oversize: 3, Segments: 4, Outages: 5},
	}
	return event.Event{Kind: event.Stats, Nanos: Noon, Stats: t}
}

// EveryKind returns a batch with events of every kind that EVE has lines for.
func EveryKind() *event.Batch {
	b := &event.Batch{}
	named := TCPFlow("10.0.1.7", "203.0.113.9")
	named.Name, named.NameSource = b.CopyText([]byte("api.example.com")), l7.SNI
	named.Policy = &event.Verdict{Kind: "allowed", Rule: "allow-1", Workload: "web", By: "sni", To: "api.example.com"}
	unknown := TCPFlow("10.0.1.7", "203.0.113.10")
	unknown.Proto = l7.None
	unknown.Owner, unknown.Direction = &event.Owner{ENI: "eni-\"quoted\""}, event.Ingress
	b.Events = append(b.Events, TLS(b), DNS(b), named, unknown, PingFlow(), FragmentsFlow(), Stats())
	return b
}
