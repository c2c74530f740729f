// Package wire reads fields from hostile bytes. Its one type, Cursor, owns every bounds check, so that the parsers built
// on it never index: they read down the page and ask once, at the end, whether everything that they read was there.
// It does not allocate, copy or interpret.
package wire

import "encoding/binary"

// A Cursor reads big-endian fields from the front of a slice. The first read that does not fit marks the cursor as
// failed and empties it: every later read returns zero, and OK reports false. The zero Cursor is empty and fine.
//
// Slices that a Cursor returns alias the bytes it was made from and have their capacity capped.
type Cursor struct {
	b      []byte
	failed bool
}

// New returns a cursor over b, which it aliases.
func New(b []byte) Cursor { return Cursor{b: b} }

// OK reports whether every read so far was within bounds.
func (c *Cursor) OK() bool { return !c.failed }

// Len returns the number of bytes not yet read.
func (c *Cursor) Len() int { return len(c.b) }

// Empty reports whether nothing is left to read, because all was read or because a read failed.
func (c *Cursor) Empty() bool { return len(c.b) == 0 }

// Rest returns all that was not yet read and leaves it in place.
func (c *Cursor) Rest() []byte { return c.b[:len(c.b):len(c.b)] }

// Fail marks the cursor as failed, for a parser that finds an invalid value.
func (c *Cursor) Fail() { c.b, c.failed = nil, true }

// Skip drops n bytes; a negative n fails.
func (c *Cursor) Skip(n int) {
	if uint(n) > uint(len(c.b)) {
		c.Fail()
		return
	}
	c.b = c.b[n:]
}

// Bytes returns the next n bytes; nil if they are not all there, or n is negative.
func (c *Cursor) Bytes(n int) []byte {
	if uint(n) > uint(len(c.b)) {
		c.Fail()
		return nil
	}
	s := c.b[:n:n]
	c.b = c.b[n:]
	return s
}

// Sub returns a cursor over the next n bytes, and skips them. If they are not all there both cursors have failed.
func (c *Cursor) Sub(n int) Cursor {
	s := c.Bytes(n)
	return Cursor{b: s, failed: c.failed}
}

// Upto returns a cursor over the next n bytes or as many as there are, and skips them. It never fails: it is for
// messages whose end a mirror may have truncated.
func (c *Cursor) Upto(n int) Cursor {
	return Cursor{b: c.Bytes(max(0, min(n, len(c.b))))}
}

// U8 reads one byte.
func (c *Cursor) U8() uint8 {
	if len(c.b) < 1 {
		c.Fail()
		return 0
	}
	v := c.b[0]
	c.b = c.b[1:]
	return v
}

// U16 reads two bytes.
func (c *Cursor) U16() uint16 {
	if len(c.b) < 2 {
		c.Fail()
		return 0
	}
	v := binary.BigEndian.Uint16(c.b)
	c.b = c.b[2:]
	return v
}

// U24 reads three bytes.
func (c *Cursor) U24() uint32 {
	if len(c.b) < 3 {
		c.Fail()
		return 0
	}
	v := uint32(c.b[0])<<16 | uint32(c.b[1])<<8 | uint32(c.b[2])
	c.b = c.b[3:]
	return v
}

// U32 reads four bytes.
func (c *Cursor) U32() uint32 {
	if len(c.b) < 4 {
		c.Fail()
		return 0
	}
	v := binary.BigEndian.Uint32(c.b)
	c.b = c.b[4:]
	return v
}

// U64 reads eight bytes.
func (c *Cursor) U64() uint64 {
	if len(c.b) < 8 {
		c.Fail()
		return 0
	}
	v := binary.BigEndian.Uint64(c.b)
	c.b = c.b[8:]
	return v
}
