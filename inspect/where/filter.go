package where

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// Bounds of an expression. The parser recurses at each bracket.
const (
	maxLength = 4096 // bytes
	maxNodes  = 1000
)

// Filter is a compiled expression. It may be used by one goroutine at a time; Clone returns a filter for another one.
type Filter struct {
	program *vm.Program
	uses    []int
	names   []string // as the expression spells them; several may name one field
	indexes []int    // the field of each name
	values  map[string]any
	vm      vm.VM
}

// Compile compiles an expression. The error is an *Error.
func (s *Schema) Compile(text string) (*Filter, error) {
	if len(text) > maxLength {
		return nil, &Error{1, "an expression has at most " + strconv.Itoa(maxLength) + " bytes"}
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
		f.names, f.indexes, f.uses = append(f.names, name), append(f.indexes, field), append(f.uses, field)
	}
	slices.Sort(f.uses)
	f.uses = slices.Compact(f.uses)
	return f.Clone(), nil
}

// options declare to expr the fields that the checker found, the functions, and the comparison of addresses.
func (s *Schema) options(c *checker) []expr.Option {
	env := map[string]any{}
	for name, field := range c.used {
		env[name] = [...]any{Text: "", Int: 0, Float: 0.0, Bool: false, Addr: netip.Addr{}}[s.fields[field].Kind]
	}
	options := []expr.Option{expr.Env(env), expr.AsBool(), expr.MaxNodes(maxNodes), expr.Patch(rewriter{c})}
	for _, f := range ownFunctions {
		options = append(options, expr.Function(f.name, f.run, f.signature))
	}
	return options
}

// Uses returns the indexes of the fields that the expression reads, in ascending order.
func (f *Filter) Uses() []int { return f.uses }

// Clone returns a filter of the same expression for another goroutine.
func (f *Filter) Clone() *Filter {
	return &Filter{program: f.program, uses: f.uses, names: f.names, indexes: f.indexes, values: make(map[string]any, len(f.names))}
}

// Match reports whether the expression is true for a row.
func (f *Filter) Match(r Row) bool {
	for i, name := range f.names {
		f.values[name] = r.Value(f.indexes[i])
	}
	result, err := f.vm.Run(f.program, f.values)
	if err != nil {
		return false // a bug of the checker, which FuzzCompile searches for
	}
	return result == true
}

// syntaxError converts an error of expr to one line, without the excerpt that it draws.
func syntaxError(err error) error {
	var e *file.Error
	if !errors.As(err, &e) {
		return &Error{1, oneLine(err.Error())}
	}
	return &Error{e.From + 1, oneLine(plainSyntax(e.Message))}
}

var unexpectedToken = regexp.MustCompile(`(?s)^unexpected token \w+\((".*")\)$`)

// plainSyntax rewords the messages of expr's parser that name its tokens.
func plainSyntax(message string) string {
	switch message {
	case `unexpected token Operator("=")`:
		return "no operator =: use == to compare"
	case "unexpected token EOF":
		return "the expression is incomplete: a value or a closing parenthesis is missing at its end"
	case "literal not terminated":
		return "the closing quotation mark is missing"
	}
	if m := unexpectedToken.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("%s is not expected here: want an operator such as and, or, ==, or the end of the expression", m[1])
	}
	return message
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// rewriter replaces comparisons of addresses, which expr does not know, by function calls.
type rewriter struct{ c *checker }

// Visit implements ast.Visitor.
func (w rewriter) Visit(node *ast.Node) {
	if call := w.c.addressCall(*node); call != nil {
		ast.Patch(node, call)
	}
}
