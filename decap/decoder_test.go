package decap_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mirrorsink/mirrorsink/decap"
)

// parseCase is a datagram and its description.
type parseCase struct {
	name string
	data []byte
	want string
}

// runCases parses each case as the link says.
func runCases(t *testing.T, dec *decap.Decoder, link decap.Link, cases []parseCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := decap.Packet{Seq: 1, HasTCP: true, SrcPort: 2, Depth: 3, Tunnel: 4, BadChecksum: true} // all overwritten
			d := datagram(link, c.data)
			assert.Equal(t, c.want, describe(&p, dec.Parse(&p, &d)))
			assert.False(t, p.BadChecksum)
		})
	}
}

// dns is a small packet with a payload of four bytes: UDP from port 40000 to 53.
var dns = v4(decap.UDP, udp(40000, 53, "61626364"))

// dnsPacket is the end of its description.
const dnsPacket = "10.1.2.3:40000 > 192.0.2.80:53 proto 17 ip 32 payload 4/4"

func TestEnvelopeVXLAN(t *testing.T) {
	frame := ether(0x0800, dns)
	runCases(t, new(decap.Decoder), decap.LinkVXLAN, []parseCase{
		{"as AWS sends it", vxlan(7, frame), "ok 10.9.8.7:65409 vni 7 " + dnsPacket},
		{"largest VNI", vxlan(1<<24-1, frame), "ok 10.9.8.7:65409 vni 16777215 " + dnsPacket},
		{"reserved flag", join("88000000 00000700", frame), "ok 10.9.8.7:65409 vni 7 reserved " + dnsPacket},
		{"reserved bytes", join("08000001 00000700", frame), "ok 10.9.8.7:65409 vni 7 reserved " + dnsPacket},
		{"last byte", join("08000000 000007ff", frame), "ok 10.9.8.7:65409 vni 7 reserved " + dnsPacket},
		{"I flag clear", join("00000000 00000700", frame), "no_vni"},
		{"short", fromHex("08000000 000007"), "short_envelope"},
		{"empty", nil, "short_envelope"},
		{"no frame", vxlan(7, nil), "short_frame 10.9.8.7:65409 vni 7"},
		{"ARP", vxlan(7, ether(0x0806, "0001 0800 06 04 0001")), "not_ip 10.9.8.7:65409 vni 7"},
	})
}

func TestEnvelopeGENEVE(t *testing.T) {
	aws := `03 00 08 00 000000 00  # three words of options follow; protocol IPv4, VNI 0
		0108 01 02 0011223344556677` // GWLBe identifier
	gateway := v4(decap.UDP, udp(65410, 4789, vxlan(9, ether(0x0800, dns))))
	gateway6 := v6(decap.UDP, udp(65410, 4789, vxlan(9, ether(0x0800, dns))))
	runCases(t, new(decap.Decoder), decap.LinkGENEVE, []parseCase{
		{"Gateway Load Balancer", join(aws, gateway), "ok 10.1.2.3:65410 vni 9 " + dnsPacket},
		{"Gateway Load Balancer, IPv6", join("00 00 86dd 000000 00", gateway6), "ok [2001:db8::3]:65410 vni 9 " + dnsPacket},
		{"Gateway Load Balancer, I flag clear",
			join("00 00 0800 000000 00", v4(decap.UDP, udp(65410, 4789, "00000000 00000900"))), "no_vni"},
		{"Ethernet", join("00 00 6558 000005 00", ether(0x0800, dns)), "ok 10.9.8.7:65409 vni 5 " + dnsPacket},
		{"IPv4", join("00 40 0800 000005 00", dns), "ok 10.9.8.7:65409 vni 5 " + dnsPacket},
		{"version 1", join("40 00 0800 000005 00", dns), "bad_envelope"},
		{"protocol ARP", join("00 00 0806 000005 00", dns), "bad_envelope"},
		{"options cut", fromHex("02 00 0800 000005 00 0102 80 01"), "short_envelope"},
		{"short", fromHex("00 00 0800 000005"), "short_envelope"},
		{"bad IP", join("00 00 0800 000005 00", "55", dns[1:]), "bad_ip 10.9.8.7:65409 vni 5"},
	})
}

