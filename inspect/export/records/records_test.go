package records_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export/eventtest"
	"github.com/mirrorsink/mirrorsink/inspect/export/records"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// written returns the lines of an event in a format, without the header.
func written(t *testing.T, cfg records.Config, format string, b *event.Batch, e *event.Event) []string {
	f, err := flowlog.Parse(format)
	require.NoError(t, err)
	text := (&records.Encoder{Format: f, Builder: records.NewBuilder(cfg)}).Append(nil, b, e)
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// TestRecords: a record for each direction, with the interface's primary address on its own side.
func TestRecords(t *testing.T) {
	b, e := eventtest.Interval()
	services, err := flowlog.ReadServices(strings.NewReader(`{"syncToken": "1", "prefixes": [
		{"ip_prefix": "52.94.0.0/15", "service": "AMAZON"}, {"ip_prefix": "52.95.110.0/24", "service": "AMAZON"},
		{"ip_prefix": "52.95.110.0/24", "service": "S3"}, {"ip_prefix": "52.95.110.0/24", "service": "EC2"}]}`))
	require.NoError(t, err)
	cfg := records.Config{CommunityID: true, Services: services}
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

// TestPaired: both records of a flow that was seen at the other end too name the interface there. An interface that is not in the
// inventory is named by its mirror session.
func TestPaired(t *testing.T) {
	b, e := eventtest.Interval()
	assert.Equal(t, []string{"-", "-"}, written(t, records.Config{}, "x-paired", b, e))
	e.Paired = event.MirrorSession{Outer: netip.MustParseAddr("10.0.2.10"), VNI: 102}
	assert.Equal(t, []string{"102/10.0.2.10", "102/10.0.2.10"}, written(t, records.Config{}, "x-paired", b, e))
	e.PairedOwner = &event.Owner{ENI: "eni-0a2"}
	assert.Equal(t, []string{"eni-0a2", "eni-0a2"}, written(t, records.Config{}, "x-paired", b, e))
}

// TestOneWay: a direction without packets has no record.
func TestOneWay(t *testing.T) {
	b, e := eventtest.Interval()
	e.Flow.Packets[0] = 0
	assert.Equal(t, []string{"443"}, written(t, records.Config{}, "srcport", b, e))
}

// TestAction: incoming packets were accepted. Outgoing packets are accepted if they are answered. No record has REJECT.
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
		b, e := eventtest.Interval()
		e.Direction, e.Window.Answered = c.way, c.answered
		assert.Equal(t, c.want, written(t, records.Config{}, "flow-direction action x-unanswered", b, e))
	}
}

// TestTCPFlags: AWS records FIN, SYN and RST, and ACK if it is on a SYN.
func TestTCPFlags(t *testing.T) {
	for seen, want := range map[uint8][2]string{
		0x02: {"2", "2"}, 0x10: {"0", "16"}, 0x18: {"0", "24"}, 0x1b: {"3", "27"}, 0x12: {"2", "18"}, 0x12 | event.SynAck: {"18", "18"},
		0x13 | event.SynAck: {"19", "19"}, 0x3f: {"7", "63"}, 0: {"0", "0"},
	} {
		b, e := eventtest.Interval()
		e.Flow.Packets[1], e.Flow.TCPFlags[0] = 0, seen
		assert.Equal(t, want[:1], written(t, records.Config{}, "tcp-flags", b, e), seen)
		assert.Equal(t, want[1:], written(t, records.Config{FullFlags: true}, "tcp-flags", b, e), seen)
	}
}

// TestWithoutInventory: the primary address and the direction are known from the envelope.
func TestWithoutInventory(t *testing.T) {
	b, e := eventtest.Interval()
	e.Owner, e.Flow.Packets[1] = nil, 0
	const format = "account-id interface-id region srcaddr pkt-srcaddr flow-direction"
	assert.Equal(t, []string{"unknown - - 10.0.1.10 10.0.1.11 egress"}, written(t, records.Config{}, format, b, e))
	cfg := records.Config{Account: "444455556666", Region: "eu-north-1"}
	assert.Equal(t, []string{"444455556666 - eu-north-1 10.0.1.10 10.0.1.11 egress"}, written(t, cfg, format, b, e))
}

// TestIPv6: the interface's side has the packet's address if it is the interface's, else the interface's first one.
func TestIPv6(t *testing.T) {
	b, e := eventtest.Interval()
	e.IPVersion, e.Flow.Packets[1] = 6, 0
	e.Src, e.Dst = netip.MustParseAddr("2001:db8::cafe").As16(), netip.MustParseAddr("2001:db8:f::1").As16()
	assert.Equal(t, []string{"2001:db8::a 2001:db8::cafe IPv6"}, written(t, records.Config{}, "srcaddr pkt-srcaddr type", b, e))
	e.Src = netip.MustParseAddr("2001:db8::a").As16()
	assert.Equal(t, []string{"2001:db8::a 2001:db8::a IPv6"}, written(t, records.Config{}, "srcaddr pkt-srcaddr type", b, e))
}

// TestLogStatus: an interface without a record in a closed window gets NODATA. If something was lost in the window all interfaces get
// SKIPDATA instead.
func TestLogStatus(t *testing.T) {
	other := &event.Owner{ENI: "eni-0b2", Account: "111122223333"}
	again := &event.Owner{ENI: "eni-0b2", Account: "111122223333", Session: "tms-2"}
	owners := []*event.Owner{again, eventtest.TwoAddrs, other}
	cfg := records.Config{Owners: func() []*event.Owner { return append([]*event.Owner(nil), owners...) }}
	f := &records.Encoder{Format: flowlog.Default, Builder: records.NewBuilder(cfg)}
	lines := func(b *event.Batch, e *event.Event) string { return string(f.Append(nil, b, e)) }

	lines(eventtest.Interval())
	assert.Equal(t, "2 111122223333 eni-0b2 - - - - - - - 1700000040 1700000099 - NODATA\n", lines(eventtest.Closed(eventtest.Window, 0)))
	assert.Equal(t, "2 111122223333 eni-0a1 - - - - - - - 1700000100 1700000159 - NODATA\n"+
		"2 111122223333 eni-0b2 - - - - - - - 1700000100 1700000159 - NODATA\n", lines(eventtest.Closed(eventtest.Window+60, 0)))
	b, part := eventtest.Closed(eventtest.Window+60, 0)
	part.Window.Partial = true
	assert.Empty(t, lines(b, part), "only a part of the window was watched")
	lines(eventtest.Interval())
	const lost = "2 111122223333 eni-0a1 - - - - - - - 1700000040 1700000099 - SKIPDATA\n" +
		"2 111122223333 eni-0b2 - - - - - - - 1700000040 1700000099 - SKIPDATA\n"
	assert.Equal(t, lost, lines(eventtest.Closed(eventtest.Window, 3)))
	f.Lost(1)
	assert.Equal(t, lost, lines(eventtest.Closed(eventtest.Window, 0)), "dropped events were lost too")
	assert.NotContains(t, lines(eventtest.Closed(eventtest.Window, 0)), "SKIPDATA", "losses count once")

	owners = nil
	assert.Empty(t, lines(eventtest.Closed(eventtest.Window, 0)))
	assert.Equal(t, "2 unknown - - - - - - - - 1700000040 1700000099 - SKIPDATA\n", lines(eventtest.Closed(eventtest.Window, 1)))
}
