package where

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"golang.org/x/net/publicsuffix"
)

// function is one that expressions may call, or that comparisons are put into.
type function struct {
	name      string
	takes     []Kind // nil: not for expressions
	gives     Kind
	run       func(params ...any) (any, error)
	signature any
}

// functions are ours; builtins are those of expr that take a time bounded by their argument's length.
var (
	functions = []function{
		{"cidr", []Kind{Addr, Text}, Bool, runWithin, new(func(netip.Addr, *ranges) bool)},
		{"private", []Kind{Addr}, Bool, runPrivate, new(func(netip.Addr) bool)},
		{"domain", []Kind{Text}, Text, runDomain, new(func(string) string)},
		{"same address", nil, Bool, runSame, new(func(netip.Addr, netip.Addr) bool)},
	}
	builtins = []function{
		{name: "len", takes: []Kind{Text}, gives: Int},
		{name: "lower", takes: []Kind{Text}, gives: Text},
		{name: "upper", takes: []Kind{Text}, gives: Text},
	}
)

// call returns the kind of a function's result.
func (c *checker) call(n ast.Node, name string, args []ast.Node) Kind {
	all := slices.Concat(functions, builtins)
	i := slices.IndexFunc(all, func(f function) bool { return f.name == name && f.takes != nil })
	if i < 0 {
		var known []string
		for _, f := range all {
			if f.takes != nil {
				known = append(known, f.name)
			}
		}
		return c.fail(n, "no function %q; there are %s", name, strings.Join(known, ", "))
	}
	f := all[i]
	if len(args) != len(f.takes) {
		return c.fail(n, "%s takes %d arguments, not %d", name, len(f.takes), len(args))
	}
	for i, arg := range args {
		if kind := c.check(arg); c.err == nil && kind != f.takes[i] {
			return c.fail(arg, "%s of %v: want %v", name, kind, f.takes[i])
		}
	}
	if name == "cidr" && c.err == nil {
		if _, err := parseRange(args[1]); err != nil {
			return c.fail(args[1], "%v", err)
		}
	}
	return f.gives
}

// addressCall returns the call that a comparison of addresses is, with the literals read; nil for any other node. The
// expression has been checked.
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
			same := callOf("same address", addrOf(n.Left), addrOf(n.Right))
			if n.Operator == "!=" {
				same = &ast.UnaryNode{Operator: "not", Node: same}
			}
			return same
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

// addrOf is a side of a comparison: an address, or a literal that is read now.
func addrOf(n ast.Node) ast.Node {
	if text, ok := n.(*ast.StringNode); ok {
		a, _ := parseAddr(text.Value)
		return &ast.ConstantNode{Value: a}
	}
	return n
}

// parseAddr reads an address; "" and - are the one that is not known.
func parseAddr(text string) (netip.Addr, bool) {
	if text == "" || text == "-" {
		return netip.Addr{}, true
	}
	a, err := netip.ParseAddr(text)
	return a, err == nil
}

// ranges are those of one cidr or in.
type ranges struct{ list []netip.Prefix }

func rangesOf(nodes ...ast.Node) ast.Node {
	r := new(ranges)
	for _, n := range nodes {
		p, _ := parseRange(n)
		r.list = append(r.list, p)
	}
	return &ast.ConstantNode{Value: r}
}

// parseRange reads the literal of a range, or of an address.
func parseRange(n ast.Node) (netip.Prefix, error) {
	text, ok := n.(*ast.StringNode)
	if !ok {
		return netip.Prefix{}, fmt.Errorf(`want a range in quotation marks, such as "10.0.0.0/8"`)
	}
	if a, err := netip.ParseAddr(text.Value); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text.Value)
	if err != nil {
		return p, fmt.Errorf(`%q is no range; want one such as "10.0.0.0/8"`, text.Value)
	}
	return p, nil
}

func runWithin(params ...any) (any, error) {
	addr := params[0].(netip.Addr)
	for _, p := range params[1].(*ranges).list {
		if p.Contains(addr) {
			return true, nil
		}
	}
	return false, nil
}

func runSame(params ...any) (any, error) {
	return params[0].(netip.Addr) == params[1].(netip.Addr), nil
}

func runPrivate(params ...any) (any, error) { return Private(params[0].(netip.Addr)), nil }

func runDomain(params ...any) (any, error) { return Domain(params[0].(string)), nil }

// shared is the address space between carriers and their customers (RFC 6598), which VPCs use too.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// Private says whether an address is one that is not routed on the internet: RFC 1918, RFC 6598, unique local (RFC 4193),
// link-local or loopback.
func Private(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsPrivate() || shared.Contains(a) || a.IsLinkLocalUnicast() || a.IsLoopback()
}

// Domain returns the registrable domain of a name by the public suffix list, example.co.uk of www.example.co.uk: the name
// itself if it is a public suffix or an address, in lower case.
func Domain(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if _, err := netip.ParseAddr(name); err == nil {
		return name
	}
	if d, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		return d
	}
	return name
}
