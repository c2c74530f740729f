package decap_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mirrorsink/mirrorsink/decap"
)

func TestEthernet(t *testing.T) {
	macs := "020000000002 020000000001"
	pseudowire := ether(0x0800, dns)
	runCases(t, new(decap.Decoder), decap.LinkEthernet, []parseCase{
		{"802.1Q", ether(0x8100, "a005 0800", dns), "ok vlan [5] net " + dnsPacket},
		{"priority tag", ether(0x8100, "a000 0800", dns), "ok vlan [0] " + dnsPacket},
		{"802.1ad", ether(0x88a8, "0003 8100 0004 0800", dns), "ok vlan [3 4] net " + dnsPacket},
		{"five tags", ether(0x9100, "0001 88a8 0002 8100 0003 8100 0004 8100 0005 0800", dns), "ok vlan [1 2 3] net " + dnsPacket},
		{"tag cut", ether(0x8100, "0005 08"), "short_frame"},
		{"header cut", ether(0x0800)[:13], "short_frame"},
		{"ARP", ether(0x0806, "0001"), "not_ip"},
		{"SNAP", join(macs, "0028 aaaa03 000000 0800", dns), "ok " + dnsPacket},
		{"SNAP cut", join(macs, "0028 aaaa03 000000"), "short_frame"},
		{"SNAP of Cisco", join(macs, "0028 aaaa03 00000c 2000", dns), "not_ip"},
		{"IP as a service access point", join(macs, "0023 060603", dns), "ok " + dnsPacket},
		{"spanning tree", join(macs, "0026 424203 0000"), "not_ip"},
		{"802.3 without LLC", join(macs, "0001 ff"), "not_ip"},

		{"Cisco MetaData", ether(0x8909, "01 01 0001 0002 0800", dns), "ok " + dnsPacket},
		{"Cisco MetaData behind a tag", ether(0x8100, "0005 8909 01 00 0800", dns), "ok vlan [5] net " + dnsPacket},
		{"Cisco MetaData, ARP", ether(0x8909, "01 01 0001 0002 0806"), "not_ip"},
		{"Cisco MetaData cut", ether(0x8909, "01 ff 0001 0002 0800"), "short_frame"},
		{"Cisco MetaData, nothing behind it", ether(0x8909, "01"), "short_frame"},

		{"PPPoE, IPv4", ether(0x8864, "11 00 0001 0022 0021", dns), "ok " + dnsPacket},
		{"PPPoE, IPv6", ether(0x8864, "11 00 0001 002a 0057", v6(59)), "ok 2001:db8::3 > 2001:db8::80 proto 59 ip 40 payload 0/0"},
		{"PPPoE, MPLS", ether(0x8864, "11 00 0001 0026 0281 00010140", dns), "ok " + dnsPacket},
		{"PPPoE, LCP", ether(0x8864, "11 00 0001 0006 c021 0901 0004"), "not_ip"},
		{"PPPoE, not a session", ether(0x8864, "11 09 0000 0000 0000"), "not_ip"},
		{"PPPoE cut", ether(0x8864, "11 00 0001 00"), "short_frame"},
		{"PPP cut", ether(0x8864, "11 00 0001 0022 00"), "short_frame"},

		{"MPLS", ether(0x8847, "00010140", dns), "ok " + dnsPacket},
		{"MPLS, three labels, IPv6", ether(0x8848, "00010040 00020040 00030140", v6(59)),
			"ok 2001:db8::3 > 2001:db8::80 proto 59 ip 40 payload 0/0"},
		{"MPLS, pseudowire", ether(0x8847, "00010140", pseudowire), "ok depth 1 " + dnsPacket},
		{"MPLS, pseudowire with control word", ether(0x8847, "00010140 00000000", pseudowire), "ok depth 1 " + dnsPacket},
		{"MPLS, something else", ether(0x8847, "00010140 10000000 00000000 00000000 00000000"), "not_ip"},
		{"MPLS, stack cut", ether(0x8847, "00010040 0001"), "short_frame"},
		{"MPLS, nothing under it", ether(0x8847, "00010140"), "not_ip"},
		{"MPLS, pseudowires too deep", tooDeep(), "too_deep"},
	})
}

// tooDeep is a pseudowire in a pseudowire and so on, once too often.
func tooDeep() []byte {
	frame := ether(0x0800, dns)
	for range decap.MaxDepth + 1 {
		frame = ether(0x8847, "00010140", frame)
	}
	return frame
}

// TestTunnelTellsNetworksApart holds what Packet.Tunnel is for: other tags or VNIs, other number; the same, the same; and
// tags in another order are another network.
func TestTunnelTellsNetworksApart(t *testing.T) {
	vx := func(vni uint32) []byte {
		return ether(0x0800, v4(decap.UDP, udp(1, 8472, vxlan(vni, ether(0x0800, dns)))))
	}
	frames := [][]byte{
		ether(0x0800, dns),
		ether(0x8100, "0001 0800", dns),
		ether(0x8100, "0002 0800", dns),
		ether(0x88a8, "0001 8100 0002 0800", dns),
		ether(0x88a8, "0002 8100 0001 0800", dns),
		vx(1), vx(2),
		ether(0x0800, v4(decap.UDP, udp(1, 6081, "0000 6558 000001 00", ether(0x0800, dns)))),
		ether(0x0800, v4(decap.UDP, udp(1, 8472, vxlan(1, ether(0x8100, "0001 0800", dns))))),
	}
	dec := decap.Decoder{Encapsulation: decap.Never}
	seen := make(map[uint32]int)
	for i, f := range frames {
		var p, again decap.Packet
		d := datagram(decap.LinkEthernet, f)
		assert.Equal(t, decap.OK, dec.Parse(&p, &d))
		assert.Equal(t, decap.OK, dec.Parse(&again, &d))
		assert.Equal(t, p.Tunnel, again.Tunnel)
		assert.Equal(t, i == 0, p.Tunnel == 0)
		assert.NotContains(t, seen, p.Tunnel)
		seen[p.Tunnel] = i
	}
}
