package decap_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

func TestGRE(t *testing.T) {
	gre := func(parts ...any) []byte { return v4(47, parts...) }
	stays := func(ip, payload string) string {
		return "ok 10.1.2.3 > 192.0.2.80 proto 47 ip " + ip + " payload " + payload
	}
	frame := ether(0x0800, dns)
	runCases(t, new(decap.Decoder), decap.LinkIP, []parseCase{
		{"IPv4", gre("0000 0800", dns), "ok depth 1 " + dnsPacket},
		{"in IPv6", v6(47, "0000 0800", dns), "ok depth 1 " + dnsPacket},
		{"checksum, key, sequence", gre("b000 0800 00000000 00000001 00000002", dns), "ok depth 1 " + dnsPacket},
		{"key", gre("2000 86dd 00000001", v6(59)), "ok depth 1 2001:db8::3 > 2001:db8::80 proto 59 ip 40 payload 0/0"},
		{"Ethernet", gre("0000 6558", frame), "ok depth 1 " + dnsPacket},
		{"MPLS", gre("0000 8847 00010140", dns), "ok depth 1 " + dnsPacket},
		{"ERSPAN I", gre("0000 88be", frame), "ok depth 1 " + dnsPacket},
		{"ERSPAN II", gre("1000 88be 00000001 10010001 00000000", frame), "ok depth 1 net " + dnsPacket},
		{"ERSPAN II without a VLAN", gre("1000 88be 00000001 10000001 00000000", frame), "ok depth 1 " + dnsPacket},
		{"ERSPAN III", gre("1000 22eb 00000001 20010001 00000000 00000000", frame), "ok depth 1 net " + dnsPacket},
		{"ERSPAN III with a subheader", gre("1000 22eb 00000001 20010001 00000000 00000001 0000000000000000", frame),
			"ok depth 1 net " + dnsPacket},
		{"NVGRE", gre("2000 6558 00138900", frame), "ok depth 1 net " + dnsPacket},
		{"keyed IPv4", gre("2000 0800 00138900", dns), "ok depth 1 " + dnsPacket},
		{"PPTP", gre("3081 880b 00260001 00000001 00000002 ff03 0021", dns), "ok depth 1 " + dnsPacket},
		{"PPTP, compressed", gre("3001 880b 00240001 00000001 21", dns), "ok depth 1 " + dnsPacket},
		{"PPTP, encrypted", gre("3001 880b 00260001 00000001 00fd 9000"), stays("36", "16/16")},
		{"PPTP, acknowledgment alone", gre("2081 880b 00000001 00000002"), stays("32", "12/12")},
		{"routing", gre("4000 0800 00000000 00000000", dns), stays("64", "44/44")},
		{"version 2", gre("0002 0800", dns), stays("56", "36/36")},
		{"keepalive", gre("0000 0000"), stays("24", "4/4")},
		{"ARP inside", gre("0000 6558", ether(0x0806, "0001")), stays("40", "20/20")},
		{"header cut", gre("b000 0800 0000"), stays("26", "6/6")},
		{"bad packet inside", gre("0000 0800 55", dns[1:]), stays("56", "36/36")},
		{"inner header cut", gre("0000 0800", dns)[:40], stays("56", "20/36 truncated")},
		{"inner payload cut", gre("0000 0800", dns)[:54],
			"ok depth 1 10.1.2.3:40000 > 192.0.2.80:53 proto 17 ip 32 payload 2/4 truncated"},
	})
}

