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

// Default is AWS's default format: version 2.
var Default = byVersion(2)

// byVersion returns the format of all fields up to a version, in AWS's order.
func byVersion(most uint8) *Format {
	f := new(Format)
	for i := range Fields {
		if v := Fields[i].Version; v != 0 && v <= most {
			f.add(&Fields[i])
		}
	}
	return f
}

// All returns the format of all fields, AWS's first.
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

// UnknownFieldError is the error of Parse for an unknown name.
type UnknownFieldError struct{ Name string }

func (e *UnknownFieldError) Error() string { return fmt.Sprintf("unknown field %q", e.Name) }

// Parse reads a format in AWS's syntax: "${account-id} ${action}". It also accepts plain names as in a header
// line, since a shell expands the others unless they are quoted.
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

// Version returns the value of the version field: the highest version of the format's fields. Ours have none.
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

// AppendHeader appends the first line of a file, as AWS has it: the names of the fields, newline included.
func (f *Format) AppendHeader(dst []byte) []byte {
	for i, field := range f.fields {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, field.Name...)
	}
	return append(dst, '\n')
}

// AppendText appends a record as a line, newline included. The line always has as many tokens as the format has fields: bytes that
// would split or join tokens are percent-encoded. It allocates only to grow dst.
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
