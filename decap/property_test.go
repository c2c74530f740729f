package decap_test

import (
	"bytes"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
)

// samples are datagrams of all links that between them go through every header: seeds for fuzzing, and what the
// properties below are checked on.
func samples() []decap.Datagram {
	frame := ether(0x88a8, "0003 8100 0004 0800", v4(decap.TCP, tcp(40000, 443, "hello")))
	mirrored := vxlan(7, frame)
	packets := [][]byte{
		dns,
		v4(decap.UDP, udp(65409, 4789, mirrored)),
		v4(decap.UDP, udp(65409, 4790, "0c000001 00000700", dns)),
		v4(decap.UDP, udp(65409, 8472, mirrored)),
		v4(decap.UDP, udp(65409, 6081, "0100 6558 000005 00 0102 80 00", frame)),
		v4(decap.UDP, udp(65409, 6081, "0000 0800 000005 00", v4(decap.UDP, udp(65410, 4789, mirrored)))),
		v4(decap.UDP, udp(2152, 2152, "34 ff 0034 00000001 0000 00 85 01 0000 c0 02 000000000000 00", dns)),
		v4(decap.UDP, udp(3544, 3544, "0001 00 00 0000000000000000 00 0000 1234 01020304", v6(17, udp(1, 2)))),
		v4(47, "3081 880b 00260001 00000001 00000002 ff03 0021", dns),
		v4(47, "b000 22eb 00000000 00000001 00000002 20010001 00000000 00000001 0000000000000000", frame),
		v4(4, v4(4, v4(4, v4(4, v4(4, dns))))),
		v4(51, "11 04 0000 00000001 00000001 000000000000000000000000", udp(1, 2)),
		v6(0, "2b 00 010400000000 2c 02 04 01 00000000", serverV6.AsSlice(), "06 00 0001 00000009", tcp(1, 2, "abcd")),
		v6(58, "8000 0000 1234 0001"),
		v4(132, "0001 0002 00000000 00000000 00030010"),
	}
	for i, c := range carriers() {
		if i%3 == 0 { // enough of each kind
			packets = append(packets, v4(c.proto, c.wrap(dns)))
		}
	}
	ds := []decap.Datagram{
		datagram(decap.LinkVXLAN, mirrored),
		datagram(decap.LinkGENEVE, join("0100 0800 000000 00 0108 03 00", v4(decap.UDP, udp(65410, 4789, mirrored)))),
		datagram(decap.LinkSLL, join("0000 0001 0006 020000000001 0000 0800", dns)),
		datagram(decap.LinkSLL2, join("0800 0000 00000002 0001 00 06 0200000000010000", dns)),
		datagram(decap.LinkNull, join("1e000000", v6(59))),
		datagram(decap.LinkEthernet, ether(0x8864, "11 00 0001 0026 0281 00010140", dns)),
		datagram(decap.LinkEthernet, ether(0x8847, "00010140 00000000", frame)),
		datagram(decap.LinkEthernet, join("020000000002 020000000001 0028 aaaa03 000000 0800", dns)),
	}
	for _, b := range packets {
		etherType := uint16(0x0800)
		if b[0]>>4 == 6 {
			etherType = 0x86dd
		}
		ds = append(ds, datagram(decap.LinkIP, b), datagram(decap.LinkEthernet, ether(etherType, b)))
	}
	return ds
}

// modes are decoders of every kind.
var modes = []decap.Decoder{
	{}, {Encapsulation: decap.Always}, {Encapsulation: decap.Never},
	{Allow: decap.NewAllow(nil, []decap.VNIRange{{First: 7, Last: 7}})},
}

// within reports whether part lies inside whole, in memory.
func within(part, whole []byte) bool {
	if cap(part) == 0 {
		return true
	}
	lo, from := uintptr(unsafe.Pointer(unsafe.SliceData(whole))), uintptr(unsafe.Pointer(unsafe.SliceData(part)))
	return from >= lo && from+uintptr(cap(part)) <= lo+uintptr(len(whole))
}

