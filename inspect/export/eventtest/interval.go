package eventtest

import (
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// TwoAddrs is an interface with two IPv4 addresses; the packets of Interval have the second one.
var TwoAddrs = &event.Owner{
	ENI: "eni-0a1", Type: "interface", Instance: "i-0a1", VPC: "vpc-1", Subnet: "subnet-1", Region: "eu-west-1", ZoneID: "euw1-az1",
	Account: "111122223333", Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.10"), netip.MustParseAddr("10.0.1.11"), netip.MustParseAddr("2001:db8::a")},
}

// Window is the beginning of the aggregation window of Interval, in Unix seconds.
const Window = 1_700_000_040

// Interval returns the counts of an answered connection that the interface opened, in a window.
func Interval() (*event.Batch, *event.Event) {
	b := new(event.Batch)
	name := b.CopyText([]byte("api example.com")) // names from packets may have any bytes
	b.Events = append(b.Events, event.Event{
		Kind: event.Interval, Proto: l7.TLS, Nanos: Window * 1e9,
		Src: netip.MustParseAddr("10.0.1.11").As16(), Dst: netip.MustParseAddr("52.95.110.1").As16(), SrcPort: 40000, DstPort: 443,
		IPProto: decap.TCP, IPVersion: 4, Mirrored: true, Outer: netip.MustParseAddr("10.0.1.10"), VNI: 7,
		Owner: TwoAddrs, Direction: event.Egress, Name: name, NameSource: l7.SNI, Initiator: event.BySYN,
		Flow: event.FlowRecord{
			Packets: [2]uint64{4, 3}, Bytes: [2]uint64{400, 3000}, Payload: [2]uint64{200, 2800}, Lost: [2]uint64{0, 700},
			TCPFlags: [2]uint8{0x1b, 0x1a | event.SynAck},
		},
		Window: event.WindowRecord{
			From: Window, To: Window + 60, First: [2]uint32{Window + 1, Window + 2}, Last: [2]uint32{Window + 30, Window + 59},
			SNI: name, Answered: true,
		},
	})
	return b, &b.Events[0]
}

// Closed returns the end of a window of a minute in which the program lost some copies.
func Closed(from uint32, lost uint64) (*event.Batch, *event.Event) {
	b := &event.Batch{Events: []event.Event{{Kind: event.Closed, Window: event.WindowRecord{From: from, To: from + 60, Lost: lost}}}}
	return b, &b.Events[0]
}
