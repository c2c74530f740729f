package decap

import (
	"encoding/binary"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"
)

// segmentOf returns a decoded TCP segment with options, by gopacket.
func segmentOf(t testing.TB, options ...layers.TCPOption) (p Packet, frame []byte) {
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: []byte{10, 0, 0, 1}, DstIP: []byte{10, 0, 0, 2}}
	tcp := &layers.TCP{SrcPort: 1, DstPort: 2, ACK: true, Window: 4321, Options: options}
	require.NoError(t, tcp.SetNetworkLayerForChecksum(ip))
	eth := &layers.Ethernet{SrcMAC: make([]byte, 6), DstMAC: make([]byte, 6), EthernetType: layers.EthernetTypeIPv4}
	buf := gopacket.NewSerializeBuffer()
	require.NoError(t, gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, eth, ip, tcp,
		gopacket.Payload("some payload")))
	return decoded(t, buf.Bytes()), buf.Bytes()
}

func decoded(t testing.TB, frame []byte) (p Packet) {
	require.Equal(t, OK, new(Decoder).Parse(&p, &Datagram{Data: frame, WireLen: len(frame)}))
	return p
}

func TestTCPHeader(t *testing.T) {
	stamp := layers.TCPOption{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: []byte{1, 2, 3, 4, 0, 0, 0, 9}}
	nop := layers.TCPOption{OptionType: layers.TCPOptionKindNop}
	scale := func(n byte) layers.TCPOption {
		return layers.TCPOption{OptionType: layers.TCPOptionKindWindowScale, OptionLength: 3, OptionData: []byte{n}}
	}
	md5 := layers.TCPOption{OptionType: 19, OptionLength: 18, OptionData: make([]byte, 16)}
	base := TCPHeader{Valid: true, Known: true, Window: 4321}
	for name, c := range map[string]struct {
		options []layers.TCPOption
		want    func(h *TCPHeader)
	}{
		"no options":           {nil, func(*TCPHeader) {}},
		"timestamps":           {[]layers.TCPOption{nop, nop, stamp}, func(h *TCPHeader) { h.Timestamp, h.HasTimestamp = 0x01020304, true }},
		"timestamps elsewhere": {[]layers.TCPOption{stamp, nop, nop}, func(h *TCPHeader) { h.Timestamp, h.HasTimestamp = 0x01020304, true }},
		"scale":                {[]layers.TCPOption{scale(7)}, func(h *TCPHeader) { h.Scale, h.HasScale = 7, true }},
		"scale too large":      {[]layers.TCPOption{scale(99)}, func(h *TCPHeader) { h.Scale, h.HasScale = 14, true }},
		"signature":            {[]layers.TCPOption{nop, nop, md5}, func(h *TCPHeader) { h.Signed = true }},
		"scale, timestamps": {[]layers.TCPOption{scale(0), stamp}, func(h *TCPHeader) {
			h.HasScale, h.Timestamp, h.HasTimestamp = true, 0x01020304, true
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := segmentOf(t, c.options...)
			want := base
			c.want(&want)
			p.ReadTCPHeader()
			require.Equal(t, want, p.TCP)
		})
	}
}

func TestTCPHeaderOffset(t *testing.T) {
	_, frame := segmentOf(t)
	at := EthernetLen + IPv4Len + 12
	for offset, valid := range map[byte]bool{0: false, 4: false, 5: true, 8: true, 9: false, 15: false} {
		frame[at] = offset << 4
		p := decoded(t, frame)
		p.ReadTCPHeader()
		require.Equal(t, valid, p.TCP.Valid, "data offset %d, 32 bytes of segment", offset)
	}
	p := Packet{HasTCP: true}
	p.ReadTCPHeader()
	require.True(t, p.TCP.Valid, "nothing is known of a packet without its bytes")
}

func TestOffloaded(t *testing.T) {
	_, frame := segmentOf(t)
	sum := frame[EthernetLen+IPv4Len+16:]
	p := decoded(t, frame)
	require.False(t, p.VerifyChecksums())
	p.ReadTCPHeader()
	require.False(t, p.TCP.Offloaded)
	for _, n := range []int{0, 32} {
		binary.BigEndian.PutUint16(sum, fold16(p.pseudoHeader(n)))
		q := decoded(t, frame)
		require.True(t, q.VerifyChecksums())
		q.ReadTCPHeader()
		require.True(t, q.TCP.Offloaded)
	}
	binary.BigEndian.PutUint16(sum, 0x1234)
	p = decoded(t, frame)
	require.True(t, p.VerifyChecksums())
	p.ReadTCPHeader()
	require.False(t, p.TCP.Offloaded)
}

func FuzzTCPHeader(f *testing.F) {
	_, frame := segmentOf(f, layers.TCPOption{OptionType: layers.TCPOptionKindWindowScale, OptionLength: 3, OptionData: []byte{7}})
	f.Add(frame[EthernetLen:], uint16(0))
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		var p Packet
		d := Datagram{Data: b, WireLen: len(b) + int(cut), Link: LinkIP}
		if new(Decoder).Parse(&p, &d) == OK && p.HasTCP {
			p.VerifyChecksums()
			p.ReadTCPHeader()
			require.LessOrEqual(t, p.TCP.Scale, uint8(maxScale))
			require.True(t, p.TCP.Valid || p.PayloadLen == 0)
		}
	})
}
