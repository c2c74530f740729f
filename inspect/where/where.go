// Package where is filter expressions over the fields of a flow: bytes > 100000 and not private(dstaddr). It knows nothing of
// flows: who filters says which fields there are, of which kinds, and gives their values.
//
// The language is a part of that of expr (github.com/expr-lang/expr): what could loop, grow or fail at run time is left out,
// so an expression that compiles takes a time that is bounded by its length and the fields', and has an answer for every row.
package where

import (
	"errors"
	"net/netip"
	"slices"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// Kind is what a field holds.
type Kind uint8

// Kinds of fields, and the type of their values.
const (
	Text   Kind = iota // string; "" if it is not known
	Int                // int
	Float              // float64
	Bool               // bool
	Addr               // netip.Addr; the zero one if it is not known
	list               // of literals, on the right of in; no field's
	nkinds = iota
)

var kindNames = [nkinds]string{Text: "text", Int: "a number", Float: "a number", Bool: "true or false", Addr: "an address", list: "a list"}

// String returns the kind as errors have it.
func (k Kind) String() string { return kindNames[k] }

// Field is one that an expression may name.
type Field struct {
	Name    string // an identifier: letters, digits and underscores
	Aliases []string
	Kind    Kind
	Refused string // why no expression may name it, as the rest of a sentence; "" if it may
}

// Row is what is filtered.
type Row interface {
	// Value returns the value of a field, by its index in the schema, in the type that its kind says.
	Value(field int) any
}

// Schema is the fields of rows. It is immutable.
type Schema struct {
	fields []Field
	byName map[string]int
	names  []string
}

// NewSchema makes a schema. Of two fields of one name or alias the first has it.
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

// Error is what is wrong with an expression: one line, that says where.
type Error struct {
	Column  int // in runes, from 1
	Message string
}

func (e *Error) Error() string { return "column " + itoa(e.Column) + ": " + e.Message }

// Bounds of an expression. The parser recurses once a bracket.
const (
	maxLength = 4096 // bytes
	maxNodes  = 1000
)

// Filter is a compiled expression. It is for one goroutine; Clone makes others.
type Filter struct {
	program *vm.Program
	uses    []int
	names   []string // as the expression has them; several may be of one field
	of      []int    // the field of each
	values  map[string]any
	vm      vm.VM
}

// Compile reads and checks an expression. The error is an *Error.
func (s *Schema) Compile(text string) (*Filter, error) {
	if len(text) > maxLength {
		return nil, &Error{1, "an expression has at most " + itoa(maxLength) + " bytes"}
	}
	if !utf8.ValidString(text) {
		return nil, &Error{1, "not UTF-8"}
	}
	tree, err := parser.Parse(text)
	if err != nil {
		return nil, syntaxError(err)
	}
	c := checker{schema: s, used: map[string]int{}}
	if kind := c.check(tree.Node); c.err == nil && kind != Bool {
		c.fail(tree.Node, "the expression is %v; want true or false, such as bytes > 1000", kind)
	}
	if c.err != nil {
		return nil, c.err
	}
	program, err := expr.Compile(text, s.options(&c)...)
	if err != nil {
		return nil, syntaxError(err)
	}
	f := &Filter{program: program}
	for name, field := range c.used {
		f.names, f.of, f.uses = append(f.names, name), append(f.of, field), append(f.uses, field)
	}
	slices.Sort(f.uses)
	f.uses = slices.Compact(f.uses)
	return f.Clone(), nil
}

// options tell expr what checker has found: the fields, the functions, and how addresses are compared.
func (s *Schema) options(c *checker) []expr.Option {
	env := map[string]any{}
	for name, field := range c.used {
		env[name] = [...]any{Text: "", Int: 0, Float: 0.0, Bool: false, Addr: netip.Addr{}}[s.fields[field].Kind]
	}
	options := []expr.Option{expr.Env(env), expr.AsBool(), expr.MaxNodes(maxNodes), expr.Patch(rewriter{c})}
	for _, f := range functions {
		options = append(options, expr.Function(f.name, f.run, f.signature))
	}
	return options
}

// Uses returns the fields that the expression reads, by their indexes in the schema, ascending.
func (f *Filter) Uses() []int { return f.uses }

// Clone returns a filter of the same expression for another goroutine.
func (f *Filter) Clone() *Filter {
	return &Filter{program: f.program, uses: f.uses, names: f.names, of: f.of, values: make(map[string]any, len(f.names))}
}

// Match says whether the expression is true of a row.
func (f *Filter) Match(r Row) bool {
	for i, name := range f.names {
		f.values[name] = r.Value(f.of[i])
	}
	answer, err := f.vm.Run(f.program, f.values)
	if err != nil {
		return false // a bug of the checker: FuzzCompile looks for it
	}
	return answer == true
}

// syntaxError puts an error of expr into a line of ours, without the picture that it draws.
func syntaxError(err error) error {
	var e *file.Error
	if !errors.As(err, &e) {
		return &Error{1, oneLine(err.Error())}
	}
	if e.Message == `unexpected token Operator("=")` {
		return &Error{e.From + 1, "= alone is no operator: write == to compare"}
	}
	return &Error{e.From + 1, oneLine(e.Message)}
}

// rewriter puts comparisons of addresses, which expr does not know, into calls of functions.
type rewriter struct{ c *checker }

// Visit is of expr's ast.Visitor.
func (w rewriter) Visit(node *ast.Node) {
	if call := w.c.addressCall(*node); call != nil {
		ast.Patch(node, call)
	}
}
