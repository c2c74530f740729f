package capture

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// Captures for tests, put together byte by byte and by other means than those that read them.

// A appendOrder is a byte order that can append.
type appendOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// unhex returns bytes from hex digits and spaces.
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// A pcapSpec is a variant of the pcap format. Its zero value is little-endian, microseconds, Ethernet.
type pcapSpec struct {
	order appendOrder
	magic uint32
	link  uint32
	extra int // bytes between a record header and its frame
}

type pcapFrame struct {
	sec, sub uint32
	data     []byte
	original uint32 // length on the wire, if more than len(data)
}

func buildPcap(spec pcapSpec, frames []pcapFrame) []byte {
	if spec.order == nil {
		spec.order = binary.LittleEndian
	}
	if spec.magic == 0 {
		spec.magic, spec.link = 0xa1b2c3d4, 1
	}
	o := spec.order
	b := o.AppendUint32(nil, spec.magic)
	b = o.AppendUint16(o.AppendUint16(b, 2), 4)
	b = append(b, make([]byte, 8)...)
	b = o.AppendUint32(b, 96) // a snap length that frames need not keep to
	b = o.AppendUint32(b, spec.link)
	for _, f := range frames {
		b = o.AppendUint32(o.AppendUint32(b, f.sec), f.sub)
		b = o.AppendUint32(o.AppendUint32(b, uint32(len(f.data))), max(f.original, uint32(len(f.data))))
		b = append(b, make([]byte, spec.extra)...)
		b = append(b, f.data...)
	}
	return b
}

// blockWriter puts a pcapng file together. Its zero value is little-endian.
type blockWriter struct {
	order appendOrder
	b     []byte
}

func (c *blockWriter) u16(b []byte, v ...uint16) []byte {
	for _, v := range v {
		b = c.order.AppendUint16(b, v)
	}
	return b
}

func (c *blockWriter) u32(b []byte, v ...uint32) []byte {
	for _, v := range v {
		b = c.order.AppendUint32(b, v)
	}
	return b
}

// block appends a block around a body, which it pads.
func (c *blockWriter) block(kind uint32, body []byte) {
	for len(body)%4 != 0 {
		body = append(body, 0xee)
	}
	size := uint32(len(body) + 12)
	c.b = c.u32(c.b, kind, size)
	c.b = append(c.b, body...)
	c.b = c.u32(c.b, size)
}

func (c *blockWriter) section() {
	if c.order == nil {
		c.order = binary.LittleEndian
	}
	body := c.u16(c.u32(nil, 0x1a2b3c4d), 1, 0)
	c.block(0x0a0d0d0a, c.u32(body, 0xffffffff, 0xffffffff))
}

// describe appends an interface; options are pairs of a code and a value.
func (c *blockWriter) describe(link uint16, snap uint32, options ...any) {
	body := c.u32(c.u16(nil, link, 0), snap)
	for i := 0; i < len(options); i += 2 {
		value := options[i+1].([]byte)
		body = c.u16(body, uint16(options[i].(int)), uint16(len(value)))
		body = append(body, value...)
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
	}
	c.block(1, body)
}

func (c *blockWriter) enhanced(number uint32, units uint64, data []byte, original uint32) {
	body := c.u32(nil, number, uint32(units>>32), uint32(units), uint32(len(data)), max(original, uint32(len(data))))
	c.block(6, append(body, data...))
}

func (c *blockWriter) obsolete(number uint16, units uint64, data []byte, original uint32) {
	body := c.u16(nil, number, 7)
	body = c.u32(body, uint32(units>>32), uint32(units), uint32(len(data)), max(original, uint32(len(data))))
	c.block(2, append(body, data...))
}

func (c *blockWriter) simple(data []byte, original uint32) {
	c.block(3, append(c.u32(nil, max(original, uint32(len(data)))), data...))
}

// sampleFrames are frames of lengths that need padding and that do not.
var sampleFrames = []pcapFrame{
	{sec: 1_700_000_000, sub: 123_456, data: []byte("first")},
	{sec: 1_700_000_001, sub: 0, data: []byte{}, original: 60},
	{sec: 1_700_000_002, sub: 999_999, data: []byte("a longer frame that was cut."), original: 9000},
	{sec: 1_700_000_003, sub: 1, data: []byte("last")},
}

// allFormats are the same frames as little-endian pcap and pcapng.
func allFormats() map[string][]byte {
	var ng blockWriter
	ng.section()
	ng.block(0x0bad, []byte("some unknown block"))
	ng.describe(1, 0)
	for _, f := range sampleFrames {
		ng.enhanced(0, uint64(f.sec)*1e6+uint64(f.sub), f.data, f.original)
	}
	ng.block(5, make([]byte, 12)) // interface statistics
	return map[string][]byte{"pcap": buildPcap(pcapSpec{}, sampleFrames), "pcapng": ng.b}
}