// requireSound checks what holds for every packet, whatever the bytes were.
func requireSound(t testing.TB, p *decap.Packet, r decap.Reason, d *decap.Datagram) {
	require.Less(t, r, decap.Reasons)
	require.LessOrEqual(t, p.NumVLANs, uint8(decap.MaxVLANs))
	require.LessOrEqual(t, p.Depth, uint8(decap.MaxDepth))
	require.Less(t, p.VNI, uint32(1<<24))
	require.True(t, within(p.Frame, d.Data))
	require.True(t, within(p.Payload, d.Data))
	if r != decap.OK && r != decap.Fragment {
		return
	}
	require.NotEmpty(t, p.Frame)
	require.Contains(t, []uint8{4, 6}, p.Version)
	require.GreaterOrEqual(t, p.PayloadLen, len(p.Payload))
	require.GreaterOrEqual(t, p.IPLen, p.PayloadLen)
	require.True(t, p.Version == 6 || p.Src.Netip().Is4() && p.Dst.Netip().Is4())
	require.True(t, p.HasPorts || p.SrcPort|p.DstPort == 0)
	require.True(t, p.HasTCP || p.TCPFlags == 0 && p.Seq|p.Ack == 0)
	require.True(t, p.Truncated || r == decap.Fragment || len(p.Payload) == p.PayloadLen)
	require.Equal(t, r == decap.Fragment, p.MoreFrags || p.FragOff != 0)
	require.False(t, p.BadChecksum)
	p.VerifyChecksums() // reads as far as it ever will
}

// TestEveryPrefix cuts good datagrams at every length, once as a snap length does and once as if they had been sent so.
// Nothing behind the cut is read, the envelope stays what it was, and so do the addresses once they are there at all.
func TestEveryPrefix(t *testing.T) {
	for _, dec := range modes {
		for _, d := range samples() {
			var whole decap.Packet
			if dec.Parse(&whole, &d) > decap.Fragment {
				continue
			}
			for n := range len(d.Data) {
				for _, wireLen := range []int{n, len(d.Data)} {
					var p decap.Packet
					cut := decap.Datagram{Data: slices.Clip(bytes.Clone(d.Data[:n])), WireLen: wireLen, Link: d.Link, Outer: d.Outer}
					r := dec.Parse(&p, &cut)
					requireSound(t, &p, r, &cut)
					if r > decap.Fragment || p.Depth != whole.Depth || p.Mirrored != whole.Mirrored || p.FrameIsIP != whole.FrameIsIP {
						continue // cut before the innermost header: it is the packet around that one
					}
					require.Equal(t, whole.Outer, p.Outer)
					require.Equal(t, whole.VNI, p.VNI)
					require.Equal(t, whole.Src, p.Src)
					require.Equal(t, whole.IPLen, p.IPLen)
					if p.Proto != whole.Proto {
						continue // cut within the extension headers
					}
					require.True(t, bytes.HasPrefix(whole.Payload, p.Payload), "%d bytes of %x", n, d.Data)
				}
			}
		}
	}
}

// TestParseAllocs holds that decoding allocates nothing, in any mode, whatever the datagram.
func TestParseAllocs(t *testing.T) {
	ds := samples()
	var p decap.Packet
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for i := range modes {
			for j := range ds {
				modes[i].Parse(&p, &ds[j])
				p.VerifyChecksums()
			}
		}
	}))
}

func FuzzParse(f *testing.F) {
	for _, d := range samples() {
		f.Add(d.Data, uint8(d.Link), uint16(0), uint8(0))
	}
	f.Fuzz(func(t *testing.T, data []byte, link uint8, cut uint16, mode uint8) {
		d := datagram(decap.Link(link%uint8(decap.LinkUnsupported+1)), data)
		d.WireLen += int(cut)
		dec := &modes[int(mode)%len(modes)]
		var p, again decap.Packet
		r := dec.Parse(&p, &d)
		requireSound(t, &p, r, &d)
		again.Depth, again.Tunnel, again.Truncated = 1, 1, true
		require.Equal(t, r, dec.Parse(&again, &d))
		again.VerifyChecksums()
		if r <= decap.Fragment {
			require.Equal(t, p, again, "the same bytes give the same packet, whatever was in it before")
		}
		if r == decap.Fragment {
			first := p.Detached()
			if dec.ParseReassembled(&first, p.Payload) <= decap.Fragment {
				require.True(t, within(first.Payload, p.Payload))
			}
			first.VerifyChecksums()
		}
	})
}
