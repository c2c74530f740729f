package export_test

import (
	"log/slog"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// owned is an interface with two addresses; the packets of owned intervals are of the second one.
var owned = &event.Owner{
	ENI: "eni-0a1", Type: "interface", Instance: "i-0a1", VPC: "vpc-1", Subnet: "subnet-1", Region: "eu-west-1", ZoneID: "euw1-az1",
	Account: "111122223333", Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.10"), netip.MustParseAddr("10.0.1.11"), netip.MustParseAddr("2001:db8::a")},
}

const window = 1_700_000_040

// interval is a connection that the interface opens, and that is answered, in a window.
func interval() (*event.Batch, *event.Event) {
	b := new(event.Batch)
	name := b.CopyText([]byte("api example.com")) // names off the wire are hostile
	b.Events = append(b.Events, event.Event{
		Kind: event.Interval, Proto: l7.TLS, Nanos: window * 1e9,
		Src: netip.MustParseAddr("10.0.1.11").As16(), Dst: netip.MustParseAddr("52.95.110.1").As16(), SrcPort: 40000, DstPort: 443,
		IPProto: decap.TCP, IPVersion: 4, Mirrored: true, Outer: netip.MustParseAddr("10.0.1.10"), VNI: 7,
		Owner: owned, Direction: event.Egress, Name: name, NameSource: l7.SNI, Initiator: event.BySYN,
		Flow: event.FlowRecord{
			Packets: [2]uint64{4, 3}, Bytes: [2]uint64{400, 3000}, Payload: [2]uint64{200, 2800}, Lost: [2]uint64{0, 700},
			TCPFlags: [2]uint8{0x1b, 0x1a | event.SynAck},
		},
		Window: event.WindowRecord{
			From: window, To: window + 60, First: [2]uint32{window + 1, window + 2}, Last: [2]uint32{window + 30, window + 59},
			SNI: name, Answered: true,
		},
	})
	return b, &b.Events[0]
}

// written is the lines of an event in a format, without the header.
func written(t *testing.T, cfg export.RecorderConfig, format string, b *event.Batch, e *event.Event) []string {
	f, err := flowlog.Parse(format)
	require.NoError(t, err)
	text := (&export.FlowLog{Format: f, Recorder: export.NewRecorder(cfg)}).Append(nil, b, e)
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// TestRecords: a record for each direction, with the interface's primary address on its own side.
func TestRecords(t *testing.T) {
	b, e := interval()
	services, err := flowlog.ReadServices(strings.NewReader(`{"syncToken": "1", "prefixes": [
		{"ip_prefix": "52.94.0.0/15", "service": "AMAZON"}, {"ip_prefix": "52.95.110.0/24", "service": "AMAZON"},
		{"ip_prefix": "52.95.110.0/24", "service": "S3"}, {"ip_prefix": "52.95.110.0/24", "service": "EC2"}]}`))
	require.NoError(t, err)
	cfg := export.RecorderConfig{CommunityID: true, Services: services}
	assert.Equal(t, []string{
		"2 111122223333 eni-0a1 10.0.1.10 52.95.110.1 40000 443 6 4 400 1700000041 1700000070 ACCEPT OK",
		"2 111122223333 eni-0a1 52.95.110.1 10.0.1.10 443 40000 6 3 3000 1700000042 1700000099 ACCEPT OK",
	}, written(t, cfg, strings.Trim(flowlog.Default.String(), " "), b, e))
	assert.Equal(t, []string{
		"vpc-1 subnet-1 i-0a1 3 IPv4 10.0.1.11 52.95.110.1 eu-west-1 euw1-az1 - S3 egress interface",
		"vpc-1 subnet-1 i-0a1 18 IPv4 52.95.110.1 10.0.1.11 eu-west-1 euw1-az1 S3 - ingress interface",
	}, written(t, cfg, "vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id pkt-src-aws-service "+
		"pkt-dst-aws-service flow-direction interface-type", b, e))
	assert.Equal(t, []string{
		"api%20example.com sni api%20example.com - tls - src syn false - 1 1:WX4gXBl66yTsDQlvi5+1gBhlWWc= 7 false",
		"api%20example.com sni api%20example.com - tls - dst syn false - 0.8 1:WX4gXBl66yTsDQlvi5+1gBhlWWc= 7 false",
	}, written(t, cfg, "x-name x-name-source x-sni x-dns-name x-app-proto x-ja4 x-initiator x-initiator-reason x-unanswered "+
		"x-direct-to-address x-completeness x-community-id x-vni x-truncated", b, e))
}

// TestPaired: both directions of a flow that was seen at the other end too name the interface there, one that the inventory does
// not know by its session.
func TestPaired(t *testing.T) {
	b, e := interval()
	assert.Equal(t, []string{"-", "-"}, written(t, export.RecorderConfig{}, "x-paired", b, e))
	e.Paired = event.MirrorSession{Outer: netip.MustParseAddr("10.0.2.10"), VNI: 102}
	assert.Equal(t, []string{"102/10.0.2.10", "102/10.0.2.10"}, written(t, export.RecorderConfig{}, "x-paired", b, e))
	e.PairedOwner = &event.Owner{ENI: "eni-0a2"}
	assert.Equal(t, []string{"eni-0a2", "eni-0a2"}, written(t, export.RecorderConfig{}, "x-paired", b, e))
}

// TestOneWay: a direction without packets has no record.
func TestOneWay(t *testing.T) {
	b, e := interval()
	e.Flow.Packets[0] = 0
	assert.Equal(t, []string{"443"}, written(t, export.RecorderConfig{}, "srcport", b, e))
}

// TestAction: what comes in was let in; what goes out is accepted if somebody answers. Nothing is ever said to be rejected.
func TestAction(t *testing.T) {
	for _, c := range []struct {
		way      event.Direction
		answered bool
		want     []string
	}{
		{event.Egress, true, []string{"egress ACCEPT false", "ingress ACCEPT false"}},
		{event.Egress, false, []string{"egress - true", "ingress ACCEPT true"}},
		{event.Ingress, false, []string{"ingress ACCEPT true", "egress ACCEPT true"}},
		{event.NoDirection, true, []string{"- ACCEPT false", "- ACCEPT false"}},
		{event.NoDirection, false, []string{"- - true", "- ACCEPT true"}},
	} {
		b, e := interval()
		e.Direction, e.Window.Answered = c.way, c.answered
		assert.Equal(t, c.want, written(t, export.RecorderConfig{}, "flow-direction action x-unanswered", b, e))
	}
}

// TestTCPFlags: AWS records FIN, SYN and RST, and ACK where it is on a SYN.
func TestTCPFlags(t *testing.T) {
	for seen, want := range map[uint8][2]string{
		0x02: {"2", "2"}, 0x10: {"0", "16"}, 0x18: {"0", "24"}, 0x1b: {"3", "27"}, 0x12: {"2", "18"}, 0x12 | event.SynAck: {"18", "18"},
		0x13 | event.SynAck: {"19", "19"}, 0x3f: {"7", "63"}, 0: {"0", "0"},
	} {
		b, e := interval()
		e.Flow.Packets[1], e.Flow.TCPFlags[0] = 0, seen
		assert.Equal(t, want[:1], written(t, export.RecorderConfig{}, "tcp-flags", b, e), seen)
		assert.Equal(t, want[1:], written(t, export.RecorderConfig{FullFlags: true}, "tcp-flags", b, e), seen)
	}
}

// TestWithoutInventory: the envelope still tells the primary address and the direction.
func TestWithoutInventory(t *testing.T) {
	b, e := interval()
	e.Owner, e.Flow.Packets[1] = nil, 0
	const format = "account-id interface-id region srcaddr pkt-srcaddr flow-direction"
	assert.Equal(t, []string{"unknown - - 10.0.1.10 10.0.1.11 egress"}, written(t, export.RecorderConfig{}, format, b, e))
	cfg := export.RecorderConfig{Account: "444455556666", Region: "eu-north-1"}
	assert.Equal(t, []string{"444455556666 - eu-north-1 10.0.1.10 10.0.1.11 egress"}, written(t, cfg, format, b, e))
}

// TestIPv6: the packet's address is the interface's, or its first one stands for it.
func TestIPv6(t *testing.T) {
	b, e := interval()
	e.IPVersion, e.Flow.Packets[1] = 6, 0
	e.Src, e.Dst = netip.MustParseAddr("2001:db8::cafe").As16(), netip.MustParseAddr("2001:db8:f::1").As16()
	assert.Equal(t, []string{"2001:db8::a 2001:db8::cafe IPv6"}, written(t, export.RecorderConfig{}, "srcaddr pkt-srcaddr type", b, e))
	e.Src = netip.MustParseAddr("2001:db8::a").As16()
	assert.Equal(t, []string{"2001:db8::a 2001:db8::a IPv6"}, written(t, export.RecorderConfig{}, "srcaddr pkt-srcaddr type", b, e))
}

func closed(from uint32, lost uint64) (*event.Batch, *event.Event) {
	b := &event.Batch{Events: []event.Event{{Kind: event.Closed, Window: event.WindowRecord{From: from, To: from + 60, Lost: lost}}}}
	return b, &b.Events[0]
}

// TestLogStatus: an interface without a record in a window that is closed had no data, unless something was lost: then nobody can
// say so, and each may have lost some.
func TestLogStatus(t *testing.T) {
	other := &event.Owner{ENI: "eni-0b2", Account: "111122223333"}
	again := &event.Owner{ENI: "eni-0b2", Account: "111122223333", Session: "tms-2"}
	owners := []*event.Owner{again, owned, other}
	cfg := export.RecorderConfig{Owners: func() []*event.Owner { return append([]*event.Owner(nil), owners...) }}
	f := &export.FlowLog{Format: flowlog.Default, Recorder: export.NewRecorder(cfg)}
	say := func(b *event.Batch, e *event.Event) string { return string(f.Append(nil, b, e)) }

	say(interval())
	assert.Equal(t, "2 111122223333 eni-0b2 - - - - - - - 1700000040 1700000099 - NODATA\n", say(closed(window, 0)))
	assert.Equal(t, "2 111122223333 eni-0a1 - - - - - - - 1700000100 1700000159 - NODATA\n"+
		"2 111122223333 eni-0b2 - - - - - - - 1700000100 1700000159 - NODATA\n", say(closed(window+60, 0)))
	b, part := closed(window+60, 0)
	part.Window.Partial = true
	assert.Empty(t, say(b, part), "of a part of a window nobody can say so")
	say(interval())
	const lost = "2 111122223333 eni-0a1 - - - - - - - 1700000040 1700000099 - SKIPDATA\n" +
		"2 111122223333 eni-0b2 - - - - - - - 1700000040 1700000099 - SKIPDATA\n"
	assert.Equal(t, lost, say(closed(window, 3)))
	f.Lost(1)
	assert.Equal(t, lost, say(closed(window, 0)), "events that found no room were lost too")
	assert.NotContains(t, say(closed(window, 0)), "SKIPDATA", "told once")

	owners = nil
	assert.Empty(t, say(closed(window, 0)))
	assert.Equal(t, "2 unknown - - - - - - - - 1700000040 1700000099 - SKIPDATA\n", say(closed(window, 1)))
}

// TestFlowLogFile: the names of the fields are the first line of each file, and events of other kinds are none of its business.
func TestFlowLogFile(t *testing.T) {
	out := &memory{}
	f, err := flowlog.Parse("interface-id bytes")
	require.NoError(t, err)
	q := export.NewQueue(export.QueueConfig{
		Kinds: export.FlowLogKinds, Output: out, Encoder: &export.FlowLog{Format: f, Recorder: export.NewRecorder(export.RecorderConfig{})},
		Bytes: 1 << 20, Block: true,
	})
	q.Events(everyKind())
	b, _ := interval()
	q.Events(b)
	b, _ = closed(window, 0)
	q.Events(b)
	_, err = q.Close(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "interface-id bytes\neni-0a1 400\neni-0a1 3000\n", out.text())
	want := [event.Kinds]uint64{event.Interval: 1, event.Closed: 1}
	assert.Equal(t, event.Counts{Produced: want, Written: want}, q.Counts())
}

// TestFlowLogFileThatCannotBeWritten: its header comes as soon as there is room, and what is missing is said.
func TestFlowLogFileThatCannotBeWritten(t *testing.T) {
	out := &memory{err: syscall.ENOSPC}
	f, err := flowlog.Parse("interface-id bytes log-status")
	require.NoError(t, err)
	q := export.NewQueue(export.QueueConfig{
		Kinds: export.FlowLogKinds, Output: out, Encoder: &export.FlowLog{Format: f, Recorder: export.NewRecorder(export.RecorderConfig{})},
		Bytes: 1 << 20, Block: true, Log: slog.New(slog.DiscardHandler),
	})
	b, _ := interval()
	q.Events(b)
	require.Eventually(t, func() bool { return q.Err() != nil }, 10*time.Second, time.Millisecond)
	out.recover()
	b, _ = interval()
	q.Events(b)
	b, _ = closed(window, 0)
	q.Events(b)
	_, err = q.Close(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "interface-id bytes log-status\neni-0a1 400 OK\neni-0a1 3000 OK\n- - SKIPDATA\n", out.text())
	assert.EqualValues(t, 1, q.Counts().Dropped[event.Interval])
}
