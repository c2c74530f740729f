package l7

import (
	"strconv"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// Tags of DER (X.690 section 8.1.2) in certificates, LDAP, Kerberos and SNMP.
const (
	derBoolean         = 0x01
	derInteger         = 0x02
	derOctets          = 0x04
	derOID             = 0x06
	derEnumerated      = 0x0a
	derUTCTime         = 0x17
	derGeneralizedTime = 0x18
	derGeneralString   = 0x1b
	derBMPString       = 0x1e
	derSequence        = 0x30
	derSet             = 0x31
	derContext         = 0x80 // | number: [n] IMPLICIT of a simple type
	derExplicit        = 0xa0 // | number: [n] EXPLICIT
)

// derNext reads the next element: its tag, the available part of its contents, and whether that is all of it. c fails if there is
// no element.
func derNext(c *wire.Cursor) (tag uint8, body wire.Cursor, whole bool) {
	tag, size := derHeader(c)
	whole = c.OK() && size <= c.Len()
	return tag, c.Upto(size), whole
}

// derHeader reads an element's tag and the size of its contents.
func derHeader(c *wire.Cursor) (tag uint8, size int) {
	tag, size = c.U8(), int(c.U8())
	if size >= 0x80 {
		size = derLongSize(c, size&^0x80)
	}
	if tag&0x1f == 0x1f { // a tag of several bytes, which certificates do not have
		c.Fail()
	}
	return tag, size
}

// derLongSize reads a size of n bytes. Windows writes four bytes for all sizes of LDAP. n is 0 for the indefinite form, which
// DER does not have.
func derLongSize(c *wire.Cursor, n int) (size int) {
	if n < 1 || n > 4 {
		c.Fail()
	}
	for range n {
		size = size<<8 | int(c.U8())
	}
	return size
}

// derOpen reads the available part of an element with the given tag. c fails if there is none.
func derOpen(c *wire.Cursor, want uint8) wire.Cursor {
	tag, body, _ := derNext(c)
	if tag != want {
		c.Fail()
		return wire.Cursor{}
	}
	return body
}

// derWhole reads an element with the given tag. c fails if there is none, or if it is incomplete.
func derWhole(c *wire.Cursor, want uint8) wire.Cursor {
	tag, body, whole := derNext(c)
	if tag != want || !whole {
		c.Fail()
		return wire.Cursor{}
	}
	return body
}

// derInt reads an integer of up to 4 bytes. c fails if there is none.
func derInt(c *wire.Cursor) int64 {
	body := derWhole(c, derInteger)
	if body.Empty() || body.Len() > 4 {
		c.Fail()
		return 0
	}
	v := int64(int8(body.U8()))
	for !body.Empty() {
		v = v<<8 | int64(body.U8())
	}
	return v
}

// derSkip skips the next element if it has the given tag.
func derSkip(c *wire.Cursor, optional uint8) {
	if ahead := *c; ahead.U8() == optional {
		derNext(c)
	}
}

// appendOID appends an object identifier in dotted decimals (X.690 section 8.19).
func appendOID(dst []byte, oid wire.Cursor) []byte {
	for first, arc := true, uint64(0); !oid.Empty(); {
		b := oid.U8()
		arc = arc<<7 | uint64(b&0x7f)
		if b&0x80 != 0 {
			continue
		}
		if first { // the first two arcs are in one number
			root := min(arc/40, 2)
			dst = append(dst, '0'+byte(root))
			arc -= root * 40
		}
		dst = strconv.AppendUint(append(dst, '.'), arc, 10)
		first, arc = false, 0
	}
	return dst
}

// maxOID bounds the bytes of an object identifier that is printed; the longest in use have about 30 numbers.
const maxOID = 128

// oidStr adds a text field with an object identifier in dotted numbers.
func (h *Hint) oidStr(key Key, oid wire.Cursor) {
	if oid.Len() > maxOID {
		return
	}
	start := len(h.scratch)
	h.scratch = appendOID(h.scratch, oid)
	h.Str(key, h.since(start))
}
