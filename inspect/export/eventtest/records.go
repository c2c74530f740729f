package eventtest

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// BusyRecords returns n records of 300 interfaces and 10,000 peers with 3,000 names, in windows of a minute.
func BusyRecords(n int) []flowlog.Record {
	r := rand.New(rand.NewPCG(1, 2))
	names := make([]string, 3000)
	for i := range names {
		names[i] = fmt.Sprintf("host-%d.service-%d.example.com", i, i%40)
	}
	out := make([]flowlog.Record, 0, n)
	for i := range n / 2 {
		host, peer, name := r.IntN(300), r.IntN(10000), names[r.IntN(len(names))]
		start := int64(1_790_000_000) + int64(i/4000*60)
		rec := flowlog.Record{
			AccountID: "123456789012", InterfaceID: fmt.Sprintf("eni-%017x", host), InstanceID: fmt.Sprintf("i-%017x", host),
			VPCID: "vpc-0a1b2c3d4e5f60718", SubnetID: fmt.Sprintf("subnet-%017x", host%6), Region: "eu-west-1", AZID: "euw1-az1",
			SrcAddr: netip.AddrFrom4([4]byte{10, 0, byte(host >> 8), byte(host)}),
			DstAddr: netip.AddrFrom4([4]byte{203, 0, byte(peer >> 8), byte(peer)}),
			SrcPort: uint16(32768 + r.IntN(28000)), DstPort: 443, Protocol: 6,
			Packets: uint64(4 + r.IntN(40)), Bytes: uint64(400 + r.IntN(60000)),
			Start: start + int64(r.IntN(60)), Action: flowlog.Accept, LogStatus: flowlog.OK, TCPFlags: 3,
			FlowDirection: "egress", Name: name, NameSource: "sni", SNI: name, AppProto: "tls", JA4: "t13d1516h2_8daaf6152771_b186095e22b6",
			Initiator: "src", InitiatorReason: "syn", DirectToAddress: "no", Completeness: 1, VNI: uint32(1000 + host), Mirrored: true,
			CommunityID: fmt.Sprintf("1:%024x=", r.Uint64()),
		}
		rec.End = rec.Start + int64(r.IntN(20))
		rec.PktSrcAddr, rec.PktDstAddr = rec.SrcAddr, rec.DstAddr
		back := rec
		back.SrcAddr, back.DstAddr, back.PktSrcAddr, back.PktDstAddr = rec.DstAddr, rec.SrcAddr, rec.DstAddr, rec.SrcAddr
		back.SrcPort, back.DstPort, back.FlowDirection, back.Initiator, back.TCPFlags = rec.DstPort, rec.SrcPort, "ingress", "dst", 19
		out = append(out, rec, back)
	}
	return out
}
