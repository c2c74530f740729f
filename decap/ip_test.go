package decap_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

func TestIPv4(t *testing.T) {
	u := udp(40000, 53, "61626364")
	options := join("4600 0024 0001 0000 3f11 0000 0a010203 c0000250 01010101", u)
	runCases(t, new(decap.Decoder), decap.LinkIP, []parseCase{
		{"padding is not payload", join(dns, "000000000000"), "ok " + dnsPacket},
		{"options", options, "ok 10.1.2.3:40000 > 192.0.2.80:53 proto 17 ip 36 payload 4/4"},
		{"options cut", options[:22], "ok 10.1.2.3 > 192.0.2.80 proto 17 ip 36 payload 0/4 truncated"},
		{"cut in the payload", dns[:30], "ok 10.1.2.3:40000 > 192.0.2.80:53 proto 17 ip 32 payload 2/4 truncated"},
		{"cut in the UDP header", dns[:25], "ok 10.1.2.3:40000 > 192.0.2.80:53 proto 17 ip 32 payload 0/4 truncated"},
		{"cut in the ports", dns[:23], "ok 10.1.2.3 > 192.0.2.80 proto 17 ip 32 payload 0/4 truncated"},
		{"cut in the header", dns[:19], "short_frame"},
		{"total length 0: from the wire", join(dns[:2], "0000", dns[4:]), "ok " + dnsPacket},
		{"total length below the header's", join(dns[:2], "0013", dns[4:]), "bad_ip"},
		{"header length 4", join("44", dns[1:]), "bad_ip"},
		{"authentication header", v4(51, "11 04 0000 00000001 00000001 000000000000000000000000", u),
			"ok 10.1.2.3:40000 > 192.0.2.80:53 proto 17 ip 56 payload 4/4"},
		{"unknown protocol", v4(88, "0102030405"), "ok 10.1.2.3 > 192.0.2.80 proto 88 ip 25 payload 5/5"},

		{"first fragment", join("4500 0024 0007 2000 3f11 0000 0a010203 c0000250", udp(40000, 53, "0102030405060708")),
			"fragment 10.1.2.3:40000 > 192.0.2.80:53 proto 17 ip 36 id 7 off 0 more true payload 16/16"},
		{"middle fragment", join("4500 001c 0007 2002 3f11 0000 0a010203 c0000250 0102030405060708"),
			"fragment 10.1.2.3 > 192.0.2.80 proto 17 ip 28 id 7 off 16 more true payload 8/8"},
		{"last fragment, with padding", join("4500 0017 0007 1fff 3f11 0000 0a010203 c0000250 010203 0000"),
			"fragment 10.1.2.3 > 192.0.2.80 proto 17 ip 23 id 7 off 65528 more false payload 3/3"},
		{"fragment cut", join("4500 001c 0007 0002 3f11 0000 0a010203 c0000250 0102"),
			"fragment 10.1.2.3 > 192.0.2.80 proto 17 ip 28 id 7 off 16 more false payload 2/8 truncated"},
		{"don't fragment", join(dns[:6], "4000", dns[8:]), "ok " + dnsPacket},
	})
}

func TestIPv6(t *testing.T) {
	u := udp(40000, 53, "61626364")
	described := "[2001:db8::3]:40000 > [2001:db8::80]:53 proto 17 "
	runCases(t, new(decap.Decoder), decap.LinkIP, []parseCase{
		{"UDP", v6(17, u), "ok " + described + "ip 52 payload 4/4"},
		{"padding is not payload", join(v6(17, u), "0000"), "ok " + described + "ip 52 payload 4/4"},
		{"cut in the payload", v6(17, u)[:50], "ok " + described + "ip 52 payload 2/4 truncated"},
		{"cut in the header", v6(17, u)[:39], "short_frame"},
		{"payload length 0: from the wire", join(v6(17, u)[:4], "0000", v6(17, u)[6:]), "ok " + described + "ip 52 payload 4/4"},
		{"nothing at all, and padding", join(v6(59), "00000000"), "ok 2001:db8::3 > 2001:db8::80 proto 59 ip 40 payload 0/0"},
		{"a chain of headers", v6(0,
			"3c 00 010400000000",                       // hop by hop: PadN
			"2b 00 010400000000",                       // destination options
			"87 02 04 00 00000000", serverV6.AsSlice(), // routing of type 4, all segments used
			"33 00 00 00 0000 0000",                 // mobility
			"2c 02 0000 00000001 00000001 00000000", // authentication: four words in all
			"11 00 0000 00000009",                   // fragment header of a packet that is whole (RFC 6946)
			u), "ok " + described + "ip 124 payload 4/4"},
		{"chain cut", v6(0, "11 01 010400000000 00000000 00000000", u)[:50],
			"ok 2001:db8::3 > 2001:db8::80 proto 0 ip 68 payload 10/28 truncated"},
		{"chain longer than its packet", v6(0, "11 09 010400000000", u),
			"ok 2001:db8::3 > 2001:db8::80 proto 0 ip 60 payload 20/20"},
		{"UDP right behind the shortest chain, cut", v6(0, "11 00 010400000000", u)[:52],
			"ok " + described + "ip 60 payload 0/4 truncated"},
		{"first fragment", v6(44, "11 00 0001 00000009", udp(40000, 53, "0102030405060708")),
			"fragment " + described + "ip 64 id 9 off 0 more true payload 16/16"},
		{"last fragment", v6(44, "11 00 0010 00000009 010203"),
			"fragment 2001:db8::3 > 2001:db8::80 proto 17 ip 51 id 9 off 16 more false payload 3/3"},
	})
}

