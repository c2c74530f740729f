package sim_test

import (
	"net"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"
)

// ethernet is the header of a frame that leaves the interface with eniMAC.
func ethernet(t layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: net.HardwareAddr(eniMAC[:]), DstMAC: net.HardwareAddr(peerMAC[:]), EthernetType: t}
}

// turned swaps the MAC addresses: what left the interface now comes to it.
func turned(frame []byte) []byte {
	back := append([]byte{}, frame...)
	copy(back[:6], frame[6:12])
	copy(back[6:12], frame[:6])
	return back
}

func udpFrame(tb testing.TB, src, dst string, payload []byte) []byte {
	from, to := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	return ipFrame(tb, from.Addr(), to.Addr(), layers.IPProtocolUDP,
		&layers.UDP{SrcPort: layers.UDPPort(from.Port()), DstPort: layers.UDPPort(to.Port())}, gopacket.Payload(payload))
}

func tcpFrame(tb testing.TB, src, dst string) []byte {
	from, to := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	return ipFrame(tb, from.Addr(), to.Addr(), layers.IPProtocolTCP,
		&layers.TCP{SrcPort: layers.TCPPort(from.Port()), DstPort: layers.TCPPort(to.Port()), SYN: true})
}

func pingFrame(tb testing.TB, src, dst string, typ uint8) []byte {
	return ipFrame(tb, netip.MustParseAddr(src), netip.MustParseAddr(dst), layers.IPProtocolICMPv4,
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(typ, 0), Id: 7})
}

func ipFrame(tb testing.TB, src, dst netip.Addr, proto layers.IPProtocol, content ...gopacket.SerializableLayer) []byte {
	tb.Helper()
	all := []gopacket.SerializableLayer{ethernet(layers.EthernetTypeIPv4),
		&layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: src.AsSlice(), DstIP: dst.AsSlice()}}
	if src.Is6() {
		all = []gopacket.SerializableLayer{ethernet(layers.EthernetTypeIPv6),
			&layers.IPv6{Version: 6, HopLimit: 64, NextHeader: proto, SrcIP: src.AsSlice(), DstIP: dst.AsSlice()}}
	}
	buf := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, append(all, content...)...)
	require.NoError(tb, err)
	return buf.Bytes()
}
