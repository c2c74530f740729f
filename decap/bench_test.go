package decap_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

// mix are frames of common kinds: an acknowledgment, full TCP segments over IPv4, IPv6 and behind a VLAN tag, and DNS.
func mix() [][]byte {
	full := tcp(40000, 443, string(make([]byte, 1380)))
	return [][]byte{
		ether(0x0800, v4(decap.TCP, tcp(40000, 443, ""))),
		ether(0x0800, v4(decap.TCP, full)),
		ether(0x86dd, v6(decap.TCP, full)),
		ether(0x8100, "0007 0800", v4(decap.TCP, full)),
		ether(0x0800, v4(decap.UDP, udp(40000, 53, make([]byte, 48)))),
	}
}

// fromSocket is the mix as a mirror's socket gives it; fromCapture is what a capture of the mirror's traffic holds.
func fromSocket() (ds []decap.Datagram) {
	for _, f := range mix() {
		ds = append(ds, datagram(decap.LinkVXLAN, vxlan(7, f)))
	}
	return ds
}

func fromCapture() (ds []decap.Datagram) {
	for _, f := range mix() {
		ds = append(ds, datagram(decap.LinkEthernet, ether(0x0800, v4(decap.UDP, udp(65409, 4789, vxlan(7, f))))))
	}
	return ds
}

// scatter copies datagrams into a buffer that is larger than any cache here, in slots of 2 KiB, until it is full.
func scatter(ds []decap.Datagram) []decap.Datagram {
	const size, slot = 288 << 20, 2048
	buf := make([]byte, size)
	out := make([]decap.Datagram, 0, size/slot)
	for i := range size / slot {
		d := ds[i%len(ds)]
		at := buf[i*slot : (i+1)*slot]
		d.Data = at[:copy(at, d.Data)]
		out = append(out, d)
	}
	return out
}

// BenchmarkParse compares with gopacket's fastest way, over datagrams that are in the cache (warm) and that come from
// memory (cold). Both get to the innermost transport and its payload.
func BenchmarkParse(b *testing.B) {
	for _, from := range []struct {
		name  string
		first gopacket.LayerType
		ds    []decap.Datagram
	}{
		{"socket", layers.LayerTypeVXLAN, fromSocket()},
		{"capture", layers.LayerTypeEthernet, fromCapture()},
	} {
		cold := scatter(from.ds)
		b.Run(from.name+"/warm/ours", func(b *testing.B) { benchmarkOurs(b, from.ds) })
		b.Run(from.name+"/warm/gopacket", func(b *testing.B) { benchmarkGopacket(b, from.first, from.ds) })
		b.Run(from.name+"/cold/ours", func(b *testing.B) { benchmarkOurs(b, cold) })
		b.Run(from.name+"/cold/gopacket", func(b *testing.B) { benchmarkGopacket(b, from.first, cold) })
	}
}

func benchmarkOurs(b *testing.B, ds []decap.Datagram) {
	var dec decap.Decoder
	var p decap.Packet
	perPacket(b, len(ds), func() {
		for i := range ds {
			if r := dec.Parse(&p, &ds[i]); r != decap.OK {
				b.Fatal(r)
			}
		}
	})
}

func benchmarkGopacket(b *testing.B, first gopacket.LayerType, ds []decap.Datagram) {
	var (
		eth     layers.Ethernet
		tag     layers.Dot1Q
		ip4     layers.IPv4
		ip6     layers.IPv6
		tcp     layers.TCP
		udp     layers.UDP
		vxlan   layers.VXLAN
		payload gopacket.Payload
		decoded []gopacket.LayerType
	)
	parser := gopacket.NewDecodingLayerParser(first, &eth, &tag, &ip4, &ip6, &tcp, &udp, &vxlan, &payload)
	parser.IgnoreUnsupported = true // DNS
	perPacket(b, len(ds), func() {
		for i := range ds {
			if err := parser.DecodeLayers(ds[i].Data, &decoded); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkVerifyChecksums is what a worker pays if it wants to know.
func BenchmarkVerifyChecksums(b *testing.B) {
	for _, size := range []string{"40", "1420"} {
		b.Run(size+"bytes", func(b *testing.B) {
			var p decap.Packet
			d := datagram(decap.LinkEthernet, mix()[len(size)/4])
			require.Equal(b, decap.OK, new(decap.Decoder).Parse(&p, &d))
			perPacket(b, 1, func() { p.VerifyChecksums() })
		})
	}
}

// perPacket reports CPU time, since wall-clock time lies on a busy machine.
func perPacket(b *testing.B, packets int, round func()) {
	b.ReportAllocs()
	start, rounds := cpuTime(b), 0
	for b.Loop() {
		round()
		rounds++
	}
	b.ReportMetric(float64(cpuTime(b)-start)/float64(rounds*packets), "cpu-ns/packet")
}

func cpuTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	require.NoError(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
