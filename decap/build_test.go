package decap_test

import (
	"net"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"
)

// The addresses of the frames that tests build with gopacket.
var (
	outerV4  = netip.MustParseAddrPort("10.9.8.7:65409")
	clientV4 = net.IP{10, 1, 2, 3}
	serverV4 = net.IP{192, 0, 2, 80}
	clientV6 = net.ParseIP("2001:db8::3")
	serverV6 = net.ParseIP("2001:db8::80")
)

// build serializes layers, with lengths and checksums set.
func build(tb testing.TB, l ...gopacket.SerializableLayer) []byte {
	tb.Helper()
	buf := gopacket.NewSerializeBuffer()
	opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	require.NoError(tb, gopacket.SerializeLayers(buf, opts, l...))
	return append([]byte(nil), buf.Bytes()...)
}

func eth(t layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{
		SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: t,
	}
}

func vlan(id uint16, t layers.EthernetType) *layers.Dot1Q {
	return &layers.Dot1Q{VLANIdentifier: id, Type: t}
}

func ip4(proto layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, TTL: 63, Protocol: proto, SrcIP: clientV4, DstIP: serverV4}
}

func ip6(proto layers.IPProtocol) *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 62, NextHeader: proto, SrcIP: clientV6, DstIP: serverV6}
}
