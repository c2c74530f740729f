package decap_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap"
)

// longTCP draws a TCP frame of any length, behind any number of tags, with options, flags and a sequence number near its end.
func longTCP(t *rapid.T) decap.Datagram {
	payload := rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "pattern")
	payload = bytes.Repeat(payload, rapid.IntRange(0, 700).Draw(t, "repeat"))
	options := make([]byte, 4*rapid.IntRange(0, 10).Draw(t, "options"))
	for i := range options {
		options[i] = 1 // no operation
	}
	flags := rapid.Byte().Draw(t, "flags") &^ decap.SYN
	h := join(uint16Bytes(40000), uint16Bytes(443), "fffffff0 00000002", []byte{byte(20+len(options)) << 2, flags}, "0200 1234",
		uint16Bytes(rapid.Uint16().Draw(t, "urgent")), options)
	var packet []byte
	etherType := uint16(0x0800)
	if rapid.Bool().Draw(t, "IPv6") {
		etherType, packet = 0x86dd, v6(decap.TCP, h, payload)
	} else {
		packet = v4(decap.TCP, h, payload)
		packet[6] = 0x40 // don't fragment
		if len(packet) > 65535 {
			packet[2], packet[3] = 0, 0
		}
	}
	if len(packet) > 65535+40 {
		packet[4], packet[5] = 0, 0
	}
	tags := ""
	for range rapid.IntRange(0, 2).Draw(t, "tags") {
		tags += "8100 0007"
	}
	padding := rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "padding")
	if len(packet) > 65535 {
		padding = nil // it cannot be distinguished
	}
	return datagram(decap.LinkEthernet, join("020000000002 020000000001", tags, uint16Bytes(etherType), packet, padding))
}

// parse decodes a good frame.
func parse(t require.TestingT, d *decap.Datagram) (p decap.Packet) {
	require.LessOrEqual(t, new(decap.Decoder).Parse(&p, d), decap.Fragment)
	p.VerifyChecksums()
	return p
}

// TestSegments: the payloads of all segments make the long one's, each is good by itself and fits, and only what must differ does.
func TestSegments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := longTCP(t)
		p := parse(t, &d)
		mtu := rapid.IntRange(121, 9000).Draw(t, "MTU")
		var s decap.Segments
		require.True(t, s.Begin(&p, nil, p.Frame, mtu))
		var all []byte
		for n := 0; ; n++ {
			head, payload, ok := s.Next(make([]byte, 0, decap.MaxHead))
			if !ok {
				break
			}
			frame := datagram(decap.LinkEthernet, slices.Concat(head, payload))
			q := parse(t, &frame)
			require.True(t, within(payload, d.Data))
			require.False(t, q.BadChecksum)
			require.LessOrEqual(t, q.IPLen, mtu)
			require.Equal(t, p.Seq+uint32(len(all)), q.Seq)
			all = append(all, q.Payload...)
			requireSegment(t, &p, &q, n, len(all) == len(p.Payload))
			requireGopacket(t, &frame, &q)
		}
		require.True(t, bytes.Equal(p.Payload, all))
	})
}

// requireSegment checks the headers of segment n of p.
func requireSegment(t require.TestingT, p, q *decap.Packet, n int, last bool) {
	require.Equal(t, p.VLANs, q.VLANs)
	require.Equal(t, []any{p.Src, p.Dst, p.SrcPort, p.DstPort, p.Ack, p.TTL}, []any{q.Src, q.Dst, q.SrcPort, q.DstPort, q.Ack, q.TTL})
	if p.Version == 4 {
		require.Equal(t, p.IPID()+uint16(n), q.IPID())
	}
	flags := p.TCPFlags
	if !last {
		flags &^= decap.FIN | decap.PSH
	}
	if n > 0 {
		flags &^= decap.CWR
	}
	end := func(p *decap.Packet) uint32 {
		at := 14 + 4*int(p.NumVLANs) + 20*int(p.Version/2-1) + 18 // of the urgent pointer
		return p.Seq + uint32(binary.BigEndian.Uint16(p.Frame[at:]))
	}
	if q.TCPFlags&decap.URG != 0 {
		require.Equal(t, end(p), end(q), "the urgent pointer points to the same byte")
	} else if n > 0 {
		flags &^= decap.URG
	}
	require.Equal(t, flags, q.TCPFlags)
}

// requireGopacket has gopacket read the frame, and compares.
func requireGopacket(t require.TestingT, d *decap.Datagram, p *decap.Packet) {
	first, _ := firstLayer(d)
	pkt := gopacket.NewPacket(d.Data, first, gopacket.NoCopy)
	require.Nil(t, pkt.ErrorLayer())
	tcp := pkt.TransportLayer().(*layers.TCP)
	require.Equal(t, p.Seq, tcp.Seq)
	require.Equal(t, p.TCPFlags, tcpFlags(tcp))
	require.True(t, bytes.Equal(p.Payload, tcp.Payload))
	require.False(t, pkt.Metadata().Truncated)
}

// TestNotSegments has packets that must not be cut.
func TestNotSegments(t *testing.T) {
	good := ether(0x0800, v4(decap.TCP, tcp(1, 2, "payload")))
	syn := ether(0x0800, v4(decap.TCP, tcp(1, 2, "payload")))
	syn[14+20+13] |= decap.SYN
	offset := ether(0x0800, v4(decap.TCP, tcp(1, 2, "payload")))
	offset[14+20+12] = 0xf0
	fragment := ether(0x0800, v4(decap.TCP, tcp(1, 2, "payload")))
	fragment[14+6] = 0x20
	for name, frame := range map[string][]byte{
		"UDP":               ether(0x0800, v4(decap.UDP, udp(1, 2, "00"))),
		"SYN":               syn,
		"fragment":          fragment,
		"data offset":       offset,
		"authentication":    ether(0x0800, v4(51, "06 04 0000 00000001 00000001 000000000000000000000000", tcp(1, 2, "payload"))),
		"extension headers": ether(0x86dd, v6(0, "06 00 010400000000", tcp(1, 2, "payload"))),
		"in a tunnel":       ether(0x0800, v4(4, v4(decap.TCP, tcp(1, 2, "payload")))),
		"MPLS":              ether(0x8847, "00010140", v4(decap.TCP, tcp(1, 2, "payload"))),
		"802.3":             join("020000000002 020000000001 0037 aaaa03 000000 0800", v4(decap.TCP, tcp(1, 2, "payload"))),
		"cut":               good[:len(good)-1],
	} {
		d := datagram(decap.LinkEthernet, frame)
		p := parse(t, &d)
		var s decap.Segments
		require.False(t, s.Begin(&p, nil, p.Frame, 1500), name)
		_, _, ok := s.Next(nil)
		require.False(t, ok, name)
	}
	d := datagram(decap.LinkEthernet, good)
	p := parse(t, &d)
	var s decap.Segments
	require.False(t, s.Begin(&p, nil, p.Frame, 40), "no room for a byte of payload")
	require.True(t, s.Begin(&p, nil, p.Frame, 41))
}

func TestSegmentsAllocs(t *testing.T) {
	d := datagram(decap.LinkEthernet, ether(0x0800, v4(decap.TCP, tcp(1, 2, string(make([]byte, 9000))))))
	p := parse(t, &d)
	buf := make([]byte, 0, decap.MaxHead)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		var s decap.Segments
		s.Begin(&p, nil, p.Frame, 1500)
		for _, _, ok := s.Next(buf); ok; _, _, ok = s.Next(buf) {
		}
	}))
}
