package decap_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// everything is what a forwarder asks for at most.
var everything = decap.Fixes{VLAN: 4094, Ethernet: true, Lengths: true, Checksums: true}

// never decodes a fixed frame again: it is the mirrored frame, without an envelope.
var never = decap.Decoder{Encapsulation: decap.Never}

// fixed parses a datagram, fixes it and checks the invariants of the result, whatever the datagram. It reports false
// if no packet is in it.
func fixed(t require.TestingT, d *decap.Datagram, m decap.Fixes) (frame decap.Datagram, did decap.Fixed, ok bool) {
	var p, q decap.Packet
	r := new(decap.Decoder).Parse(&p, d)
	if r > decap.Fragment {
		return frame, 0, false
	}
	p.VerifyChecksums()
	before := bytes.Clone(d.Data)
	head, tail, did := p.Fix(make([]byte, 0, decap.MaxHead), m)
	require.Equal(t, before, d.Data, "what was received is not written to")
	require.True(t, within(tail, d.Data))
	require.LessOrEqual(t, len(head), decap.MaxHead)
	frame = datagram(decap.LinkEthernet, slices.Concat(head, tail))
	if p.FrameIsIP && !m.Ethernet && m.VLAN == 0 {
		frame.Link = decap.LinkIP
	}
	if did&^decap.Unfixable == 0 {
		requireLinkAlone(t, &p, m, head, tail)
	}
	if did == decap.Unfixable {
		require.True(t, m.Lengths && p.AnyTruncated())
		return frame, did, true
	}
	if p.AnyTruncated() {
		frame.WireLen += p.Missing() * (1 - int(did&decap.FixedLengths))
	}
	again := never.Parse(&q, &frame)
	if teredo := p.SrcPort == 3544 || p.DstPort == 3544; teredo && q.Depth > p.Depth && did&decap.FixedLengths != 0 {
		return frame, did, true // an IPv6 packet in Teredo fills the shortened datagram by chance
	}
	require.Equal(t, r, again)
	q.VerifyChecksums()
	requireSamePacket(t, &p, &q, m)
	requireFixed(t, &p, &q, m, did)
	return frame, did, true
}

// requireLinkAlone: nothing behind the link header was written.
func requireLinkAlone(t require.TestingT, p *decap.Packet, m decap.Fixes, head, tail []byte) {
	want := slices.Clone(p.Frame)
	var tag []byte
	tags := []uint16{m.VLAN}
	if p.FrameIsIP {
		tags = append(tags, p.VLANs[:p.NumVLANs]...)
	}
	for _, v := range tags {
		if v != 0 {
			tag = join(tag, "8100", uint16Bytes(v))
		}
	}
	switch {
	case p.FrameIsIP && (m.Ethernet || m.VLAN != 0):
		etherType := uint16(0x0800)
		if p.Frame[0]>>4 == 6 {
			etherType = 0x86dd
		}
		want = join("020000000002 020000000001", tag, uint16Bytes(etherType), want)
	case m.VLAN != 0:
		want = slices.Insert(want, 12, tag...)
	default:
		require.Empty(t, head, "without need nothing is copied")
	}
	require.True(t, bytes.Equal(want, slices.Concat(head, tail)))
}

// requireSamePacket: the fixed frame has the same packet.
func requireSamePacket(t require.TestingT, p, q *decap.Packet, m decap.Fixes) {
	see := func(p *decap.Packet) []any {
		return []any{
			p.Src, p.Dst, p.SrcPort, p.DstPort, p.Proto, p.TTL, p.TCPFlags, p.Seq, p.Ack, p.HasPorts, p.HasTCP,
			p.ICMPType, p.ICMPCode, p.ICMPID, p.FragID, p.FragOff, p.MoreFrags, p.Depth, p.IPID(),
		}
	}
	require.Equal(t, see(p), see(q))
	require.True(t, bytes.Equal(p.Payload, q.Payload))
	vlans := p.VLANs[:p.NumVLANs]
	if p.FrameIsIP {
		vlans = slices.DeleteFunc(slices.Clone(vlans), func(v uint16) bool { return v == 0 || q.FrameIsIP })
	}
	if m.VLAN != 0 {
		vlans = slices.Concat([]uint16{m.VLAN}, vlans)
	}
	require.Equal(t, vlans[:min(len(vlans), decap.MaxVLANs)], q.VLANs[:q.NumVLANs])
}

