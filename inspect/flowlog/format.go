package flowlog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Format is the fields of a line and their order. It is immutable.
type Format struct {
	fields  []*Field
	version uint8
}

// Default is the format that AWS uses unless it is told otherwise: version 2.
var Default = byVersion(2)

// byVersion is the format of all fields up to a version, in AWS's order.
func byVersion(most uint8) *Format {
	f := new(Format)
	for i := range Fields {
		if v := Fields[i].Version; v != 0 && v <= most {
			f.add(&Fields[i])
		}
	}
	return f
}

// All is the format of every field, AWS's first.
func All() *Format {
	f := new(Format)
	for i := range Fields {
		f.add(&Fields[i])
	}
	return f
}

func (f *Format) add(field *Field) {
	f.fields = append(f.fields, field)
	f.version = max(f.version, field.Version, 2)
}

// UnknownFieldError is the error of Parse about a name that no field has.
type UnknownFieldError struct{ Name string }

func (e *UnknownFieldError) Error() string { return fmt.Sprintf("unknown field %q", e.Name) }

// Parse reads a format in AWS's syntax: "${account-id} ${action}". Names as in a header line, without the braces, are
// taken too, since a shell takes the others for its own unless they are quoted.
func Parse(format string) (*Format, error) {
	f := new(Format)
	seen := map[*Field]bool{}
	for _, word := range strings.Fields(format) {
		name := word
		if inner, ok := strings.CutPrefix(word, "${"); ok {
			if name, ok = strings.CutSuffix(inner, "}"); !ok {
				return nil, fmt.Errorf("%q: want fields such as ${account-id}, with spaces between", word)
			}
		}
		field := Lookup(name)
		switch {
		case field == nil:
			return nil, &UnknownFieldError{name}
		case seen[field]:
			return nil, fmt.Errorf("field %q is there twice", name)
		}
		seen[field] = true
		f.add(field)
	}
	if len(f.fields) == 0 {
		return nil, errors.New("no fields: want some such as ${account-id}, in single quotes")
	}
	return f, nil
}

// Fields returns the fields. The slice must not be changed.
func (f *Format) Fields() []*Field { return f.fields }

// Version is what the version field of a record says: the highest version of the chosen fields. Ours have none.
func (f *Format) Version() int { return int(f.version) }

// String returns the format in AWS's syntax.
func (f *Format) String() string {
	var b strings.Builder
	for i, field := range f.fields {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("${" + field.Name + "}")
	}
	return b.String()
}

// AppendHeader appends the line with which AWS's files begin: the fields' names, newline included.
func (f *Format) AppendHeader(dst []byte) []byte {
	for i, field := range f.fields {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, field.Name...)
	}
	return append(dst, '\n')
}

// AppendText appends a record as a line, newline included. Whatever is in the record, the line has as many tokens as the
// format has fields: what would end or join tokens is percent-encoded. It allocates nothing but what dst lacks.
func (f *Format) AppendText(dst []byte, r *Record) []byte {
	for i, field := range f.fields {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = f.appendToken(dst, field, r)
	}
	return append(dst, '\n')
}

func (f *Format) appendToken(dst []byte, field *Field, r *Record) []byte {
	switch c := field.cell.(type) {
	case nil:
		return append(dst, '-')
	case version:
		return strconv.AppendUint(dst, uint64(f.version), 10)
	case text:
		return appendEncoded(dst, *c(r))
	default:
		n := len(dst)
		if dst = c.append(dst, r); len(dst) == n {
			return append(dst, '-')
		}
		return dst
	}
}
