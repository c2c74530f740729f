// Package where compiles filter expressions over the fields of a flow, such as bytes > 100000 and not private(dstaddr). It
// knows nothing of flows: the caller declares the fields and their kinds, and returns their values.
//
// The language is a subset of expr (github.com/expr-lang/expr) without constructs that could loop, grow or fail at run time.
// A compiled expression runs in a time bounded by its length and the lengths of the fields, and has a result for every row.
package where

import "strconv"

// Kind is the type of a value in an expression.
type Kind uint8

// Kinds of fields, and the Go types of their values.
const (
	Text   Kind = iota // string; "" if it is not known
	Int                // int
	Float              // float64
	Bool               // bool
	Addr               // netip.Addr; the zero value if it is not known
	list               // of literals, on the right of in; not a kind of fields
	nkinds = iota
)

var kindNames = [nkinds]string{Text: "text", Int: "a number", Float: "a number", Bool: "true or false", Addr: "an address", list: "a list"}

// String returns the kind as error messages name it.
func (k Kind) String() string { return kindNames[k] }

func (k Kind) isNumber() bool { return k == Int || k == Float }

// Field is a field that expressions may name.
type Field struct {
	Name    string // an identifier: letters, digits and underscores
	Aliases []string
	Kind    Kind
	Doc     string // one line for people
	Refused string // why expressions may not name the field, as the predicate of a sentence; "" if they may
}

// Row is a value that a filter is applied to.
type Row interface {
	// Value returns the value of a field, by its index in the schema, in the Go type of its kind.
	Value(field int) any
}

// Schema is the fields of rows. It is immutable.
type Schema struct {
	fields []Field
	byName map[string]int
	names  []string
}

// NewSchema makes a schema. If two fields share a name or an alias, it names the first.
func NewSchema(fields []Field) *Schema {
	s := &Schema{fields: fields, byName: map[string]int{}}
	for i, f := range fields {
		for _, name := range append([]string{f.Name}, f.Aliases...) {
			if _, taken := s.byName[name]; !taken {
				s.byName[name] = i
				s.names = append(s.names, name)
			}
		}
	}
	return s
}

// Fields returns the fields in the order of their indexes. The caller must not change them.
func (s *Schema) Fields() []Field { return s.fields }

// Error describes what is wrong with an expression, in one line.
type Error struct {
	Column  int // in runes, from 1
	Message string
}

func (e *Error) Error() string { return "column " + strconv.Itoa(e.Column) + ": " + e.Message }
