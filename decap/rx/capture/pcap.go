package capture

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"github.com/mirrorsink/mirrorsink/decap"
)

// The layout of a pcap file (draft-ietf-opsawg-pcap):
//
//	file header, 24 bytes           record header, 16 bytes
//	 0  magic                        0  seconds since 1970
//	 4  version major, minor         4  micro- or nanoseconds
//	 8  reserved (8 bytes)           8  captured length
//	16  snap length                 12  length on the wire
//	20  link type, 16 bits, and     16  the frame
//	    FCS flags above them
//
// Everything is in the byte order of the host that wrote it, which the magic shows. The modified format that Linux
// distributions shipped about 1999 has 8 more bytes in its record header: interface, protocol, packet type.
//
// The snap length of the header is not used: writers get it wrong, and it is not needed.
const (
	magicLen       = 4
	pcapHeaderLen  = 24
	pcapLinkOffset = 20
	recordLen      = 16
	modifiedLen    = 24

	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34
)

// maxFrame is how many bytes a frame may have before we take its length for damage. The largest that a kernel captures is
// a BIG TCP segment of 512 KiB; twice that leaves room for what is around it. Nothing is ever allocated from a length.
const maxFrame = 1 << 20

// pcap is the classic format.
type pcap struct {
	order  byteOrder
	header int   // length of a record header
	unit   int64 // nanoseconds in a unit of the subsecond field
	link   decap.Link
}

// pcapOf returns the variant of the format that a magic stands for, without its link type.
func pcapOf(magic []byte) (p *pcap, ok bool) {
	for _, order := range [...]byteOrder{littleEndian, bigEndian} {
		switch order.u32(magic) {
		case magicMicro:
			return &pcap{order: order, header: recordLen, unit: 1e3}, true
		case magicNano:
			return &pcap{order: order, header: recordLen, unit: 1}, true
		case magicModified:
			return &pcap{order: order, header: modifiedLen, unit: 1e3}, true
		}
	}
	return nil, false
}

func (p *pcap) records(b []byte, out *decap.Batch, times *timeline) (used, need int, err error) {
	for out.N < len(out.D) {
		r := b[used:]
		nanos, size, need := p.peek(r)
		switch {
		case size == 0 && need == 0:
			return used, 0, fmt.Errorf("damaged: a frame of %d bytes", p.order.u32(r[8:]))
		case size == 0:
			return used, need, nil
		}
		at, more := times.place(nanos, p, r[size:])
		if more != wholeRecord {
			return used, size + more, nil
		}
		out.D[out.N] = decap.Datagram{
			Data:     r[p.header:size:size],
			Nanos:    at,
			WireLen:  wireLen(uint32(size-p.header), p.order.u32(r[12:])),
			Link:     p.link,
			Misdated: at != nanos,
		}
		out.N++
		used += size
	}
	return used, 0, nil
}

// peek returns the time and the size of a record: see peeker. A damaged one has neither a size nor a need.
func (p *pcap) peek(r []byte) (nanos int64, size, need int) {
	if len(r) < p.header {
		return 0, 0, p.header
	}
	captured := p.order.u32(r[8:])
	if captured > maxFrame {
		return 0, 0, 0
	}
	if size = p.header + int(captured); len(r) < size {
		return 0, 0, size
	}
	return int64(p.order.u32(r))*1e9 + int64(p.order.u32(r[4:]))*p.unit, size, 0
}

// wireLen returns the length on the wire, which some writers leave 0 or swap with the captured one.
func wireLen(captured, original uint32) int {
	return int(min(max(captured, original), math.MaxInt32))
}

// A byteOrder reads integers as a capture's writer had them. It is not a binary.ByteOrder, whose calls do not inline.
type byteOrder bool

const (
	littleEndian byteOrder = false
	bigEndian    byteOrder = true
)

func (o byteOrder) u16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if o == bigEndian {
		v = bits.ReverseBytes16(v)
	}
	return v
}

func (o byteOrder) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if o == bigEndian {
		v = bits.ReverseBytes32(v)
	}
	return v
}