// TestCaptured has frames of captures: mirrored ones show by themselves.
func TestCaptured(t *testing.T) {
	mirrored := vxlan(7, ether(0x0800, dns))
	described := "ok 10.1.2.3:65409 vni 7 " + dnsPacket
	geneve := join("00 00 0800 000000 00", v4(decap.UDP, udp(65410, 4789, mirrored)))
	cases := []parseCase{
		{"plain", ether(0x0800, dns), "ok " + dnsPacket},
		{"mirrored", ether(0x0800, v4(decap.UDP, udp(65409, 4789, mirrored))), described},
		{"mirrored, outer IPv6", ether(0x86dd, v6(decap.UDP, udp(65409, 4789, mirrored))),
			"ok [2001:db8::3]:65409 vni 7 " + dnsPacket},
		{"mirrored, outer VLAN", ether(0x8100, "0005 0800", v4(decap.UDP, udp(65409, 4789, mirrored))), described},
		{"mirrored, GENEVE", ether(0x0800, v4(decap.UDP, udp(65409, 6081, geneve))), "ok 10.1.2.3:65410 vni 7 " + dnsPacket},
		{"mirrored, reserved bits", ether(0x0800, v4(decap.UDP, udp(65409, 4789, "ff000000 00000701", ether(0x0800, dns)))),
			"ok 10.1.2.3:65409 vni 7 reserved " + dnsPacket},
		{"mirrored ARP", ether(0x0800, v4(decap.UDP, udp(65409, 4789, vxlan(7, ether(0x0806))))), "not_ip 10.1.2.3:65409 vni 7"},
		{"VXLAN in a mirrored frame",
			ether(0x0800, v4(decap.UDP, udp(1, 4789, vxlan(7, ether(0x0800, v4(decap.UDP, udp(2, 4789, mirrored))))))),
			"ok 10.1.2.3:1 vni 7 depth 1 net " + dnsPacket},
		{"another protocol on 4789", ether(0x0800, v4(decap.UDP, udp(53, 4789, "1f2e8180 00010001 00000000 00"))),
			"ok 10.1.2.3:53 > 192.0.2.80:4789 proto 17 ip 41 payload 13/13"},
		{"Linux's old VXLAN port is a tunnel", ether(0x0800, v4(decap.UDP, udp(65409, 8472, mirrored))), "ok depth 1 net " + dnsPacket},
	}
	runCases(t, new(decap.Decoder), decap.LinkEthernet, cases)
}

func TestCapturedAlways(t *testing.T) {
	runCases(t, &decap.Decoder{Encapsulation: decap.Always}, decap.LinkEthernet, []parseCase{
		{"mirrored", ether(0x0800, v4(decap.UDP, udp(65409, 4789, vxlan(7, ether(0x0800, dns))))),
			"ok 10.1.2.3:65409 vni 7 " + dnsPacket},
		{"plain", ether(0x0800, dns), "not_encapsulated"},
		{"ARP", ether(0x0806), "not_encapsulated"},
		{"GRE", ether(0x0800, v4(47, "0000 0800", dns)), "not_encapsulated"},
		{"I flag clear", ether(0x0800, v4(decap.UDP, udp(65409, 4789, "00000000 00000700"))), "no_vni"},
		{"VXLAN cut", ether(0x0800, v4(decap.UDP, udp(65409, 4789, "08000000"))), "short_envelope"},
		{"GENEVE of version 1", ether(0x0800, v4(decap.UDP, udp(65409, 6081, "40000800 00000000"))), "bad_envelope"},
		{"outer IP cut", ether(0x0800, dns[:19]), "short_envelope"},
		{"outer IP wrong", ether(0x0800, "41", dns[1:]), "bad_envelope"},
		{"outer fragment", ether(0x0800, "4500 001c 0001 2000 3f11 0000 0a010203 c0000250 ff81 12b5 0100 0000"),
			"fragment 10.1.2.3:65409 > 192.0.2.80:4789 proto 17 ip 28 id 1 off 0 more true payload 8/8"},
		{"outer fragment of TCP", ether(0x0800, "4500 001c 0001 2000 3f06 0000 0a010203 c0000250 ff81 12b5 0100 0000"),
			"not_encapsulated"},
	})
}

