package load

import (
	"encoding/binary"

	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/checksum"
	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/wire"
)

// appendOuter appends outer headers like AWS's: the low seven bits of the source port depend on the flow, and there is no checksum.
func appendOuter(b []byte, payload, flow int) []byte {
	b = append(append(append(b, wire.ReceiverMAC...), wire.SenderMAC...), 8, 0)
	b = appendIP(b, udpLen+payload, 17, wire.SenderIP, wire.ReceiverIP)
	b = binary.BigEndian.AppendUint16(b, 0xff80|uint16(flow&0x7f))
	b = binary.BigEndian.AppendUint16(b, 4789)
	b = binary.BigEndian.AppendUint16(b, uint16(udpLen+payload))
	return append(b, 0, 0)
}

// appendIP appends an IPv4 header (RFC 791) for a payload of a length.
func appendIP(b []byte, payload int, protocol byte, from, to [4]byte) []byte {
	start := len(b)
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(ipLen+payload))
	b = append(b, 0, 0, 0x40, 0, 64, protocol, 0, 0)
	b = append(append(b, from[:]...), to[:]...)
	binary.BigEndian.PutUint16(b[start+10:], ^checksum.Fold(checksum.Sum(b[start:])))
	return b
}

// appendSegment appends an Ethernet frame of a size, with a TCP segment (RFC 9293) of one end of a connection.
func appendSegment(b []byte, size, flow int, back bool) []byte {
	client, server := [4]byte{10, 0, byte(flow >> 8), byte(flow)}, [4]byte{10, 16, 0, byte(flow % 50)}
	from, to, ports := client, server, [2]uint16{uint16(20000 + flow), 443}
	if back {
		from, to, ports = server, client, [2]uint16{443, uint16(20000 + flow)}
	}
	b = append(b, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0)
	length := size - etherLen - ipLen
	b = appendIP(b, length, 6, from, to)
	start := len(b)
	b = binary.BigEndian.AppendUint16(b, ports[0])
	b = binary.BigEndian.AppendUint16(b, ports[1])
	b = append(b, 0, 0, 0x10, 0, 0, 0, 0x10, 0, tcpLen/4<<4, 0x18, 0xff, 0xff, 0, 0, 0, 0) // PSH and ACK
	for i := tcpLen; i < length; i++ {
		b = append(b, byte(i*7+flow)|0x80) // like encrypted data: no protocol begins with these bytes
	}
	pseudo := checksum.Sum(from[:]) + checksum.Sum(to[:]) + 6 + uint64(length)
	binary.BigEndian.PutUint16(b[start+16:], ^checksum.Fold(pseudo+checksum.Sum(b[start:])))
	return b
}
