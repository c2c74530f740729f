package capture

import (
	"errors"
	"fmt"

	"github.com/mirrorsink/mirrorsink/decap"
)

// Blocks of a pcapng file (draft-ietf-opsawg-pcapng section 4). Each has its type, its total length, a body padded to 32
// bits, and the total length again, in the byte order of its section:
//
//	Section Header      byte-order magic, version (4), section length (8), options
//	Interface           link type (2), reserved (2), snap length, options
//	Enhanced Packet     interface, time (high, low), captured length, original length, frame, options
//	Simple Packet       original length, frame
//	Packet (obsolete)   interface (2), drops (2), then as Enhanced Packet
const (
	blockSection        = 0x0a0d0d0a // the same in either byte order
	blockInterface      = 1
	blockPacket         = 2
	blockSimplePacket   = 3
	blockEnhancedPacket = 6

	byteOrderMagic = 0x1a2b3c4d

	blockHeadLen    = 8
	blockTailLen    = 4
	sectionBodyLen  = 16
	describeBodyLen = 8
	packetBodyLen   = 20
	simpleBodyLen   = 4
)

// maxBlock is how long a block may be before we take its length for damage; Wireshark draws the same line.
const maxBlock = 16 << 20

// maxInterfaces bounds what a hostile section makes us remember. The obsolete Packet Block cannot name more.
const maxInterfaces = 1 << 16

// pcapng is the block format. Its zero value waits for the first section header.
type pcapng struct {
	order      byteOrder
	interfaces []netInterface // of this section
	last       int64          // time of the last frame, for the Simple Packet Block, which has none
}

// A netInterface is what a packet needs to know of the interface that captured it.
type netInterface struct {
	link  decap.Link
	snap  uint32 // the longest frame it captures; 0 if there is no limit
	clock clock
}

func isPcapng(magic []byte) bool { return littleEndian.u32(magic) == blockSection }

func (p *pcapng) records(b []byte, out *decap.Batch) (used, need int, err error) {
	for out.N < len(out.D) {
		size, err := p.blockLen(b[used:])
		if err != nil || size > len(b)-used {
			return used, size, err
		}
		if err := p.block(b[used:used+size], out); err != nil {
			return used, 0, err
		}
		used += size
	}
	return used, 0, nil
}

// blockLen returns the length of the block at the front of b, or how many bytes it takes to know. A section header's
// byte order is its own, and holds from there on.
func (p *pcapng) blockLen(b []byte) (int, error) {
	if len(b) < blockHeadLen+magicLen {
		return blockHeadLen + magicLen, nil
	}
	if isPcapng(b) {
		order, ok := sectionOrder(b[blockHeadLen:])
		if !ok {
			return 0, errors.New("damaged: a section header without its byte-order magic")
		}
		p.order = order
	}
	size := p.order.u32(b[4:])
	if size < blockHeadLen+blockTailLen || size%4 != 0 || size > maxBlock {
		return 0, fmt.Errorf("damaged: a block of %d bytes", size)
	}
	return int(size), nil
}

func sectionOrder(magic []byte) (order byteOrder, ok bool) {
	if littleEndian.u32(magic) == byteOrderMagic {
		return littleEndian, true
	}
	return bigEndian, bigEndian.u32(magic) == byteOrderMagic
}

// block decodes a complete block. Blocks without frames or interfaces are skipped.
func (p *pcapng) block(b []byte, out *decap.Batch) error {
	body, tail := b[blockHeadLen:len(b)-blockTailLen], b[len(b)-blockTailLen:]
	if int(p.order.u32(tail)) != len(b) {
		return errors.New("damaged: the two lengths of a block differ")
	}
	switch p.order.u32(b) {
	case blockSection:
		return p.section(body)
	case blockInterface:
		return p.describe(body)
	case blockEnhancedPacket:
		return p.packet(body, false, out)
	case blockPacket:
		return p.packet(body, true, out)
	case blockSimplePacket:
		return p.simplePacket(body, out)
	}
	return nil
}

// section starts a new section, whose interfaces are numbered from 0 again. Its length is not used.
func (p *pcapng) section(body []byte) error {
	if len(body) < sectionBodyLen {
		return errors.New("damaged: a section header is too short")
	}
	if major := p.order.u16(body[4:]); major != 1 {
		return fmt.Errorf("pcapng version %d is not known", major)
	}
	p.interfaces = p.interfaces[:0]
	return nil
}

// describe adds an interface.
func (p *pcapng) describe(body []byte) error {
	if len(body) < describeBodyLen {
		return errors.New("damaged: an interface description is too short")
	}
	if len(p.interfaces) == maxInterfaces {
		return fmt.Errorf("damaged: more than %d interfaces in a section", maxInterfaces)
	}
	clk, err := clockOf(body[describeBodyLen:], p.order)
	if err != nil {
		return err
	}
	p.interfaces = append(p.interfaces, netInterface{
		link:  linkOf(uint32(p.order.u16(body))),
		snap:  p.order.u32(body[4:]),
		clock: clk,
	})
	return nil
}

// packet adds the frame of an Enhanced Packet Block, or of the obsolete one whose interface number has 16 bits.
func (p *pcapng) packet(body []byte, obsolete bool, out *decap.Batch) error {
	if len(body) < packetBodyLen {
		return errors.New("damaged: a packet block is too short")
	}
	number := p.order.u32(body)
	if obsolete {
		number = uint32(p.order.u16(body))
	}
	if int64(number) >= int64(len(p.interfaces)) {
		return fmt.Errorf("damaged: a frame of interface %d, which is not described", number)
	}
	of := &p.interfaces[number]
	p.last = of.clock.nanos(uint64(p.order.u32(body[4:]))<<32 | uint64(p.order.u32(body[8:])))
	return p.frame(of, body[packetBodyLen:], p.order.u32(body[12:]), p.order.u32(body[16:]), out)
}

// simplePacket adds a frame of the section's first interface, captured at an unknown time: that of the frame before it
// keeps time from jumping. Its captured length is what the snap length left of the original one.
func (p *pcapng) simplePacket(body []byte, out *decap.Batch) error {
	if len(body) < simpleBodyLen {
		return errors.New("damaged: a simple packet block is too short")
	}
	if len(p.interfaces) == 0 {
		return errors.New("damaged: a frame before any interface is described")
	}
	of, original := &p.interfaces[0], p.order.u32(body)
	captured := original
	if of.snap > 0 {
		captured = min(captured, of.snap)
	}
	return p.frame(of, body[simpleBodyLen:], captured, original, out)
}

// frame adds a frame, which is at the front of b.
func (p *pcapng) frame(of *netInterface, b []byte, captured, original uint32, out *decap.Batch) error {
	if captured > maxFrame || int(captured) > len(b) {
		return fmt.Errorf("damaged: a frame of %d bytes in a block that has room for %d", captured, len(b))
	}
	out.D[out.N] = decap.Datagram{
		Data:    b[:captured:captured],
		Nanos:   p.last,
		WireLen: wireLen(captured, original),
		Link:    of.link,
	}
	out.N++
	return nil
}