// requireFixed: what Fix reports is fixed, and is not fixed again.
func requireFixed(t require.TestingT, p, q *decap.Packet, m decap.Fixes, did decap.Fixed) {
	if did&decap.FixedLengths != 0 {
		require.False(t, q.AnyTruncated())
		require.Equal(t, p.IPLen-p.Missing(), q.IPLen)
		require.Equal(t, len(q.Payload), q.PayloadLen)
		if p.AnyTruncated() {
			require.False(t, q.BadChecksum)
		}
	}
	if m.Checksums && did&decap.FixedChecksums != 0 {
		require.True(t, p.BadChecksum)
		require.False(t, q.BadChecksum)
	}
	if m.Checksums && p.Depth == 0 && len(p.Frame)-len(p.Payload) < decap.MaxHead/2 {
		require.False(t, q.BadChecksum, "all checksums that are not in a tunnel can be fixed")
	}
	again, _, _ := q.Fix(make([]byte, 0, decap.MaxHead), decap.Fixes{Ethernet: !q.FrameIsIP, Lengths: m.Lengths, Checksums: m.Checksums})
	if !q.AnyTruncated() {
		require.Empty(t, again)
	}
}

// drawFixes draws what to fix.
func drawFixes(t *rapid.T) decap.Fixes {
	return decap.Fixes{
		VLAN:      rapid.SampledFrom([]uint16{0, 1, 100, 4094}).Draw(t, "VLAN"),
		Ethernet:  rapid.Bool().Draw(t, "Ethernet"),
		Lengths:   rapid.Bool().Draw(t, "lengths"),
		Checksums: rapid.Bool().Draw(t, "checksums"),
	}
}

func TestFix(t *testing.T) {
	all := samples()
	for _, l := range []string{"0005", "0006", "0007", "0008", "0009", "0100", "0800"} { // of UDP: what cannot be, too short, right, too long
		all = append(all, datagram(decap.LinkEthernet, ether(0x0800, v4(decap.UDP, "0001 0002", l, "0001 05"))),
			datagram(decap.LinkEthernet, ether(0x86dd, v6(decap.UDP, "0001 0002", l, "0000 05"))))
	}
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.Custom(longTCP).Draw(t, "TCP")
		if i := rapid.IntRange(-1, len(all)-1).Draw(t, "sample"); i >= 0 {
			d = datagram(all[i].Link, all[i].Data)
		}
		if n := len(d.Data); rapid.Bool().Draw(t, "cut") {
			keep := rapid.IntRange(min(n, 14), n).Draw(t, "keep")
			d = decap.Datagram{Data: slices.Clip(d.Data[:keep]), WireLen: n, Link: d.Link, Outer: d.Outer}
		}
		fixed(t, &d, drawFixes(t))
	})
}

// TestFixCaptures fixes the frames of captures, whole and truncated; gopacket reads the result.
func TestFixCaptures(t *testing.T) {
	for _, dir := range []string{"testdata", "../shared/corpus/dev/pcaps"} {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var counts [5]int // by what was done
			differ := make([]int, len(differences))
			var files []string
			err := filepath.WalkDir(filepath.Join(moduleRoot(t), dir), func(path string, e fs.DirEntry, err error) error {
				if err == nil && strings.Contains(filepath.Ext(path), "cap") {
					files = append(files, path)
				}
				return err
			})
			if errors.Is(err, fs.ErrNotExist) {
				t.Skipf("no captures in %s", dir)
			}
			require.NoError(t, err)
			for _, path := range testform.Some(files) {
				fixCapture(t, path, &counts, differ)
			}
			t.Logf("nothing to fix, lengths, checksums, both, unfixable: %v", counts)
		})
	}
}

func fixCapture(t *testing.T, file string, counts *[5]int, differ []int) {
	src, err := capture.Open(file)
	if err != nil {
		return
	}
	defer src.Close()
	var b decap.Batch
	for n := 0; err == nil; {
		err = src.Read(&b)
		for _, d := range b.D[:b.N] {
			n++
			for _, keep := range []int{len(d.Data), min(len(d.Data), 54+n%90)} {
				d.Data = d.Data[:keep:keep]
				frame, did, ok := fixed(t, &d, everything)
				if !ok {
					continue
				}
				counts[did]++
				if did != decap.Unfixable {
					compareFrame(t, filepath.Base(file), n, &frame, layers.LayerTypeEthernet, differ)
				}
			}
		}
	}
}

