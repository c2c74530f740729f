package main

import (
	"encoding/binary"
	"fmt"
)

// A load is the frames of many flows that are sent repeatedly.
type load struct {
	name   string
	frames [][]byte // contiguous in memory
	steps  []step   // for each frame, if its flow advances with each repetition
}

// A step is the change of a frame with each repetition, to the next segment of its TCP connection.
type step struct {
	tcp     int    // offset of the TCP header
	advance uint32 // bytes sent meanwhile by each end
}

const (
	// flows is the number of connections, with one frame from each end.
	flows = 1000

	etherLen, ipLen, udpLen, vxlanLen, tcpLen = 14, 20, 8, 8, 20
	outerLen                                  = etherLen + ipLen + udpLen
)

// connections returns mirrored frames of equal size, each one segment of an advancing connection. size is that of the inner frame.
func connections(size int) load {
	l := load{name: fmt.Sprintf("%d B", size)}
	memory := make([]byte, 0, 2*flows*(outerLen+vxlanLen+size))
	for flow := range flows {
		for end := range 2 {
			start := len(memory)
			memory = appendOuter(memory, vxlanLen+size, flow)
			memory = append(memory, 8, 0, 0, 0, 0, 0x12, 0x34, 0) // a valid VNI, RFC 7348
			memory = appendSegment(memory, size, flow, end == 1)
			l.frames = append(l.frames, memory[start:len(memory):len(memory)])
			l.steps = append(l.steps, step{
				tcp: outerLen + vxlanLen + etherLen + ipLen, advance: uint32(size - etherLen - ipLen - tcpLen),
			})
		}
	}
	return l
}

// appendOuter appends outer headers like AWS's: the low seven bits of the source port depend on the flow, and there is no checksum.
func appendOuter(b []byte, payload, flow int) []byte {
	b = append(append(append(b, receiverMAC...), senderMAC...), 8, 0)
	b = appendIP(b, udpLen+payload, 17, senderIP, receiverIP)
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
	binary.BigEndian.PutUint16(b[start+10:], ^fold(sum(b[start:])))
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
	pseudo := sum(from[:]) + sum(to[:]) + 6 + uint32(length)
	binary.BigEndian.PutUint16(b[start+16:], ^fold(pseudo+sum(b[start:])))
	return b
}

// take advances frame i to the next segment of its connection, and updates its checksum (RFC 1624).
func (l *load) take(i int) []byte {
	frame := l.frames[i]
	if l.steps == nil {
		return frame
	}
	s := &l.steps[i]
	tcp := frame[s.tcp:]
	check := uint32(^binary.BigEndian.Uint16(tcp[16:]))
	for _, field := range [][]byte{tcp[4:8], tcp[8:12]} { // sequence number and acknowledgment
		before := binary.BigEndian.Uint32(field)
		after := before + s.advance
		binary.BigEndian.PutUint32(field, after)
		check += uint32(^uint16(before>>16)) + uint32(^uint16(before)) + after>>16 + after&0xffff
	}
	binary.BigEndian.PutUint16(tcp[16:], ^fold(check))
	return frame
}

// sum adds 16-bit words for the Internet checksum, without the final complement.
func sum(b []byte) (s uint32) {
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}

func fold(s uint32) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
