package event_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// The specification's own examples and those of its reference implementation. For ICMP the last two numbers are type and
// code.
var communityIDs = []struct {
	proto    uint8
	src, dst string
	a, b     uint16
	want     string
}{
	{decap.TCP, "128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
	{decap.TCP, "66.35.250.204", "128.232.110.120", 80, 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
	{decap.TCP, "10.0.0.1", "10.0.0.2", 10, 11569, "1:SXBGMX1lBOwhhoDrZynfROxnhnM="},
	{decap.TCP, "2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a", 63943, 25, "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
	{decap.TCP, "2607:f8b0:400c:c03::1a", "2001:470:e5bf:dead:4957:2174:e82c:4887", 25, 63943, "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
	{decap.UDP, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
	{decap.UDP, "8.8.8.8", "192.168.1.52", 53, 54585, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
	{decap.SCTP, "192.168.170.8", "192.168.170.56", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="},
	{decap.SCTP, "192.168.170.56", "192.168.170.8", 80, 7, "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ="},
	{decap.ICMP, "192.168.0.89", "192.168.0.1", 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
	{decap.ICMP, "192.168.0.1", "192.168.0.89", 0, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
	{decap.ICMP, "192.168.0.1", "192.168.0.89", 0, 20, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="}, // the code of a paired type is ignored
	{decap.ICMP, "10.0.0.1", "10.0.0.2", 11, 0, "1:YHxtAirCG//0OzkcVAukqKQN9xM="},
	{decap.ICMP, "192.168.0.89", "192.168.0.1", 20, 0, "1:3o2RFccXzUgjl7zDpqmY7yJi8rI="},
	{decap.ICMP, "192.168.0.89", "192.168.0.1", 20, 1, "1:tz/fHIDUHs19NkixVVoOZywde+I="},
	{decap.ICMPv6, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
	{decap.ICMPv6, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 136, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
	{decap.ICMPv6, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 135, 0, "1:zavyT/cezQr1fmImYCwYnMXbgck="},
	{decap.ICMPv6, "fe80::260:97ff:fe07:69ea", "ff02::1", 134, 0, "1:pkvHqCL88/tg1k4cPigmZXUtL00="},
	{decap.ICMPv6, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2", 128, 0, "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="},
	{decap.ICMPv6, "3ffe:507:0:1:260:97ff:fe07:69ea", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0, "1:NdobDX8PQNJbAyfkWxhtL2Pqp5w="},
	{decap.ICMPv6, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:507:0:1:260:97ff:fe07:69ea", 3, 0, "1:/OGBt9BN1ofenrmSPWYicpij2Vc="},
	{decap.ICMPv6, "3ffe:501:410:0:2c0:dfff:fe47:33e", "3ffe:507:0:1:200:86ff:fe05:80da", 1, 4, "1:hLZd0XGWojozrvxqE0dWB1iM6R0="},
	{46, "10.1.12.1", "10.1.12.2", 0, 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="},
	{46, "10.1.12.2", "10.1.12.1", 0, 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="},
}

func TestCommunityID(t *testing.T) {
	for _, c := range communityIDs {
		e := flow(c.proto, c.src, c.dst, c.a, c.b)
		assert.Equal(t, "x"+c.want, string(e.AppendCommunityID([]byte("x"))), "%+v", c)
	}
}

// An echo whose request was not mirrored: the event names the requester as its source and gives the reply's type.
func TestCommunityIDOfReplySeenFirst(t *testing.T) {
	e := flow(decap.ICMP, "192.168.0.89", "192.168.0.1", 0, 0)
	e.Initiator = event.ByICMPType
	assert.Equal(t, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=", string(e.AppendCommunityID(nil)))

	e = flow(decap.ICMPv6, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 136, 0)
	e.Initiator = event.ByICMPType
	assert.Equal(t, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=", string(e.AppendCommunityID(nil)))
}

func TestCommunityIDOfPiecesIgnoresPorts(t *testing.T) {
	fragments := flow(decap.UDP, "10.0.0.1", "10.0.0.2", 0, 0)
	withPorts := fragments.AppendCommunityID(nil)
	fragments.Flow.Fragments = true
	assert.NotEqual(t, string(withPorts), string(fragments.AppendCommunityID(nil)))
}

func TestCommunityIDIsTheSameForBothDirections(t *testing.T) {
	addr := rapid.SliceOfN(rapid.Byte(), 16, 16)
	rapid.Check(t, func(t *rapid.T) {
		e := event.Event{
			Src: decap.Addr(addr.Draw(t, "src")), Dst: decap.Addr(addr.Draw(t, "dst")),
			SrcPort: rapid.Uint16().Draw(t, "sport"), DstPort: rapid.Uint16().Draw(t, "dport"),
			IPProto: rapid.SampledFrom([]uint8{decap.TCP, decap.UDP, decap.SCTP, 47}).Draw(t, "proto"),
		}
		back := e
		back.Src, back.Dst, back.SrcPort, back.DstPort = e.Dst, e.Src, e.DstPort, e.SrcPort
		assert.Equal(t, e.AppendCommunityID(nil), back.AppendCommunityID(nil))
	})
}

func TestCommunityIDDoesNotAllocate(t *testing.T) {
	e := flow(decap.TCP, "128.232.110.120", "66.35.250.204", 34855, 80)
	buf := make([]byte, 0, 64)
	assert.Zero(t, testing.AllocsPerRun(100, func() { e.AppendCommunityID(buf) }))
}

func BenchmarkCommunityID(b *testing.B) {
	e := flow(decap.TCP, "128.232.110.120", "66.35.250.204", 34855, 80)
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		e.AppendCommunityID(buf)
	}
}

// flow returns an event between two addresses; a and b are ports, or an ICMP type and code.
func flow(proto uint8, src, dst string, a, b uint16) event.Event {
	e := event.Event{IPProto: proto, Src: netip.MustParseAddr(src).As16(), Dst: netip.MustParseAddr(dst).As16()}
	if e.IsICMP() {
		e.ICMPType, e.ICMPCode = uint8(a), uint8(b)
	} else {
		e.SrcPort, e.DstPort = a, b
	}
	return e
}
