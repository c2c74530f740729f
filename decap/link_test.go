package decap_test

import (
	"testing"

	"github.com/mirrorsink/mirrorsink/decap"
)

func TestLinkHeaders(t *testing.T) {
	six, sixDescribed := v6(59), "ok 2001:db8::3 > 2001:db8::80 proto 59 ip 40 payload 0/0"
	described := "ok " + dnsPacket
	for link, cases := range map[decap.Link][]parseCase{
		decap.LinkPPP: {
			{"IPv4", join("ff03 0021", dns), described},
			{"IPv6", join("ff03 0057", six), sixDescribed},
			{"compressed", join("21", dns), described},
			{"without address", join("0021", dns), described},
			{"MPLS", join("ff03 0281 00010140", dns), described},
			{"LCP", join("ff03 c021 0901 0004"), "not_ip"},
			{"cut", join("ff03 00"), "short_frame"},
			{"empty", nil, "short_frame"},
		},
		decap.LinkPPPDirection: {
			{"pppd", join("00 03 0021", dns), described},
			{"sent", join("01 03 0057", six), sixDescribed},
			{"with all of HDLC", join("01 ff03 0021", dns), described},
			{"without HDLC", join("01 21", dns), described},
			{"cut", join("01"), "short_frame"},
		},
		decap.LinkPPPoE: {
			{"session", join("11 00 0001 0022 0021", dns), described},
			{"discovery", join("11 09 0000 0000 0000"), "not_ip"},
		},
		decap.LinkCHDLC: {
			{"unicast", join("0f00 0800", dns), described},
			{"broadcast", join("8f00 86dd", six), sixDescribed},
			{"SLARP", join("8f00 8035 00000002"), "not_ip"},
			{"another address", join("ff03 0800", dns), "not_ip"},
			{"a length in place of a type", join("0f00 0028 aaaa03 000000 0800", dns), "not_ip"},
			{"cut", join("0f00 08"), "short_frame"},
		},
		decap.LinkCHDLCDirection: {
			{"sent", join("01 0f00 0800", dns), described},
		},
		decap.LinkNFLOG: {
			{"payload alone", join("02 00 0005 2400 0900", dns), described},
			{"big-endian", join("02 00 0005 0024 0009", dns), described},
			{"behind others", join("02 00 0005 0800 0100 0800 0100 0500 0a00 00 000000 0800 0500 00000002 2400 0900", dns), described},
			{"big-endian, behind others", join("02 00 0005 0008 0001 0800 0100 0005 000a 00 000000 0024 0009", dns), described},
			{"IPv6", join("0a 00 0005 2c00 0900", six), sixDescribed},
			{"a bridge's ARP", join("07 00 0005 0c00 0900 0001 0800 0604 0001"), "not_ip"},
			{"no payload", join("02 00 0005 0800 0100 0800 0100"), "not_ip"},
			{"a length below that of the header", join("02 00 0005 0300 0900", dns), "not_ip"},
			{"a length past the end", join("02 00 0005 2500 0900", dns), "not_ip"},
			{"another version", join("02 01 0005 2400 0900", dns), "not_ip"},
			{"cut", join("02 00 00"), "short_frame"},
		},
	} {
		runCases(t, &decap.Decoder{Encapsulation: decap.Never}, link, cases)
	}
}
