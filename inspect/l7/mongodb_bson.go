package l7

import (
	"bytes"

	"github.com/mirrorsink/mirrorsink/decap/wire"
)

// bson reads the fields of the available part of a document (bsonspec.org, version 1.1).
type bson struct{ r wire.Cursor }

// bsonField is one field. Its key and value alias the document.
type bsonField struct {
	typ   uint8
	key   []byte
	value wire.Cursor
}

// Types of fields.
const (
	bsonDouble   = 0x01
	bsonString   = 0x02
	bsonDocument = 0x03
	bsonArray    = 0x04
	bsonBinary   = 0x05
	bsonObjectID = 0x07
	bsonBool     = 0x08
	bsonDate     = 0x09
	bsonNull     = 0x0a
	bsonRegex    = 0x0b
	bsonInt32    = 0x10
	bsonTime     = 0x11
	bsonInt64    = 0x12
	bsonDecimal  = 0x13
)

const (
	minBSON    = 4 + 1 // the length and the end of an empty document
	maxBSONKey = 256
)

// newBSON reads the header of a document. It is false if there is none.
func newBSON(r wire.Cursor) (bson, bool) {
	n := int(r.U32LE())
	return bson{r.Upto(n - 4)}, r.OK() && n >= minBSON
}

// next returns the next field. It is false at the end, and at a field that cannot be read.
func (d *bson) next() (f bsonField, ok bool) {
	f.typ, f.key = d.r.U8(), nil
	if f.typ == 0 {
		return f, false
	}
	f.key = d.r.CString()
	f.value = d.r.Sub(d.size(f.typ))
	return f, d.r.OK()
}

// size returns the number of bytes of a value, its own length included.
func (d *bson) size(typ uint8) int {
	ahead := d.r
	switch typ {
	case bsonDouble, bsonDate, bsonTime, bsonInt64:
		return 8
	case bsonString:
		return 4 + int(ahead.U32LE())
	case bsonDocument, bsonArray:
		return int(ahead.U32LE())
	case bsonBinary:
		return 4 + 1 + int(ahead.U32LE())
	case bsonObjectID:
		return 12
	case bsonBool:
		return 1
	case bsonNull:
		return 0
	case bsonRegex:
		ahead.CString()
		ahead.CString()
		return d.r.Len() - ahead.Len()
	case bsonInt32:
		return 4
	case bsonDecimal:
		return 16
	}
	return -1 // a type that commands do not have
}

// text returns the text of a string; nil for other types.
func (f *bsonField) text() []byte {
	if f.typ != bsonString {
		return nil
	}
	r := f.value
	r.Skip(4)
	return bytes.TrimSuffix(r.Rest(), []byte{0})
}

// find returns the text of the string with a key; nil if there is none.
func (d bson) find(key string) []byte {
	for f, ok := d.next(); ok; f, ok = d.next() {
		if string(f.key) == key {
			return f.text()
		}
	}
	return nil
}

// document returns the document with a key.
func (d bson) document(key string) (bson, bool) {
	for f, ok := d.next(); ok; f, ok = d.next() {
		if string(f.key) == key && f.typ == bsonDocument {
			return newBSON(f.value)
		}
	}
	return bson{}, false
}

// number returns the 32-bit integer with a key.
func (d bson) number(key string) (int64, bool) {
	for f, ok := d.next(); ok; f, ok = d.next() {
		if string(f.key) == key && f.typ == bsonInt32 {
			return int64(int32(f.value.U32LE())), true
		}
	}
	return 0, false
}

// isBSONKey reports whether b can be the name of a command or a collection.
func isBSONKey(b []byte) bool {
	for _, x := range b {
		if x <= ' ' || x >= 0x7f {
			return false
		}
	}
	return len(b) > 0 && len(b) <= maxBSONKey
}
