package decap_test

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
)

// fromCapture reads what real programs sent through a mirror: HTTP, TLS and DNS in VXLAN, over IPv4 and IPv6, with the
// TCP options that a kernel sends. What is no IP is left out, as is what gopacket's parser would stop at.
func fromCapture(b *testing.B) (ds []decap.Datagram) {
	for _, name := range []string{"mirror-http.pcap", "mirror-tls.pcap", "mirror-dns.pcap"} {
		src, err := capture.Open(filepath.Join(moduleRoot(b), "testdata", name))
		require.NoError(b, err)
		defer src.Close()
		var batch decap.Batch
		for err == nil {
			err = src.Read(&batch)
			for _, d := range batch.D[:batch.N] {
				var p decap.Packet
				r := new(decap.Decoder).Parse(&p, &d)
				if r == decap.OK && p.Mirrored && (p.Proto == decap.TCP || p.Proto == decap.UDP) {
					ds = append(ds, datagram(d.Link, d.Data))
				}
			}
		}
	}
	return ds
}

// fromSocket is the same traffic as a socket gives it, without the outer headers.
func fromSocket(b *testing.B) []decap.Datagram {
	const outer = 14 + 20 + 8
	ds := fromCapture(b)
	for i := range ds {
		ds[i] = datagram(decap.LinkVXLAN, ds[i].Data[outer:])
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
		{"socket", layers.LayerTypeVXLAN, fromSocket(b)},
		{"capture", layers.LayerTypeEthernet, fromCapture(b)},
	} {
		b.Run(from.name+"/warm/ours", func(b *testing.B) { benchmarkOurs(b, from.ds) })
		b.Run(from.name+"/warm/gopacket", func(b *testing.B) { benchmarkGopacket(b, from.first, from.ds) })
		b.Run(from.name+"/cold/ours", func(b *testing.B) { benchmarkOurs(b, scatter(from.ds)) })
		b.Run(from.name+"/cold/gopacket", func(b *testing.B) { benchmarkGopacket(b, from.first, scatter(from.ds)) })
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
	for _, size := range []int{40, 1500} {
		b.Run(fmt.Sprint(size, "bytes"), func(b *testing.B) {
			var p decap.Packet
			d := datagram(decap.LinkIP, v4(decap.TCP, tcp(40000, 443, string(make([]byte, size-40)))))
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
