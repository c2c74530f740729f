package decap_test

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"

	"github.com/mirrorsink/mirrorsink/decap"
)

// mirroredQuery is the payload of a UDP datagram on port 4789: a VXLAN header and a mirrored Ethernet frame.
var mirroredQuery = exampleDatagram(
	"08000000 00002a00",                                        // VXLAN: VNI 42
	"020000000002 020000000001 0800",                           // Ethernet: IPv4
	"45000021 00010000 4011 0000 0a000001 0a000002",            // IPv4: 33 bytes of UDP from 10.0.0.1 to 10.0.0.2
	"c000 0035 000d 0000", hex.EncodeToString([]byte("query")), // UDP: port 49152 to 53
)

func exampleDatagram(fields ...string) decap.Datagram {
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Join(fields, ""), " ", ""))
	if err != nil {
		panic(err)
	}
	return decap.Datagram{Data: b, WireLen: len(b), Link: decap.LinkVXLAN, Outer: netip.MustParseAddrPort("10.9.0.1:65409")}
}

func ExampleDecoder_Parse() {
	var dec decap.Decoder
	var pkt decap.Packet // is overwritten by each Parse
	if why := dec.Parse(&pkt, &mirroredQuery); why != decap.OK {
		fmt.Println("not decoded:", why)
		return
	}
	fmt.Printf("mirrored by %v, VNI %d\n", pkt.Outer.Addr(), pkt.VNI)
	fmt.Printf("%v:%d > %v:%d: %s\n", pkt.Src.Netip(), pkt.SrcPort, pkt.Dst.Netip(), pkt.DstPort, pkt.Payload)

	short := mirroredQuery
	short.Data = short.Data[:30] // the copy ends within the IP header
	fmt.Println(dec.Parse(&pkt, &short))
	// Output:
	// mirrored by 10.9.0.1, VNI 42
	// 10.0.0.1:49152 > 10.0.0.2:53: query
	// short_frame
}

func ExamplePacket_Key() {
	var query, answer decap.Packet
	new(decap.Decoder).Parse(&query, &mirroredQuery)
	answer = query
	answer.Src, answer.Dst, answer.SrcPort, answer.DstPort = query.Dst, query.Src, query.DstPort, query.SrcPort

	const session = 1 // the worker's number of the mirror session
	there, reverse := query.Key(session)
	fmt.Println(there.Lo.Netip(), there.LoPort, there.Hi.Netip(), there.HiPort, reverse)
	back, reverse := answer.Key(session)
	fmt.Println(back == there, reverse)
	// Output:
	// 10.0.0.1 49152 10.0.0.2 53 false
	// true true
}
