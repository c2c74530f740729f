package where

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/hbollon/go-edlib"
)

// checker finds the kind of every part of an expression, and refuses what is not part of the language. After the first error
// it goes on and says nothing more.
type checker struct {
	schema *Schema
	used   map[string]int // the fields that were named, by the name
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
			return c.fail(node, "functions have plain names")
		}
		return c.call(node, name.Value, n.Arguments)
	case *ast.BuiltinNode:
		return c.call(node, n.Name, n.Arguments)
	case *ast.ConditionalNode:
		return c.fail(n.Cond, "filters have no choices: write them with and, or")
	default:
		return c.fail(node, "filters have fields, numbers, texts, operators and functions only")
	}
}

func (c *checker) field(n *ast.IdentifierNode) Kind {
	i, ok := c.schema.byName[n.Value]
	if !ok {
		return c.fail(n, "no field %q%s", n.Value, didYouMean(n.Value, c.schema.names))
	}
	if why := c.schema.fields[i].Refused; why != "" {
		return c.fail(n, "%s %s", n.Value, why)
	}
	c.used[n.Value] = i
	return c.schema.fields[i].Kind
}

func (c *checker) unary(n *ast.UnaryNode) Kind {
	kind := c.check(n.Node)
	if n.Operator == "not" || n.Operator == "!" {
		if kind != Bool {
			return c.fail(n, "not of %v: want true or false", kind)
		}
		return Bool
	}
	if !kind.number() {
		return c.fail(n, "%s of %v: want a number", n.Operator, kind)
	}
	return kind
}

func (k Kind) number() bool { return k == Int || k == Float }

func (c *checker) binary(n *ast.BinaryNode) Kind {
	left, right := c.check(n.Left), c.check(n.Right)
	if c.err != nil {
		return Bool
	}
	switch n.Operator {
	case "and", "or", "&&", "||":
		return c.both(n, left, right, areBool, "true or false", Bool)
	case "<", "<=", ">", ">=":
		return c.both(n, left, right, areNumbers, "numbers", Bool)
	case "+", "-", "*":
		return c.both(n, left, right, areNumbers, "numbers", max(left, right)) // Float if one is
	case "/":
		return c.both(n, left, right, areNumbers, "numbers", Float)
	case "contains", "startsWith", "endsWith":
		return c.both(n, left, right, areTexts, "texts", Bool)
	case "==", "!=":
		return c.equal(n, left, right)
	case "in":
		return c.in(n, left, right)
	case "matches":
		return c.matches(n, left)
	default:
		return c.fail(n, "filters have no operator %s", n.Operator)
	}
}

func areBool(left, right Kind) bool    { return left == Bool && right == Bool }
func areNumbers(left, right Kind) bool { return left.number() && right.number() }
func areTexts(left, right Kind) bool   { return left == Text && right == Text }
func areAlike(left, right Kind) bool   { return left == right || areNumbers(left, right) }

// both returns the kind of an operator's result if its sides are what it wants.
func (c *checker) both(n *ast.BinaryNode, left, right Kind, fine func(left, right Kind) bool, want string, result Kind) Kind {
	if !fine(left, right) {
		return c.fail(n, "%v %s %v: want %s", left, n.Operator, right, want)
	}
	return result
}

func (c *checker) equal(n *ast.BinaryNode, left, right Kind) Kind {
	switch {
	case left == list || right == list:
		return c.fail(n, "a value is %s no list: use in", n.Operator)
	case left == Addr && right == Text:
		c.literal(n.Right)
	case left == Text && right == Addr:
		c.literal(n.Left)
	default:
		return c.both(n, left, right, areAlike, "two of the same kind", Bool)
	}
	return Bool
}

// literal checks an address that an address is compared with.
func (c *checker) literal(n ast.Node) {
	text, ok := n.(*ast.StringNode)
	if !ok {
		c.fail(n, "an address is compared with an address, or with one in quotation marks")
		return
	}
	if _, err := netip.ParsePrefix(text.Value); err == nil {
		c.fail(n, "%q is a range: use cidr(address, %q)", text.Value, text.Value)
	} else if _, ok := parseAddr(text.Value); !ok {
		c.fail(n, "%q is no address", text.Value)
	}
}

// in wants a list of literals of the left side's kind.
func (c *checker) in(n *ast.BinaryNode, left, right Kind) Kind {
	elements, ok := n.Right.(*ast.ArrayNode)
	if !ok {
		hint := "a list, such as [22, 3389]"
		if left == Addr {
			hint = `a list, such as ["10.0.0.0/8", "192.0.2.1"]`
		}
		return c.fail(n, "in %v: want %s", right, hint)
	}
	for _, e := range elements.Nodes {
		switch kind := c.check(e); {
		case c.err != nil:
			return Bool
		case left == Addr && kind == Text:
			if _, err := parseRange(e); err != nil {
				return c.fail(e, "%v", err)
			}
		case !isLiteral(e):
			return c.fail(e, "lists have literals only")
		case kind != left:
			return c.fail(e, "%v in a list, where %v is looked up", kind, left)
		}
	}
	return Bool
}

func isLiteral(n ast.Node) bool {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.StringNode, *ast.BoolNode:
		return true
	default:
		return false
	}
}

// matches wants a pattern that is there now: one out of a row would be compiled once a row, and be the sender's to choose.
func (c *checker) matches(n *ast.BinaryNode, left Kind) Kind {
	pattern, ok := n.Right.(*ast.StringNode)
	if left != Text || !ok {
		return c.fail(n, "matches wants a text and a pattern in quotation marks")
	}
	if _, err := regexp.Compile(pattern.Value); err != nil {
		return c.fail(n.Right, "%s", oneLine(strings.TrimPrefix(err.Error(), "error parsing regexp: ")))
	}
	return Bool
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

func itoa(n int) string { return strconv.Itoa(n) }

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
