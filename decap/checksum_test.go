package decap

import (
	"encoding/binary"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestSum compares the sum of 64-bit words with RFC 1071's two bytes at a time.
func TestSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "bytes")
		if rapid.Bool().Draw(t, "high") { // carries are seldom otherwise
			for i := range b {
				b[i] |= 0xf0
			}
		}
		var want uint32
		for i, x := range b {
			want += uint32(x) << (8 * (1 - i%2))
		}
		for want > 0xffff {
			want = want>>16 + want&0xffff
		}
		assert.Equal(t, uint16(want), fold16(sum(b)))
	})
}

// transports are packets with right checksums, as gopacket makes them; sum is where the transport's is, from its start.
func transports(t testing.TB) map[string]struct {
	packet []byte
	ip     int
	sum    int
} {
	ip4 := func(p layers.IPProtocol) *layers.IPv4 {
		return &layers.IPv4{Version: 4, TTL: 9, Protocol: p, SrcIP: []byte{10, 0, 0, 1}, DstIP: []byte{10, 0, 0, 2}}
	}
	ip6 := func(p layers.IPProtocol) *layers.IPv6 {
		src, dst := make([]byte, 16), make([]byte, 16)
		src[0], dst[0], dst[15] = 0x20, 0x20, 0xff
		return &layers.IPv6{Version: 6, HopLimit: 9, NextHeader: p, SrcIP: src, DstIP: dst}
	}
	type made = struct {
		packet []byte
		ip     int
		sum    int
	}
	body := gopacket.Payload("an odd number of bytes.")
	build := func(ip gopacket.NetworkLayer, l gopacket.SerializableLayer, n, sum int) made {
		if c, ok := l.(interface {
			SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		}); ok {
			require.NoError(t, c.SetNetworkLayerForChecksum(ip))
		}
		buf := gopacket.NewSerializeBuffer()
		opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
		require.NoError(t, gopacket.SerializeLayers(buf, opts, ip.(gopacket.SerializableLayer), l, body))
		return made{buf.Bytes(), n, sum}
	}
	tcp, udp := &layers.TCP{SrcPort: 1, DstPort: 2}, &layers.UDP{SrcPort: 1, DstPort: 2}
	return map[string]made{
		"TCP over IPv4": build(ip4(layers.IPProtocolTCP), tcp, 20, 16),
		"TCP over IPv6": build(ip6(layers.IPProtocolTCP), tcp, 40, 16),
		"UDP over IPv4": build(ip4(layers.IPProtocolUDP), udp, 20, 6),
		"UDP over IPv6": build(ip6(layers.IPProtocolUDP), udp, 40, 6),
		"ICMP":          build(ip4(layers.IPProtocolICMPv4), &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0)}, 20, 2),
		"ICMPv6":        build(ip6(layers.IPProtocolICMPv6), &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(3, 0)}, 40, 2),
	}
}

// verify parses a packet and checks its checksums.
func verify(t testing.TB, b []byte, wireLen int) bool {
	var p Packet
	require.Contains(t, []Reason{OK, Fragment}, new(Decoder).Parse(&p, &Datagram{Data: b, WireLen: wireLen, Link: LinkIP}))
	bad := p.VerifyChecksums()
	assert.Equal(t, bad, p.BadChecksum)
	return bad
}

func TestVerifyChecksums(t *testing.T) {
	for name, c := range transports(t) {
		t.Run(name, func(t *testing.T) {
			assert.False(t, verify(t, c.packet, len(c.packet)))
			assert.False(t, verify(t, append(c.packet[:len(c.packet):len(c.packet)], 1, 2, 3), len(c.packet)+3), "padding")
			for i := c.ip + c.sum; i < len(c.packet); i++ {
				c.packet[i] ^= 0x10
				assert.True(t, verify(t, c.packet, len(c.packet)), "byte %d", i)
				assert.False(t, verify(t, c.packet[:len(c.packet)-1], len(c.packet)), "a cut packet is not checked")
				c.packet[i] ^= 0x10
			}
			if c.ip == IPv4Len {
				c.packet[8]-- // the TTL: the header's checksum is wrong then, and the transport's is not
				assert.True(t, verify(t, c.packet, len(c.packet)))
				assert.True(t, verify(t, c.packet[:30], len(c.packet)), "the header is whole")
			}
		})
	}
}

// TestNotVerified has packets with wrong or missing checksums that must not be called bad.
func TestNotVerified(t *testing.T) {
	made := transports(t)
	noChecksum := made["UDP over IPv4"].packet
	noChecksum[26], noChecksum[27] = 0, 0
	assert.False(t, verify(t, noChecksum, len(noChecksum)), "UDP over IPv4 without a checksum")

	six := made["UDP over IPv6"].packet
	six[46], six[47] = 0, 0
	assert.True(t, verify(t, six, len(six)), "UDP over IPv6 must have one")

	routed := append([]byte(nil), made["TCP over IPv6"].packet[:40]...)
	routed = append(routed, 6, 2, 4, 1, 0, 0, 0, 0) // routing header, one segment left
	routed = append(append(routed, make([]byte, 16)...), made["TCP over IPv6"].packet[40:]...)
	routed[6], routed[24] = ProtoRouting, 0x30
	binary.BigEndian.PutUint16(routed[4:], uint16(len(routed)-40))
	assert.False(t, verify(t, routed, len(routed)), "the checksum is over the last destination")

	sctp := append([]byte(nil), made["TCP over IPv6"].packet...)
	sctp[6] = SCTP
	assert.False(t, verify(t, sctp, len(sctp)), "CRC32c is not checked")

	fragment := append([]byte(nil), made["TCP over IPv4"].packet...)
	fragment[6], fragment[36] = 0x20, 0xff
	binary.BigEndian.PutUint16(fragment[10:], binary.BigEndian.Uint16(fragment[10:])-0x2000)
	assert.False(t, verify(t, fragment, len(fragment)), "a fragment")
}
