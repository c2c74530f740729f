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

	supported   bool   // there was a frame of a link type that is supported
	refused     bool   // there was one of another link type
	unsupported uint16 // the first such link type
}

// onlyUnsupported reports whether there were frames, and none of a link type that is supported.
func (p *pcapng) onlyUnsupported() bool { return p.refused && !p.supported }

// A netInterface is what a packet needs to know of the interface that captured it.
type netInterface struct {
	kind  uint16 // link type
	link  decap.Link
	snap  uint32 // the longest frame it captures; 0 if there is no limit
	clock clock
}

func isPcapng(magic []byte) bool { return littleEndian.u32(magic) == blockSection }

func (p *pcapng) records(b []byte, out *decap.Batch, times *timeline) (used, need int, err error) {
	for out.N < len(out.D) {
		size, need, err := p.blockLen(b[used:])
		if err != nil || size == 0 {
			return used, need, err
		}
		need, err = p.block(b[used:used+size], b[used+size:], out, times)
		if err != nil || need != wholeRecord {
			return used, size + need, err
		}
		used += size
	}
	return used, 0, nil
}

// blockLen returns the length of the block at the front of b, or how many bytes it takes to know. A section header's
// byte order is its own, and holds from there on.
func (p *pcapng) blockLen(b []byte) (size, need int, err error) {
	if len(b) < blockHeadLen+magicLen {
		return 0, blockHeadLen + magicLen, nil
	}
	if isPcapng(b) {
		order, ok := sectionOrder(b[blockHeadLen:])
		if !ok {
			return 0, 0, errors.New("damaged: a section header without its byte-order magic")
		}
		p.order = order
	}
	stated := p.order.u32(b[4:])
	if stated < blockHeadLen+blockTailLen || stated > maxBlock {
		return 0, 0, fmt.Errorf("damaged: a block of %d bytes", stated)
	}
	size = int(stated)
	if size > len(b) {
		return 0, size, nil
	}
	if size%4 == 0 || p.order.u32(b[size-blockTailLen:]) == stated {
		return size, 0, nil
	}
	return p.paddedLen(b, size)
}

// paddedLen returns the length of a block that states one without its padding. Some writers do not count the padding, and others write
// none, so that the second length follows at once. Wireshark reads both.
func (p *pcapng) paddedLen(b []byte, stated int) (size, need int, err error) {
	size = (stated + 3) &^ 3
	if size > len(b) {
		return 0, size, nil
	}
	if n := int(p.order.u32(b[size-blockTailLen:])); n != stated && n != size {
		return 0, 0, fmt.Errorf("damaged: a block of %d bytes", stated)
	}
	return size, 0, nil
}

func sectionOrder(magic []byte) (order byteOrder, ok bool) {
	if littleEndian.u32(magic) == byteOrderMagic {
		return littleEndian, true
	}
	return bigEndian, bigEndian.u32(magic) == byteOrderMagic
}

// block decodes a complete block, which rest follows. Blocks without frames or interfaces are skipped. A need other than wholeRecord is how
// many bytes of rest it takes to know the time of a frame.
func (p *pcapng) block(b, rest []byte, out *decap.Batch, times *timeline) (need int, err error) {
	body, tail := b[blockHeadLen:len(b)-blockTailLen], p.order.u32(b[len(b)-blockTailLen:])
	if int(tail) != len(b) && tail != p.order.u32(b[4:]) {
		return 0, errors.New("damaged: the two lengths of a block differ")
	}
	switch kind := p.order.u32(b); kind {
	case blockSection:
		return 0, p.section(body)
	case blockInterface:
		return 0, p.describe(body)
	case blockEnhancedPacket, blockPacket:
		return p.packet(body, kind == blockPacket, rest, out, times)
	case blockSimplePacket:
		return p.simplePacket(body, rest, out, times)
	}
	return 0, nil
}

