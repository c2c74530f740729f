package where

import (
	"fmt"

	"github.com/expr-lang/expr/ast"
	"github.com/hbollon/go-edlib"
)

// checker computes the kind of every node of an expression, and refuses nodes that are not part of the language. It reports
// the first error only.
type checker struct {
	schema *Schema
	used   map[string]int // the fields that the expression names, by name
	err    error
}

func (c *checker) fail(at ast.Node, format string, args ...any) Kind {
	if c.err == nil {
		c.err = &Error{at.Location().From + 1, fmt.Sprintf(format, args...)}
	}
	return Bool
}

// check returns the kind of a node.
func (c *checker) check(node ast.Node) Kind {
	switch n := node.(type) {
	case *ast.IdentifierNode:
		return c.field(n)
	case *ast.IntegerNode:
		return Int
	case *ast.FloatNode:
		return Float
	case *ast.BoolNode:
		return Bool
	case *ast.StringNode:
		return Text
	case *ast.ArrayNode:
		return list
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.CallNode:
		name, ok := n.Callee.(*ast.IdentifierNode)
		if !ok {
			return c.fail(node, "want the name of a function")
		}
		return c.call(node, name.Value, n.Arguments)
	case *ast.BuiltinNode:
		return c.call(node, n.Name, n.Arguments)
	case *ast.ConditionalNode:
		return c.fail(n.Cond, "filters have no conditional operator: use and, or")
	default:
		return c.fail(node, "filters have fields, literals, operators and functions only")
	}
}

func (c *checker) field(n *ast.IdentifierNode) Kind {
	i, ok := c.schema.byName[n.Value]
	if !ok {
		return c.fail(n, "no field %q%s", n.Value, didYouMean(n.Value, c.schema.names))
	}
	if reason := c.schema.fields[i].Refused; reason != "" {
		return c.fail(n, "%s %s", n.Value, reason)
	}
	c.used[n.Value] = i
	return c.schema.fields[i].Kind
}

// call returns the kind of a function's result.
func (c *checker) call(n ast.Node, name string, args []ast.Node) Kind {
	f, names := findFunction(name)
	if f == nil {
		return c.fail(n, "no function %q; want one of %s", name, names)
	}
	if len(args) != len(f.params) {
		return c.fail(n, "%s needs %s, not %d", name, arguments(len(f.params)), len(args))
	}
	for i, arg := range args {
		if kind := c.check(arg); c.err == nil && kind != f.params[i] {
			return c.fail(arg, "%s of %v: want %v", name, kind, f.params[i])
		}
	}
	if name == "cidr" && c.err == nil {
		if _, err := parseRange(args[1]); err != nil {
			return c.fail(args[1], "%v", err)
		}
	}
	return f.result
}

func arguments(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// didYouMean returns the end of an error about an unknown word: a suggestion, or "" if more than two fifths of the letters differ
// from every known word.
func didYouMean(word string, known []string) string {
	best, _ := edlib.FuzzySearchThreshold(word, known, 0.6, edlib.OSADamerauLevenshtein) // only some other algorithms return errors
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}
