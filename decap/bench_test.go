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

// benchFrames are plain frames of common kinds and sizes, as many of each: small TCP segments, full ones, DNS over UDP,
// IPv6, and TCP behind a VLAN tag.
func benchFrames(tb testing.TB) [][]byte {
	full := gopacket.Payload(make([]byte, 1400))
	small := gopacket.Payload(make([]byte, 64))
	tcp := func(net gopacket.NetworkLayer) *layers.TCP {
		l := &layers.TCP{SrcPort: 40000, DstPort: 443, Seq: 1, ACK: true, Window: 512}
		require.NoError(tb, l.SetNetworkLayerForChecksum(net))
		return l
	}
	four, six := ip4(layers.IPProtocolTCP), ip6(layers.IPProtocolTCP)
	dns := ip4(layers.IPProtocolUDP)
	udp := &layers.UDP{SrcPort: 40000, DstPort: 53}
	require.NoError(tb, udp.SetNetworkLayerForChecksum(dns))
	return [][]byte{
		build(tb, eth(layers.EthernetTypeIPv4), four, tcp(four), small),
		build(tb, eth(layers.EthernetTypeIPv4), four, tcp(four), full),
		build(tb, eth(layers.EthernetTypeIPv4), dns, udp, small),
		build(tb, eth(layers.EthernetTypeIPv6), six, tcp(six), full),
		build(tb, eth(layers.EthernetTypeDot1Q), vlan(7, layers.EthernetTypeIPv4), four, tcp(four), full),
	}
}

// vxlanDatagrams puts the frames into VXLAN as a socket gives it.
func vxlanDatagrams(frames [][]byte) []decap.Datagram {
	ds := make([]decap.Datagram, len(frames))
	for i, f := range frames {
		data := append([]byte{8, 0, 0, 0, 0, 0, 7, 0}, f...)
		ds[i] = decap.Datagram{Data: data, WireLen: len(data), Link: decap.LinkVXLAN, Outer: outerV4}
	}
	return ds
}

// coldBytes is more than any cache holds that we know of, so that every packet of a round comes from memory.
const coldBytes = 288 << 20

// scatter copies the datagrams again and again into one large buffer, in slots of 2 KiB.
func scatter(ds []decap.Datagram) []decap.Datagram {
	const slot = 2048
	buf := make([]byte, coldBytes)
	out := make([]decap.Datagram, 0, coldBytes/slot)
	for i := 0; len(buf) >= slot; i++ {
		d := ds[i%len(ds)]
		d.Data = buf[:copy(buf, d.Data)]
		out = append(out, d)
		buf = buf[slot:]
	}
	return out
}

// parseAll is what the benchmarks measure and the allocation test counts.
func parseAll(tb testing.TB, dec *decap.Decoder, p *decap.Packet, ds []decap.Datagram) {
	for i := range ds {
		if r := dec.Parse(p, &ds[i]); r != decap.OK {
			tb.Fatalf("datagram %d: %v", i, r)
		}
	}
}

// perPacket reports CPU time, which other work on the machine does not change as it changes wall-clock time.
func perPacket(b *testing.B, packets int, round func()) {
	b.ReportAllocs()
	start := cpuTime(b)
	rounds := 0
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

func BenchmarkParse(b *testing.B) {
	frames := benchFrames(b)
	plain := make([]decap.Datagram, len(frames))
	for i, f := range frames {
		plain[i] = decap.Datagram{Data: f, WireLen: len(f), Link: decap.LinkEthernet}
	}
	vx := vxlanDatagrams(frames)
	full := make([]decap.Datagram, len(frames))
	for i, f := range frames {
		o := ip4(layers.IPProtocolUDP)
		u := &layers.UDP{SrcPort: 65409, DstPort: 4789}
		u.SetNetworkLayerForChecksum(o)
		data := build(b, eth(layers.EthernetTypeIPv4), o, u, gopacket.Payload(append([]byte{8, 0, 0, 0, 0, 0, 7, 0}, f...)))
		full[i] = decap.Datagram{Data: data, WireLen: len(data), Link: decap.LinkEthernet}
	}
	var dec decap.Decoder
	var p decap.Packet
	run := func(name string, ds []decap.Datagram) {
		b.Run(name, func(b *testing.B) { perPacket(b, len(ds), func() { parseAll(b, &dec, &p, ds) }) })
	}
	run("ours/warm", plain)
	run("ours/warm/vxlan", vxlanDatagrams(frames))
	run("ours/fullwarm", full)
	oracle := newLayerParser(layers.LayerTypeEthernet)
	b.Run("gopacket/fullwarm", func(b *testing.B) { perPacket(b, len(plain), func() { oracle.parseAll(b, full) }) })
	oraclev := newLayerParser(layers.LayerTypeVXLAN)
	b.Run("gopacket/vxwarm", func(b *testing.B) { perPacket(b, len(plain), func() { oraclev.parseAll(b, vx) }) })
	b.Run("gopacket/warm", func(b *testing.B) { perPacket(b, len(plain), func() { oracle.parseAll(b, plain) }) })

	cold := scatter(plain)
	run("ours/cold", cold)
	b.Run("gopacket/cold", func(b *testing.B) { perPacket(b, len(cold), func() { oracle.parseAll(b, cold) }) })
}

func BenchmarkVerifyChecksums(b *testing.B) {
	frames := benchFrames(b)
	for _, c := range []struct {
		name  string
		frame []byte
	}{{"118 bytes", frames[0]}, {"1454 bytes", frames[1]}} {
		var dec decap.Decoder
		var p decap.Packet
		parseAll(b, &dec, &p, vxlanDatagrams([][]byte{c.frame}))
		b.Run(c.name, func(b *testing.B) {
			perPacket(b, 1, func() {
				if p.VerifyChecksums() {
					b.Fatal("bad checksum")
				}
			})
		})
	}
}

// A layerParser is gopacket's fast way to decode, with the layers that the frames need.
type layerParser struct {
	parser  *gopacket.DecodingLayerParser
	decoded []gopacket.LayerType
	eth     layers.Ethernet
	vxlan   layers.VXLAN
	vlan    layers.Dot1Q
	ip4     layers.IPv4
	ip6     layers.IPv6
	tcp     layers.TCP
	udp     layers.UDP
	payload gopacket.Payload
}

func newLayerParser(first gopacket.LayerType) *layerParser {
	l := new(layerParser)
	l.parser = gopacket.NewDecodingLayerParser(first,
		&l.vxlan, &l.eth, &l.vlan, &l.ip4, &l.ip6, &l.tcp, &l.udp, &l.payload)
	l.parser.IgnoreUnsupported = true
	return l
}

func (l *layerParser) parseAll(tb testing.TB, ds []decap.Datagram) {
	for i := range ds {
		if err := l.parser.DecodeLayers(ds[i].Data, &l.decoded); err != nil {
			tb.Fatal(err)
		}
	}
}
