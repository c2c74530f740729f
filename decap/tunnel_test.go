package decap_test

import (
	"testing"

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
		{"ERSPAN II", gre("1000 88be 00000001 10010001 00000000", frame), "ok depth 1 " + dnsPacket},
		{"ERSPAN III", gre("1000 22eb 00000001 20010001 00000000 00000000", frame), "ok depth 1 " + dnsPacket},
		{"ERSPAN III with a subheader", gre("1000 22eb 00000001 20010001 00000000 00000001 0000000000000000", frame),
			"ok depth 1 " + dnsPacket},
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