// TestMendKinds has for each kind of packet what mending a cut copy must give; the checksums are those that gopacket computes.
func TestFixKinds(t *testing.T) {
	syn := []byte(tcp(1, 2, ""))
	syn[12], syn[13] = 0x80, decap.SYN // 12 bytes of options
	syn = append(syn, 2, 4, 5, 0xb4, 1, 1, 1, 1, 1, 1, 1, 1)
	partial := udp(1, 2, "00112233")
	partial[6] = 1
	jumbo := v4(decap.TCP, tcp(1, 2, "longer than it says"))
	jumbo[2], jumbo[3] = 0, 0
	fragment := v4(decap.UDP, udp(1, 2, "0011223344556677"))
	fragment[6] = 0x20
	for _, c := range []struct {
		name   string
		packet []byte
		cut    int // bytes
		want   decap.Fixed
		length int // of the IP packet
	}{
		{"whole", v4(decap.UDP, udp(1, 2, "0011")), 0, 0, 30},
		{"TCP payload", v4(decap.TCP, tcp(1, 2, "payload")), 3, decap.FixedLengths, 44},
		{"no TCP payload left", v4(decap.TCP, tcp(1, 2, "payload")), 7, decap.FixedLengths, 40},
		{"TCP header", v4(decap.TCP, tcp(1, 2, "payload")), 8, decap.Unfixable, 0},
		{"options of a SYN", v4(decap.TCP, syn), 1, decap.Unfixable, 0},
		{"UDP", v4(decap.UDP, partial), 1, decap.FixedLengths, 31},
		{"UDP without a checksum", v4(decap.UDP, udp(1, 2, "00112233")), 1, decap.FixedLengths, 31},
		{"UDP over IPv6", v6(decap.UDP, udp(1, 2, "00112233")), 1, decap.FixedLengths, 51},
		{"behind the end of UDP", v4(decap.UDP, udp(1, 2, "00112233"), "ffff"), 1, decap.FixedLengths, 33},
		{"ICMPv6", v6(decap.ICMPv6, "8000 0000 1234 0001 000102030405"), 5, decap.FixedLengths, 49},
		{"ESP", v4(50, "00000001 00000001 0102030405"), 2, decap.FixedLengths, 31},
		{"extension header", v6(0, "06 00 010400000000", tcp(1, 2, "payload")), 35, decap.Unfixable, 0},
		{"behind an extension header", v6(0, "06 00 010400000000", tcp(1, 2, "payload")), 1, decap.FixedLengths, 74},
		{"fragment", fragment, 1, decap.Unfixable, 0},
		{"tunnel", v4(4, v4(decap.TCP, tcp(1, 2, "payload"))), 1, decap.Unfixable, 0},
		{"padding of a tunnel", v4(4, v4(decap.TCP, tcp(1, 2, "payload")), "0000"), 1, decap.Unfixable, 0},
		{"no length", jumbo, 0, decap.FixedLengths, len(jumbo)},
		{"no length, cut", jumbo, 2, decap.FixedLengths, len(jumbo) - 2},
	} {
		for _, d := range []decap.Datagram{datagram(decap.LinkIP, c.packet), etherIP(c.packet)} {
			d.Data = slices.Clip(d.Data[:len(d.Data)-c.cut])
			frame, did, _ := fixed(t, &d, decap.Fixes{Lengths: true, Ethernet: true})
			assert.Equal(t, c.want, did, c.name)
			if did&decap.FixedLengths != 0 {
				q := parse(t, &frame)
				assert.Equal(t, c.length, q.IPLen, c.name)
				requireGopacketSums(t, frame.Data, c.cut > 0)
			}
		}
	}
}

func etherIP(packet []byte) decap.Datagram {
	if packet[0]>>4 == 6 {
		return datagram(decap.LinkEthernet, ether(0x86dd, packet))
	}
	return datagram(decap.LinkEthernet, ether(0x0800, packet))
}

// requireGopacketSums has gopacket write the frame anew, with its own lengths and checksums, which must change nothing. Where
// no transport was touched it is not asked for more than the IP header.
func requireGopacketSums(t *testing.T, frame []byte, transport bool) {
	pkt := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
	require.Nil(t, pkt.ErrorLayer())
	if udp, ok := pkt.TransportLayer().(*layers.UDP); ok && (udp.Checksum == 0 || int(udp.Length) < len(frame)-34) || !transport {
		return
	}
	buf := gopacket.NewSerializeBuffer()
	for _, l := range pkt.Layers() {
		if c, ok := l.(interface {
			SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		}); ok {
			require.NoError(t, c.SetNetworkLayerForChecksum(pkt.NetworkLayer()))
		}
		switch l.LayerType() {
		case layers.LayerTypeIPSecESP, layers.LayerTypeIPv6HopByHop, layers.LayerTypeICMPv6:
			return // gopacket cannot write what it read
		}
	}
	require.NoError(t, gopacket.SerializePacket(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, pkt))
	require.Equal(t, frame, buf.Bytes()[:len(frame)], "gopacket pads")
}