// TestNetworksOfTunnels has tunnels of two networks with equal addresses, and what does not make two networks: both directions of a
// network have one flow.
func TestNetworksOfTunnels(t *testing.T) {
	frame, tagged := ether(0x0800, dns), ether(0x8100, "0005 0800", dns)
	teb := func(header string) []byte { return v4(47, header, frame) }
	span := func(header string, frame []byte) []byte { return v4(47, header, frame) }
	vxlanIn := func(vni uint32) []byte { return v4(decap.UDP, udp(1000, 4789, vxlan(vni, frame))) }
	genv := func(vni string) []byte { return v4(decap.UDP, udp(1000, 6081, "0000 6558", vni, "00", frame)) }
	const span2, span3 = "1000 88be 00000001", "1000 22eb 00000001"
	for name, c := range map[string]struct {
		a, b []byte
		same bool
	}{
		"NVGRE networks":               {teb("2000 6558 00004d00"), teb("2000 6558 00005800"), false},
		"NVGRE flow numbers":           {teb("2000 6558 00138901"), teb("2000 6558 00138902"), true},
		"NVGRE, one with a checksum":   {teb("a000 6558 0000 0000 00138900"), teb("2000 6558 00138900"), true},
		"NVGRE and no key":             {teb("2000 6558 00138900"), teb("0000 6558"), false},
		"NVGRE and VXLAN":              {teb("2000 6558 00138900"), vxlanIn(0x1389), false},
		"NVGRE and an Ethernet tunnel": {teb("2000 6558 00004d00"), teb("2000 6558 0000004d"), false},
		"Ethernet tunnels":             {teb("2000 6558 00000001"), teb("2000 6558 00000002"), false},
		"sequence numbers":             {teb("3000 6558 00138900 00000001"), teb("3000 6558 00138900 00000002"), true},
		"ERSPAN II VLANs":              {span(span2+"10050001 00000000", frame), span(span2+"10060001 00000000", frame), false},
		"ERSPAN II ports and sessions": {span(span2+"10050001 00000001", frame), span(span2+"1005e802 00000002", frame), true},
		"ERSPAN III VLANs":             {span(span3+"20050001 00000000 00000000", frame), span(span3+"20060001 00000000 00000000", frame), false},
		"ERSPAN III directions":        {span(span3+"20050001 00000001 00000000", frame), span(span3+"20050001 00000002 00000008", frame), true},
		"ERSPAN II and III":            {span(span2+"10050001 00000000", frame), span(span3+"20050001 00000000 00000000", frame), true},
		"tags kept in one direction":   {span(span2+"10051801 00000000", tagged), span(span2+"10051001 00000000", frame), true},
		"a tag of another VLAN":        {span(span2+"10061801 00000000", tagged), span(span2+"10051801 00000000", tagged), false},
		"VXLAN":                        {vxlanIn(1), vxlanIn(2), false},
		"GENEVE":                       {genv("000001"), genv("000002"), false},
		"GENEVE and VXLAN":             {genv("000001"), vxlanIn(1), false},
	} {
		for _, outer := range []func([]byte) []byte{
			func(p []byte) []byte { return vxlan(1, ether(0x0800, p)) },
			func(p []byte) []byte {
				return vxlan(1, ether(0x0800, v4(decap.UDP, udp(1000, 4789, vxlan(9, ether(0x0800, p))))))
			},
		} {
			var key [2]decap.Key
			for i, packet := range [][]byte{c.a, c.b} {
				var p decap.Packet
				d := datagram(decap.LinkVXLAN, outer(packet))
				require.Equal(t, decap.OK, new(decap.Decoder).Parse(&p, &d), name)
				require.EqualValues(t, 53, p.DstPort, name)
				key[i], _ = p.Key(1)
			}
			assert.Equal(t, c.same, key[0] == key[1], name)
		}
	}
}

// TestSpanVLAN: the VLAN of an ERSPAN header is that of the frame inside, if there is one.
func TestSpanVLAN(t *testing.T) {
	for name, c := range map[string]struct {
		frame []byte
		want  uint16
	}{
		"stripped": {ether(0x0800, dns), 5},
		"kept":     {ether(0x8100, "0005 0800", dns), 5},
		"ARP":      {ether(0x0806, "0001"), 0},
	} {
		var p decap.Packet
		d := datagram(decap.LinkEthernet, ether(0x8100, "0007 0800", v4(47, "1000 88be 00000001 10051801 00000000", c.frame)))
		require.Equal(t, decap.OK, new(decap.Decoder).Parse(&p, &d), name)
		assert.Equal(t, c.want, p.SpanVLAN, name)
		assert.Equal(t, [decap.MaxVLANs]uint16{7}, p.VLANs, name)
	}
}

func TestIPinIP(t *testing.T) {
	u := udp(40000, 53, "61626364")
	runCases(t, new(decap.Decoder), decap.LinkIP, []parseCase{
		{"4 in 4", v4(4, dns), "ok depth 1 " + dnsPacket},
		{"6 in 4", v4(41, v6(17, u)), "ok depth 1 [2001:db8::3]:40000 > [2001:db8::80]:53 proto 17 ip 52 payload 4/4"},
		{"4 in 6", v6(4, dns), "ok depth 1 " + dnsPacket},
		{"four deep", v4(4, v4(4, v4(4, v4(4, dns)))), "ok depth 4 " + dnsPacket},
		{"too deep", v4(4, v4(4, v4(4, v4(4, v4(4, dns))))), "too_deep"},
		{"a quoted packet is no tunnel", v4(decap.ICMP, "0301 0000 00000000", dns),
			"ok 10.1.2.3 > 192.0.2.80 proto 1 ip 60 icmp 3/1 id 0 payload 32/32"},
		{"fragment inside", v4(4, "4500 001c 0007 2000 3f01 0000 0a010203 c0000250 0800 0000 0000 0000"),
			"fragment depth 1 10.1.2.3 > 192.0.2.80 proto 1 ip 28 id 7 off 0 more true payload 8/8"},
		{"garbage", v4(4, "ffffffff"), "ok 10.1.2.3 > 192.0.2.80 proto 4 ip 24 payload 4/4"},
	})
}

