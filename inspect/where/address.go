package where

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/expr-lang/expr/ast"
)

// addressCall returns the function call that replaces a comparison of addresses, with its literals parsed; nil for any other
// node. The expression must have been checked.
func (c *checker) addressCall(node ast.Node) ast.Node {
	switch n := node.(type) {
	case *ast.CallNode:
		if name, ok := n.Callee.(*ast.IdentifierNode); ok && name.Value == "cidr" {
			if _, literal := n.Arguments[1].(*ast.StringNode); literal {
				return callOf("cidr", n.Arguments[0], rangesOf(n.Arguments[1]))
			}
		}
	case *ast.BinaryNode:
		switch {
		case n.Operator == "in" && c.isAddr(n.Left):
			return callOf("cidr", n.Left, rangesOf(n.Right.(*ast.ArrayNode).Nodes...))
		case (n.Operator == "==" || n.Operator == "!=") && (c.isAddr(n.Left) || c.isAddr(n.Right)):
			equal := callOf(equalAddresses, addrOf(n.Left), addrOf(n.Right))
			if n.Operator == "!=" {
				equal = &ast.UnaryNode{Operator: "not", Node: equal}
			}
			return equal
		}
	}
	return nil
}

func (c *checker) isAddr(n ast.Node) bool {
	id, ok := n.(*ast.IdentifierNode)
	return ok && c.schema.fields[c.schema.byName[id.Value]].Kind == Addr
}

func callOf(name string, args ...ast.Node) ast.Node {
	return &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: args}
}

// addrOf returns an operand of a comparison. It parses a literal.
func addrOf(n ast.Node) ast.Node {
	if text, ok := n.(*ast.StringNode); ok {
		a, _ := parseAddr(text.Value)
		return &ast.ConstantNode{Value: a}
	}
	return n
}

// parseAddr parses an address; "" and - are the unknown address.
func parseAddr(text string) (netip.Addr, bool) {
	if text == "" || text == "-" {
		return netip.Addr{}, true
	}
	a, err := netip.ParseAddr(text)
	return a, err == nil
}

// ranges are the ranges of one cidr or in.
type ranges struct{ list []netip.Prefix }

func rangesOf(nodes ...ast.Node) ast.Node {
	r := new(ranges)
	for _, n := range nodes {
		p, _ := parseRange(n)
		r.list = append(r.list, p)
	}
	return &ast.ConstantNode{Value: r}
}

// parseRange parses the literal of a range, or of a single address.
func parseRange(n ast.Node) (netip.Prefix, error) {
	text, ok := n.(*ast.StringNode)
	if !ok {
		return netip.Prefix{}, errors.New(`want a range in quotation marks, such as "10.0.0.0/8"`)
	}
	if a, err := netip.ParseAddr(text.Value); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text.Value)
	if err != nil {
		return p, fmt.Errorf(`%q is not a range; want one such as "10.0.0.0/8"`, text.Value)
	}
	return p, nil
}
