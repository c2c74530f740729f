package wire

import (
	"bytes"
	"math/bits"
)

// Fields of little-endian protocols: numbers whose lowest byte comes first, and text that ends in NUL.

// U16LE reads two bytes, the lowest first.
func (c *Cursor) U16LE() uint16 { return bits.ReverseBytes16(c.U16()) }

// U24LE reads three bytes, the lowest first.
func (c *Cursor) U24LE() uint32 { return bits.ReverseBytes32(c.U24() << 8) }

// U32LE reads four bytes, the lowest first.
func (c *Cursor) U32LE() uint32 { return bits.ReverseBytes32(c.U32()) }

// U64LE reads eight bytes, the lowest first.
func (c *Cursor) U64LE() uint64 { return bits.ReverseBytes64(c.U64()) }

// CString returns the bytes up to the next NUL, and skips both. It fails if there is none.
func (c *Cursor) CString() []byte {
	n := bytes.IndexByte(c.b, 0)
	s := c.Bytes(n)
	c.Skip(1)
	return s
}