func TestUDPTunnels(t *testing.T) {
	in := func(dport uint16, parts ...any) []byte { return v4(decap.UDP, udp(1000, dport, parts...)) }
	frame := ether(0x0800, dns)
	gtp := func(flags string, parts ...any) []byte {
		b := join(parts...)
		return in(2152, flags, "ff", uint16Bytes(uint16(len(b))), "00000001", b)
	}
	described := "ok depth 1 " + dnsPacket
	six := v6(17, udp(40000, 53, "61626364"))
	sixTold := "ok depth 1 [2001:db8::3]:40000 > [2001:db8::80]:53 proto 17 ip 52 payload 4/4"
	runCases(t, &decap.Decoder{Encapsulation: decap.Never}, decap.LinkIP, []parseCase{
		{"GRE in UDP", in(4754, "0000 0800", dns), "ok depth 1 " + dnsPacket},
		{"VXLAN", in(4789, vxlan(7, frame)), "ok depth 1 net " + dnsPacket},
		{"VXLAN of ARP", in(4789, vxlan(7, ether(0x0806))), "ok 10.1.2.3:1000 > 192.0.2.80:4789 proto 17 ip 50 payload 22/22"},
		{"VXLAN-GPE of IPv4", in(4790, "0c000001 00000700", dns), "ok depth 1 net " + dnsPacket},
		{"VXLAN-GPE of Ethernet", in(4790, "0c000003 00000700", frame), "ok depth 1 net " + dnsPacket},
		{"VXLAN-GPE without P", in(4790, "08000000 00000700", frame), "ok depth 1 net " + dnsPacket},
		{"VXLAN-GPE of NSH", in(4790, "0c000004 00000700", dns), "ok 10.1.2.3:1000 > 192.0.2.80:4790 proto 17 ip 68 payload 40/40"},
		{"GENEVE with options", in(6081, "0100 6558 000005 00 0102 80 00", frame), "ok depth 1 net " + dnsPacket},
		{"GTP-U", gtp("30", dns), described},
		{"GTP-U, sequence", gtp("32", "0001 00 00", dns), described},
		{"GTP-U, extension headers", gtp("34", "0000 00 85", "01 0000 c0", "02 000000000000 00", dns), described},
		{"GTP-U, sequence without an extension", gtp("32", "0001 00 85", dns), described},
		{"GTP-U, extension of length 0", gtp("34", "0000 00 85", "00 0000 00", dns), "ok 10.1.2.3:1000 > 192.0.2.80:2152 proto 17 ip 76 payload 48/48"},
		{"GTP-U, extension past the end", gtp("34", "0000 00 85", "ff 0000 00"), "ok 10.1.2.3:1000 > 192.0.2.80:2152 proto 17 ip 44 payload 16/16"},
		{"GTP-U echo", in(2152, "3201 0004 00000000 00010000"), "ok 10.1.2.3:1000 > 192.0.2.80:2152 proto 17 ip 40 payload 12/12"},
		{"Teredo", in(3544, six), sixTold},
		{"Teredo, origin", in(3544, "0000 1234 01020304", six), sixTold},
		{"Teredo, authentication and origin", in(3544, "0001 00 00 0000000000000000 00 0000 1234 01020304", six), sixTold},
		{"Teredo, another length", in(3544, six, "00"), "ok 10.1.2.3:1000 > 192.0.2.80:3544 proto 17 ip 81 payload 53/53"},
		{"Teredo, from the server", v4(decap.UDP, udp(3544, 1000, six)), sixTold},
		{"Teredo, authentication past the end", in(3544, "0001 ff ff 0000000000000000 00"),
			"ok 10.1.2.3:1000 > 192.0.2.80:3544 proto 17 ip 41 payload 13/13"},
	})
}
