package where

import (
	"net/netip"
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"
)

func (c *checker) unary(n *ast.UnaryNode) Kind {
	kind := c.check(n.Node)
	if n.Operator == "not" || n.Operator == "!" {
		if kind != Bool {
			return c.fail(n, "not of %v: want true or false", kind)
		}
		return Bool
	}
	if !kind.isNumber() {
		return c.fail(n, "%s of %v: want a number", n.Operator, kind)
	}
	return kind
}

func (c *checker) binary(n *ast.BinaryNode) Kind {
	left, right := c.check(n.Left), c.check(n.Right)
	if c.err != nil {
		return Bool
	}
	switch n.Operator {
	case "and", "or", "&&", "||":
		return c.operands(n, left, right, areBool, "true or false", Bool)
	case "<", "<=", ">", ">=":
		return c.operands(n, left, right, areNumbers, "numbers", Bool)
	case "+", "-", "*":
		return c.operands(n, left, right, areNumbers, "numbers", max(left, right)) // Float if one is
	case "/":
		return c.operands(n, left, right, areNumbers, "numbers", Float)
	case "contains", "startsWith", "endsWith":
		return c.operands(n, left, right, areTexts, "text", Bool)
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
func areNumbers(left, right Kind) bool { return left.isNumber() && right.isNumber() }
func areTexts(left, right Kind) bool   { return left == Text && right == Text }
func areSame(left, right Kind) bool    { return left == right || areNumbers(left, right) }

// operands returns the kind of an operator's result, if its operands have the right kinds.
func (c *checker) operands(n *ast.BinaryNode, left, right Kind, valid func(left, right Kind) bool, want string, result Kind) Kind {
	if !valid(left, right) {
		return c.fail(n, "%v %s %v: want %s", left, n.Operator, right, want)
	}
	return result
}

func (c *checker) equal(n *ast.BinaryNode, left, right Kind) Kind {
	switch {
	case left == list || right == list:
		return c.fail(n, "%s does not compare lists: use in", n.Operator)
	case left == Addr && right == Text:
		c.addressLiteral(n.Right)
	case left == Text && right == Addr:
		c.addressLiteral(n.Left)
	default:
		return c.operands(n, left, right, areSame, "two of the same kind", Bool)
	}
	return Bool
}

// addressLiteral checks text that is compared with an address.
func (c *checker) addressLiteral(n ast.Node) {
	text, ok := n.(*ast.StringNode)
	if !ok {
		c.fail(n, "want an address, or one in quotation marks")
		return
	}
	if _, err := netip.ParsePrefix(text.Value); err == nil {
		c.fail(n, "%q is a range: use cidr(address, %q)", text.Value, text.Value)
	} else if _, ok := parseAddr(text.Value); !ok {
		c.fail(n, "%q is not an address", text.Value)
	}
}

// in checks that the right operand is a list of literals of the left operand's kind.
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
			return c.fail(e, "a list holds literals only")
		case kind != left:
			return c.fail(e, "%v in the list: want %v, as on the left", kind, left)
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

// matches checks that the pattern is a literal. A pattern from a row would be compiled for each row, and chosen by the sender.
func (c *checker) matches(n *ast.BinaryNode, left Kind) Kind {
	pattern, ok := n.Right.(*ast.StringNode)
	if left != Text || !ok {
		return c.fail(n, "matches needs text on the left and a pattern in quotation marks on the right")
	}
	if _, err := regexp.Compile(pattern.Value); err != nil {
		return c.fail(n.Right, "%s", oneLine(strings.TrimPrefix(err.Error(), "error parsing regexp: ")))
	}
	return Bool
}
