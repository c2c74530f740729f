// Package load generates the frames that make bench-live receives, and sends them into a wire.
package load

import (
	"encoding/binary"
	"fmt"

	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/checksum"
)

// Frames are the frames of many flows that are sent repeatedly.
type Frames struct {
	Name   string
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

// Connections returns mirrored frames of equal size, each one segment of an advancing connection. size is that of the inner frame.
func Connections(size int) Frames {
	l := Frames{Name: fmt.Sprintf("%d B", size)}
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

// next advances frame i to the next segment of its connection, and updates its checksum (RFC 1624).
func (l *Frames) next(i int) []byte {
	frame := l.frames[i]
	if l.steps == nil {
		return frame
	}
	s := &l.steps[i]
	tcp := frame[s.tcp:]
	check := uint64(^binary.BigEndian.Uint16(tcp[16:]))
	for _, field := range [][]byte{tcp[4:8], tcp[8:12]} { // sequence number and acknowledgment
		before := binary.BigEndian.Uint32(field)
		after := before + s.advance
		binary.BigEndian.PutUint32(field, after)
		check += uint64(^uint16(before>>16)) + uint64(^uint16(before)) + uint64(after>>16) + uint64(after&0xffff)
	}
	binary.BigEndian.PutUint16(tcp[16:], ^checksum.Fold(check))
	return frame
}