// peek returns the time and the size of a block: see peeker. It does not look behind what changes the interfaces.
func (p *pcapng) peek(b []byte) (nanos int64, size, need int) {
	if len(b) >= magicLen && isPcapng(b) {
		return 0, 0, 0
	}
	size, need, err := p.blockLen(b)
	if err != nil || size == 0 {
		return 0, 0, need
	}
	body := b[blockHeadLen : size-blockTailLen]
	switch kind := p.order.u32(b); kind {
	case blockInterface:
		return 0, 0, 0
	case blockEnhancedPacket, blockPacket:
		of, err := p.interfaceOf(body, kind == blockPacket)
		if err != nil {
			return 0, 0, 0
		}
		return p.stamp(of, body), size, 0
	}
	return noTime, size, 0
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
		kind:  p.order.u16(body),
		link:  linkOf(p.order.u16(body)),
		snap:  p.order.u32(body[4:]),
		clock: clk,
	})
	return nil
}

// packet adds the frame of an Enhanced Packet Block, or of the obsolete one.
func (p *pcapng) packet(body []byte, obsolete bool, rest []byte, out *decap.Batch, times *timeline) (need int, err error) {
	of, err := p.interfaceOf(body, obsolete)
	if err != nil {
		return 0, err
	}
	nanos := p.stamp(of, body)
	at, need := times.place(nanos, p, rest)
	if need != wholeRecord {
		return need, nil
	}
	d := decap.Datagram{Nanos: at, Misdated: at != nanos}
	return 0, p.frame(of, d, body[packetBodyLen:], p.order.u32(body[12:]), p.order.u32(body[16:]), out)
}

// interfaceOf returns the interface of a packet block. In the obsolete one its number has 16 bits.
func (p *pcapng) interfaceOf(body []byte, obsolete bool) (*netInterface, error) {
	if len(body) < packetBodyLen {
		return nil, errors.New("damaged: a packet block is too short")
	}
	number := p.order.u32(body)
	if obsolete {
		number = uint32(p.order.u16(body))
	}
	if int64(number) >= int64(len(p.interfaces)) {
		return nil, fmt.Errorf("damaged: a frame of interface %d, which is not described", number)
	}
	return &p.interfaces[number], nil
}

// stamp returns the time that a packet block states.
func (p *pcapng) stamp(of *netInterface, body []byte) int64 {
	return of.clock.nanos(uint64(p.order.u32(body[4:]))<<32 | uint64(p.order.u32(body[8:])))
}

// simplePacket adds a frame of the section's first interface, captured at an unknown time: that of a neighbor keeps time from jumping. Its
// captured length is what the snap length left of the original one.
func (p *pcapng) simplePacket(body, rest []byte, out *decap.Batch, times *timeline) (need int, err error) {
	if len(body) < simpleBodyLen {
		return 0, errors.New("damaged: a simple packet block is too short")
	}
	if len(p.interfaces) == 0 {
		return 0, errors.New("damaged: a frame before any interface is described")
	}
	at, need := times.untimed(p, rest)
	if need != wholeRecord {
		return need, nil
	}
	of, original := &p.interfaces[0], p.order.u32(body)
	captured := original
	if of.snap > 0 {
		captured = min(captured, of.snap)
	}
	return 0, p.frame(of, decap.Datagram{Nanos: at}, body[simpleBodyLen:], captured, original, out)
}

// frame adds a frame, which is at the front of b. Its time is in d.
func (p *pcapng) frame(of *netInterface, d decap.Datagram, b []byte, captured, original uint32, out *decap.Batch) error {
	if captured > maxFrame || int(captured) > len(b) {
		return fmt.Errorf("damaged: a frame of %d bytes in a block that has room for %d", captured, len(b))
	}
	d.Data, d.WireLen, d.Link = b[:captured:captured], wireLen(captured, original), of.link
	if d.Link != decap.LinkUnsupported {
		p.supported = true
	} else if !p.refused {
		p.refused, p.unsupported = true, of.kind
	}
	out.D[out.N] = d
	out.N++
	return nil
}