// TestMendChecksums breaks one checksum at a time.
func TestFixChecksums(t *testing.T) {
	offloaded := v4(decap.TCP, tcp(1, 2, "the sender left the checksum to its interface"))
	header := v4(decap.UDP, udp(1, 2))
	header[10] ^= 1
	fragment := v4(decap.UDP, udp(1, 2, "0011223344556677"))
	fragment[6] = 0x20
	inner := ether(0x0800, offloaded)
	summed := udp(9, 4789, vxlan(7, inner))
	summed[6] = 1
	gre := v4(47, "8000 0800 1234 0000", offloaded)
	for name, c := range map[string]struct {
		packet []byte
		want   decap.Fixed
	}{
		"transport":                        {offloaded, decap.FixedChecksums},
		"header":                           {header, decap.FixedChecksums},
		"header of a fragment":             {fragment, decap.FixedChecksums},
		"UDP without":                      {v4(decap.UDP, udp(1, 2, "0011")), 0},
		"UDP over IPv6 without":            {v6(decap.UDP, udp(1, 2, "0011")), decap.FixedChecksums},
		"in a tunnel":                      {v4(4, offloaded), decap.FixedChecksums},
		"in VXLAN without":                 {v4(decap.UDP, udp(9, 4789, vxlan(7, inner))), decap.FixedChecksums},
		"in VXLAN that has a checksum":     {v4(decap.UDP, summed), 0},
		"in GRE that has a checksum":       {gre, 0},
		"routed: the last address matters": {v6(43, "06 02 04 01 00000000 00000000000000000000000000000000", tcp(1, 2, "x")), 0},
	} {
		d := datagram(decap.LinkVXLAN, vxlan(1, etherIP(c.packet).Data))
		_, did, _ := fixed(t, &d, decap.Fixes{Checksums: true})
		assert.Equal(t, c.want, did, name)
		_, did, _ = fixed(t, &d, decap.Fixes{})
		assert.Zero(t, did, name)
	}
}

// TestMendKeepsPadding: what follows the IP packet is the frame's.
func TestFixKeepsPadding(t *testing.T) {
	d := datagram(decap.LinkEthernet, ether(0x0800, v4(decap.TCP, tcp(1, 2, "")), "000000000000"))
	frame, did, _ := fixed(t, &d, everything)
	require.Equal(t, decap.FixedChecksums, did)
	require.Len(t, frame.Data, 60+4)
}

// TestMendLongerThanSaid: BIG TCP longer than its header can say goes on as it is, and Segments cuts it.
func TestFixLongerThanSaid(t *testing.T) {
	packet := v4(decap.TCP, tcp(1, 2, string(make([]byte, 100_000))))
	binary.BigEndian.PutUint16(packet[2:], 0)
	d := datagram(decap.LinkEthernet, ether(0x0800, packet))
	_, did, _ := fixed(t, &d, decap.Fixes{Lengths: true})
	require.Zero(t, did)

	p := parse(t, &d)
	head, tail, _ := p.Fix(nil, decap.Fixes{VLAN: 7})
	var s decap.Segments
	require.True(t, s.Begin(&p, head, tail, 1500))
	head, payload, ok := s.Next(nil)
	require.True(t, ok)
	first := datagram(decap.LinkEthernet, slices.Concat(head, payload))
	q := parse(t, &first)
	require.Equal(t, []uint16{7}, q.VLANs[:q.NumVLANs])
	require.Equal(t, 1500, q.IPLen)
}

func TestFixAllocs(t *testing.T) {
	ds := samples()
	buf := make([]byte, 0, decap.MaxHead)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for i := range ds {
			var p decap.Packet
			d := ds[i]
			d.WireLen++
			if never.Parse(&p, &d) <= decap.Fragment {
				p.VerifyChecksums()
				p.Fix(buf, everything)
			}
		}
	}))
}

func FuzzFix(f *testing.F) {
	for i, d := range samples() {
		f.Add(d.Data, uint8(d.Link), uint16(i%3), uint16(i%2), uint8(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, link uint8, cut, vlan uint16, what uint8) {
		d := datagram(decap.Link(link%uint8(decap.LinkUnsupported+1)), data)
		d.WireLen += int(cut)
		m := decap.Fixes{VLAN: vlan % 4095, Ethernet: what&1 != 0, Lengths: what&2 != 0, Checksums: what&4 != 0}
		fixed(t, &d, m)
	})
}
