package decap_test

import (
	"testing"

	"github.com/mirrorsink/mirrorsink/decap"
)

func TestTransport(t *testing.T) {
	described := "ok 10.1.2.3:1 > 192.0.2.80:2 "
	segment := tcp(1, 2, "abcd")
	options := join(segment[:12], "6018", segment[14:20], "01010101", "61")
	runCases(t, new(decap.Decoder), decap.LinkIP, []parseCase{
		{"TCP", v4(6, segment), described + "proto 6 ip 44 flags 18 seq 1 ack 2 payload 4/4"},
		{"TCP options", v4(6, options), described + "proto 6 ip 45 flags 18 seq 1 ack 2 payload 1/1"},
		{"TCP options cut", v4(6, options)[:42], described + "proto 6 ip 45 flags 18 seq 1 ack 2 payload 0/1 truncated"},
		{"TCP payload cut", v4(6, segment)[:41], described + "proto 6 ip 44 flags 18 seq 1 ack 2 payload 1/4 truncated"},
		{"TCP header cut", v4(6, segment)[:39], described + "proto 6 ip 44 payload 0/0 truncated"},
		{"TCP ports cut", v4(6, segment)[:23], "ok 10.1.2.3 > 192.0.2.80 proto 6 ip 44 payload 0/0 truncated"},
		{"TCP data offset below 5", v4(6, segment[:12], "40", segment[13:]), described + "proto 6 ip 44 flags 18 seq 1 ack 2 payload 0/0"},
		{"TCP data offset past the end", v4(6, segment[:12], "f0", segment[13:]), described + "proto 6 ip 44 flags 18 seq 1 ack 2 payload 0/0"},
		{"UDP shorter than its packet", v4(17, "0001 0002 000a 0000 61626364"), described + "proto 17 ip 32 payload 2/2"},
		{"UDP shorter than its packet, cut", v4(17, "0001 0002 000b 0000 61626364")[:29], described + "proto 17 ip 32 payload 1/3 truncated"},
		{"UDP longer than its packet", v4(17, "0001 0002 00ff 0000 61626364"), described + "proto 17 ip 32 payload 4/4"},
		{"UDP length 0", v4(17, "0001 0002 0000 0000 61626364"), described + "proto 17 ip 32 payload 4/4"},
		{"UDP header not whole", v4(17, "0001 0002 0008"), described + "proto 17 ip 26 payload 0/0"},
		{"SCTP", v4(132, "0001 0002 00000000 00000000 00030010"), described + "proto 132 ip 36 payload 4/4"},
		{"ping", v4(1, "0800 0000 1234 0001 6162"), "ok 10.1.2.3 > 192.0.2.80 proto 1 ip 30 icmp 8/0 id 4660 payload 2/2"},
		{"pong", v4(1, "0000 0000 1234 0001"), "ok 10.1.2.3 > 192.0.2.80 proto 1 ip 28 icmp 0/0 id 4660 payload 0/0"},
		{"ping cut", v4(1, "0800 0000 1234 0001")[:22], "ok 10.1.2.3 > 192.0.2.80 proto 1 ip 28 icmp 8/0 id 0 payload 0/0 truncated"},
		{"ICMPv6 ping", v6(58, "8000 0000 1234 0001"), "ok 2001:db8::3 > 2001:db8::80 proto 58 ip 48 icmp 128/0 id 4660 payload 0/0"},
		{"unreachable", v4(1, "0303 0000 00000000", dns[:28]), "ok 10.1.2.3 > 192.0.2.80 proto 1 ip 56 icmp 3/3 id 0 payload 28/28"},
	})
}
