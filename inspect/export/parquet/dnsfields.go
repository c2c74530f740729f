package parquet

import (
	"strconv"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// Keys of the fields that have columns, and of one that has none.
var (
	dnsType     = l7.KeyOf("type")
	dnsRcode    = l7.KeyOf("rcode")
	dnsQueries  = l7.KeyOf("queries")
	dnsAnswers  = l7.KeyOf("answers")
	dnsName     = l7.KeyOf("rrname")
	dnsRRType   = l7.KeyOf("rrtype")
	dnsTTL      = l7.KeyOf("ttl")
	dnsRDLength = l7.KeyOf("rdlength")
)

// dnsFields are the fields of a message, or of one question or answer in it.
type dnsFields struct {
	b      *event.Batch
	fields []event.Field
}

// find returns the value of a key: a single field, or the fields of an object or array with both brackets.
func (m *dnsFields) find(key l7.Key) []event.Field {
	for rest := m.fields; len(rest) > 0; {
		n := event.ValueLen(rest)
		if rest[0].Key == key {
			return rest[:n]
		}
		rest = rest[n:]
	}
	return nil
}

func (m *dnsFields) text(key l7.Key) string {
	if f := m.find(key); len(f) == 1 && f[0].Kind == l7.String {
		return string(m.b.Text(f[0].Text))
	}
	return ""
}

func (m *dnsFields) int(key l7.Key, otherwise int64) int64 {
	if f := m.find(key); len(f) == 1 && f[0].Kind == l7.Int {
		return f[0].Num()
	}
	return otherwise
}

// list returns the objects of an array, without their brackets.
func (m *dnsFields) list(key l7.Key) (objects [][]event.Field) {
	f := m.find(key)
	if len(f) < 2 {
		return nil
	}
	for rest := f[1 : len(f)-1]; len(rest) > 0; {
		n := event.ValueLen(rest)
		if n >= 2 {
			objects = append(objects, rest[1:n-1])
		}
		rest = rest[n:]
	}
	return objects
}

// data appends an answer's data: its address, name or text. Several fields are separated by blanks, as in zone files.
func (m *dnsFields) data(dst []byte) []byte {
	start := len(dst)
	for i := range m.fields {
		f := &m.fields[i]
		switch f.Key {
		case dnsName, dnsRRType, dnsTTL, dnsRDLength:
			continue
		}
		switch f.Kind {
		case l7.String:
			dst = append(blank(dst, start), m.b.Text(f.Text)...)
		case l7.Int:
			dst = strconv.AppendInt(blank(dst, start), f.Num(), 10)
		case l7.Bool, l7.Object, l7.Array, l7.End:
		}
	}
	return dst
}

func blank(dst []byte, start int) []byte {
	if len(dst) > start {
		return append(dst, ' ')
	}
	return dst
}