func TestCapturedNever(t *testing.T) {
	runCases(t, &decap.Decoder{Encapsulation: decap.Never}, decap.LinkEthernet, []parseCase{
		{"VXLAN is a tunnel", ether(0x0800, v4(decap.UDP, udp(65409, 4789, vxlan(7, ether(0x0800, dns))))),
			"ok depth 1 net " + dnsPacket},
		{"GENEVE is a tunnel", ether(0x0800, v4(decap.UDP, udp(65409, 6081, "0000 0800 000000 00", dns))),
			"ok depth 1 net " + dnsPacket},
	})
}

func TestLinks(t *testing.T) {
	for _, c := range []struct {
		link decap.Link
		parseCase
	}{
		{decap.LinkIP, parseCase{"IPv4", dns, "ok " + dnsPacket}},
		{decap.LinkIP, parseCase{"IPv6", v6(59), "ok 2001:db8::3 > 2001:db8::80 proto 59 ip 40 payload 0/0"}},
		{decap.LinkIP, parseCase{"empty", nil, "short_frame"}},
		{decap.LinkIP, parseCase{"version 5", fromHex("55000014" + "00000000 00000000 00000000 00000000"), "bad_ip"}},
		{decap.LinkSLL, parseCase{"IPv4", join("0000 0001 0006 020000000001 0000 0800", dns), "ok " + dnsPacket}},
		{decap.LinkSLL, parseCase{"a small number", join("0000 0001 0006 020000000001 0000 0001", dns), "not_ip"}},
		{decap.LinkSLL, parseCase{"short", fromHex("0000 0001 0006 020000000001 0000 08"), "short_frame"}},
		{decap.LinkSLL2, parseCase{"VLAN", join("8100 0000 00000002 0001 00 06 0200000000010000", "0005 0800", dns),
			"ok vlan [5] net " + dnsPacket}},
		{decap.LinkSLL2, parseCase{"short", fromHex("0800 0000 00000002 0001 00 06 02000000000100"), "short_frame"}},
		{decap.LinkNull, parseCase{"little endian", join("02000000", dns), "ok " + dnsPacket}},
		{decap.LinkNull, parseCase{"big endian", join("00000002", dns), "ok " + dnsPacket}},
		{decap.LinkNull, parseCase{"Darwin's IPv6", join("1e000000", v6(59)), "ok 2001:db8::3 > 2001:db8::80 proto 59 ip 40 payload 0/0"}},
		{decap.LinkNull, parseCase{"EtherType in the second half", join("0f000800", dns), "ok " + dnsPacket}},
		{decap.LinkNull, parseCase{"AppleTalk", join("10000000", dns), "not_ip"}},
		{decap.LinkNull, parseCase{"short", fromHex("020000"), "short_frame"}},
		{decap.LinkUnsupported, parseCase{"802.11", dns, "link_unknown"}},
	} {
		runCases(t, new(decap.Decoder), c.link, []parseCase{c.parseCase})
	}
}

// TestReasons holds that every reason has a name, and a packet in these tests.
func TestReasons(t *testing.T) {
	seen := make(map[string]bool)
	for r := range decap.Reasons {
		name := r.String()
		assert.NotEmpty(t, name)
		assert.False(t, seen[name], name)
		seen[name] = true
	}
	assert.Equal(t, "unknown", decap.Reasons.String())
}
