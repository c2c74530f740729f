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

func (p *pcap) records(b []byte, out *decap.Batch) (used, need int, err error) {
	for out.N < len(out.D) {
		r := b[used:]
		if len(r) < p.header {
			return used, p.header, nil
		}
		captured := p.order.u32(r[8:])
		if captured > maxFrame {
			return used, 0, fmt.Errorf("damaged: a frame of %d bytes", captured)
		}
		end := p.header + int(captured)
		if len(r) < end {
			return used, end, nil
		}
		out.D[out.N] = decap.Datagram{
			Data:    r[p.header:end:end],
			Nanos:   int64(p.order.u32(r))*1e9 + int64(p.order.u32(r[4:]))*p.unit,
			WireLen: wireLen(captured, p.order.u32(r[12:])),
			Link:    p.link,
		}
		out.N++
		used += end
	}
	return used, 0, nil
}

// wireLen returns the length on the wire, which some writers leave 0 or swap with the captured one.
func wireLen(captured, original uint32) int {
	return int(min(max(captured, original), math.MaxInt32))
}

// linkOf returns how to decode frames of a link type (the registry is at tcpdump.org/linktypes.html). In a pcap header
// the bits above the lower 16 are about frame check sequences, which follow the IP packet and do not matter.
func linkOf(linkType uint32) decap.Link {
	switch uint16(linkType) {
	case 1:
		return decap.LinkEthernet
	case 12, 14, 101, 228, 229: // raw IP as BSD, OpenBSD and everyone else number it; IPv4 alone; IPv6 alone
		return decap.LinkIP
	case 0, 108:
		return decap.LinkNull
	case 113:
		return decap.LinkSLL
	case 276:
		return decap.LinkSLL2
	}
	return decap.LinkUnsupported
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