// TestJumbo has a packet of more than 64 KiB, as BIG TCP makes them, seen through a snap length.
func TestJumbo(t *testing.T) {
	for name, c := range map[string]struct {
		packet []byte
		ip     int
	}{
		"IPv4": {join("4500 0000 0001 0000 3f06 0000 0a010203 c0000250", tcp(1, 2, "abcd")), 80000},
		"IPv6": {join("60000000 0000 06 3e", clientV6.AsSlice(), serverV6.AsSlice(), tcp(1, 2, "abcd")), 80000},
	} {
		t.Run(name, func(t *testing.T) {
			var p decap.Packet
			d := datagram(decap.LinkEthernet, ether(map[string]uint16{"IPv4": 0x0800, "IPv6": 0x86dd}[name], c.packet))
			d.WireLen = 14 + c.ip
			require.Equal(t, decap.OK, new(decap.Decoder).Parse(&p, &d))
			assert.Equal(t, c.ip, p.IPLen)
			assert.Equal(t, c.ip-(len(c.packet)-4), p.PayloadLen)
			assert.Equal(t, []byte("abcd"), p.Payload)
			assert.True(t, p.Truncated)
		})
	}
}

// TestResume puts two fragments together by hand.
func TestResume(t *testing.T) {
	parse := func(dec *decap.Decoder, b []byte) decap.Packet {
		var p decap.Packet
		d := datagram(decap.LinkIP, b)
		require.Equal(t, decap.Fragment, dec.Parse(&p, &d))
		return p
	}
	first := func(proto uint8, b []byte) []byte {
		p := v4(proto, b)
		p[6] = 0x20
		return p
	}
	for name, c := range map[string]struct {
		mode  decap.Encapsulation
		proto uint8
		whole []byte
		want  string
	}{
		"TCP": {decap.Auto, decap.TCP, tcp(1, 2, "abcd"),
			"ok 10.1.2.3:1 > 192.0.2.80:2 proto 6 ip 28 flags 18 seq 1 ack 2 payload 4/4"},
		"the mirror's envelope": {decap.Always, decap.UDP, udp(65409, 4789, vxlan(7, ether(0x0800, dns))),
			"ok 10.1.2.3:65409 vni 7 " + dnsPacket},
		"GRE":            {decap.Never, 47, join("0000 0800", dns), "ok depth 1 " + dnsPacket},
		"no envelope":    {decap.Always, decap.UDP, udp(1, 2, "0102030405060708"), "not_encapsulated"},
		"fragment again": {decap.Auto, 4, first(decap.TCP, tcp(1, 2, "")), "fragment depth 1 10.1.2.3:1 > 192.0.2.80:2 proto 6 ip 40 id 1 off 0 more true payload 20/20"},
	} {
		t.Run(name, func(t *testing.T) {
			dec := decap.Decoder{Encapsulation: c.mode}
			if c.mode == decap.Always && c.proto != decap.UDP {
				t.Fatal("only UDP may be an envelope")
			}
			p := parse(&dec, first(c.proto, c.whole[:8]))
			assert.Equal(t, c.want, describe(&p, dec.ParseReassembled(&p, c.whole)))
			if p.Depth == 0 && !p.Mirrored {
				assert.Equal(t, c.proto == decap.TCP, p.VerifyChecksums(), "a segment without a checksum, and no header")
			}
		})
	}
}

// TestResumeGateway has fragments of what a Gateway Load Balancer endpoint put into GENEVE.
func TestResumeGateway(t *testing.T) {
	whole := udp(65410, 4789, vxlan(9, ether(0x0800, dns)))
	first := v4(decap.UDP, whole[:16])
	first[6] = 0x20
	var dec decap.Decoder
	var p decap.Packet
	d := datagram(decap.LinkGENEVE, join("00 00 0800 000005 00", first))
	require.Equal(t, decap.Fragment, dec.Parse(&p, &d))
	require.EqualValues(t, 5, p.VNI)
	assert.Equal(t, "ok 10.1.2.3:65410 vni 9 "+dnsPacket, describe(&p, dec.ParseReassembled(&p, whole)))
}
