package insights_test

import (
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// expression computes a value of a row. A missing field is nil.
type expression struct {
	op   string // an operator, or the name of a function in lower case with an opening bracket
	args []expression
	text string // the name of a field, or the value of a constant
	re   *regexp.Regexp
}

func (e expression) call() bool { return strings.HasSuffix(e.op, "(") }

// The binary operators, in order of increasing precedence.
var precedence = [][]string{{"or"}, {"and"}, {"=", "!=", "<", "<=", ">", ">=", "like", "=~", "not like", "in", "not in"}, {"+", "-"}, {"*", "/", "%"}, {"^"}}

func (p *parser) expression() (expression, error) { return p.binary(0) }

func (p *parser) binary(level int) (left expression, err error) {
	if level == len(precedence) {
		return p.unary()
	}
	if left, err = p.binary(level + 1); err != nil {
		return left, err
	}
	for {
		op, err := p.operator(precedence[level])
		if op == "" || err != nil {
			return left, err
		}
		right, err := p.right(op, level)
		if err != nil {
			return left, err
		}
		left = expression{op: op, args: append([]expression{left}, right.args...), re: right.re}
	}
}

// operator reads an operator of a level, if there is one.
func (p *parser) operator(level []string) (string, error) {
	for _, op := range level {
		first, second, two := strings.Cut(op, " ")
		if !p.tok.is(first) {
			continue
		}
		if !two {
			return op, p.advance()
		}
		if err := p.advance(); err != nil {
			return "", err
		}
		if p.tok.is(second) {
			return op, p.advance()
		}
		if p.tok.is("in") {
			return "not in", p.advance()
		}
		return "", fmt.Errorf("not %q: want like or in", p.tok.text)
	}
	return "", nil
}

// right reads the right operand of an operator: its arguments, or a pattern.
func (p *parser) right(op string, level int) (e expression, err error) {
	switch {
	case p.tok.kind == tokenPattern:
		if e.re, err = regexp.Compile(p.tok.text); err != nil {
			return e, err
		}
		return e, p.advance()
	case strings.HasSuffix(op, "in"):
		if err := p.expect("["); err != nil {
			return e, err
		}
		return p.list("]")
	}
	arg, err := p.binary(level + 1)
	return expression{args: []expression{arg}}, err
}

// list reads expressions separated by commas, up to a closing bracket.
func (p *parser) list(end string) (e expression, err error) {
	for !p.tok.is(end) {
		arg, err := p.expression()
		if err != nil {
			return e, err
		}
		e.args = append(e.args, arg)
		if more, err := p.accept(","); err != nil || !more {
			return e, cmpErr(err, p.expect(end))
		}
	}
	return e, p.advance()
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func (p *parser) unary() (expression, error) {
	t := p.tok
	if err := p.advance(); err != nil {
		return expression{}, err
	}
	switch {
	case t.is("not"):
		e, err := p.binary(2)
		return expression{op: "not", args: []expression{e}}, err
	case t.is("("):
		e, err := p.expression()
		return e, cmpErr(err, p.expect(")"))
	case t.is("*"):
		return expression{op: "*"}, nil
	case t.kind == tokenNumber || t.kind == tokenText:
		return expression{op: "constant", text: t.text}, nil
	case t.kind == tokenName && p.tok.is("("):
		if err := p.advance(); err != nil {
			return expression{}, err
		}
		e, err := p.list(")")
		e.op = strings.ToLower(t.text) + "("
		return e, err
	case t.kind == tokenName && strings.Contains(t.text, "_"):
		return expression{}, fmt.Errorf("field %s wants backticks", t.text)
	case t.isField():
		return expression{op: "field", text: t.text}, nil
	}
	return expression{}, fmt.Errorf("%q is no value", t.text)
}

// eval returns an expression's value: nil, a string, a float64 or a bool.
func (e expression) eval(r row) (any, error) {
	switch e.op {
	case "field":
		return r[e.text], nil
	case "constant":
		return e.text, nil
	case "and", "or":
		left, err := truth(e.args[0], r)
		if err != nil || left == (e.op == "or") {
			return left, err
		}
		return truth(e.args[1], r)
	case "not":
		v, err := truth(e.args[0], r)
		return !v, err
	}
	args := make([]any, len(e.args))
	for i := range args {
		var err error
		if args[i], err = e.args[i].eval(r); err != nil {
			return nil, err
		}
	}
	return apply(e, args)
}

// truth returns the value of a condition. A missing value is false.
func truth(e expression, r row) (bool, error) {
	v, err := e.eval(r)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok && v != nil {
		return false, fmt.Errorf("%v is neither true nor false", v)
	}
	return b, nil
}

func apply(e expression, args []any) (any, error) {
	switch e.op {
	case "=", "!=", "<", "<=", ">", ">=":
		return compared(e.op, args[0], args[1]), nil
	case "like", "=~", "not like":
		if args[0] == nil {
			return false, nil
		}
		return matches(e, args) != (e.op == "not like"), nil
	case "in", "not in":
		found := false
		for _, v := range args[1:] {
			found = found || compared("=", args[0], v)
		}
		return args[0] != nil && found != (e.op == "not in"), nil
	case "ispresent(":
		return args[0] != nil, nil
	case "isipinsubnet(":
		return inSubnet(args[0], args[1])
	}
	return arithmetic(e.op, args)
}

// compared compares two numbers as numbers and other values as text. A comparison with a missing value is false.
func compared(op string, a, b any) bool {
	if a == nil || b == nil {
		return false
	}
	order := strings.Compare(show(a), show(b))
	x, xok := number(a)
	y, yok := number(b)
	if xok && yok {
		order = 0
		if x != y {
			order = map[bool]int{true: -1, false: 1}[x < y]
		}
	}
	switch op {
	case "=":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}

// matches reports whether a text contains another, or matches a regular expression.
func matches(e expression, args []any) bool {
	if e.re != nil {
		return e.re.MatchString(show(args[0]))
	}
	return strings.Contains(show(args[0]), show(args[1]))
}

func inSubnet(a, network any) (bool, error) {
	prefix, err := netip.ParsePrefix(show(network))
	if err != nil {
		return false, err
	}
	addr, err := netip.ParseAddr(show(a))
	return err == nil && prefix.Contains(addr), nil
}

var operations = map[string]func(x, y float64) float64{
	"+": func(x, y float64) float64 { return x + y },
	"-": func(x, y float64) float64 { return x - y },
	"*": func(x, y float64) float64 { return x * y },
	"/": func(x, y float64) float64 { return x / y },
	"%": math.Mod,
	"^": math.Pow,
}

// arithmetic returns nil if an argument is not a number.
func arithmetic(op string, args []any) (any, error) {
	f := operations[op]
	if f == nil {
		return nil, fmt.Errorf("%s is not known", op)
	}
	x, xok := number(args[0])
	y, yok := number(args[1])
	if !xok || !yok {
		return nil, nil
	}
	return f(x, y), nil
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		n, err := strconv.ParseFloat(v, 64)
		return n, err == nil
	}
	return 0, false
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}
