package where_test

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// expression is the text of an expression, and its value computed by Go.
type expression struct {
	text  string
	value func(row) any
}

// Indexes of the fields of schema.
const (
	nameField = iota
	dstportField
	bytesField
	completenessField
	unansweredField
	srcaddrField
	dstaddrField
)

func fieldOf(index int, names ...string) *rapid.Generator[expression] {
	return rapid.Custom(func(t *rapid.T) expression {
		return expression{rapid.SampledFrom(names).Draw(t, "field"), func(r row) any { return r[index] }}
	})
}

func literal[T any](text string, value T) *rapid.Generator[expression] {
	return rapid.Just(expression{text, func(row) any { return value }})
}

var (
	someTexts = []string{"", "a", "www.example.co.uk", "EXAMPLE", "Ünï"}
	someAddrs = []string{"-", "10.0.0.5", "203.0.113.9", "2001:db8::7", "fd00::1"}
	ranges    = []string{"10.0.0.0/8", "203.0.113.9", "2001:db8::/32", "::/0", "0.0.0.0/0"}
)

// number draws an expression of a number. Values stay below 2^53, so that they are
// exact as float64.
func number(t *rapid.T, depth int) expression {
	if depth == 0 || rapid.Bool().Draw(t, "leaf") {
		n := rapid.IntRange(0, 1000).Draw(t, "n")
		return rapid.OneOf(
			fieldOf(dstportField, "dstport"), fieldOf(bytesField, "bytes"), fieldOf(completenessField, "completeness"),
			literal(fmt.Sprint(n), n), literal(fmt.Sprintf("%d.5", n), float64(n)+0.5),
		).Draw(t, "number")
	}
	switch op := rapid.SampledFrom([]string{"+", "-", "*", "/", "unary -", "len"}).Draw(t, "operator"); op {
	case "unary -":
		e := number(t, depth-1)
		return expression{"(-" + e.text + ")", func(r row) any { return negate(e.value(r)) }}
	case "len":
		e := text(t, depth-1)
		return expression{"len(" + e.text + ")", func(r row) any { return len([]rune(e.value(r).(string))) }}
	default:
		a, b := number(t, depth-1), number(t, depth-1)
		return expression{"(" + a.text + " " + op + " " + b.text + ")", func(r row) any { return arithmetic(op, a.value(r), b.value(r)) }}
	}
}

func negate(v any) any {
	if n, ok := v.(int); ok {
		return -n
	}
	return -v.(float64)
}

func asFloat(v any) float64 {
	if n, ok := v.(int); ok {
		return float64(n)
	}
	return v.(float64)
}

func arithmetic(op string, a, b any) any {
	x, xInt := a.(int)
	y, yInt := b.(int)
	if xInt && yInt && op != "/" {
		return map[string]int{"+": x + y, "-": x - y, "*": x * y}[op]
	}
	f, g := asFloat(a), asFloat(b)
	return map[string]float64{"+": f + g, "-": f - g, "*": f * g, "/": f / g}[op]
}

func text(t *rapid.T, depth int) expression {
	s := rapid.SampledFrom(someTexts).Draw(t, "text")
	if depth == 0 || rapid.Bool().Draw(t, "leaf") {
		return rapid.OneOf(fieldOf(nameField, "name", "x_name"), literal(fmt.Sprintf("%q", s), s)).Draw(t, "text")
	}
	functions := map[string]func(string) string{"lower": strings.ToLower, "upper": strings.ToUpper, "domain": where.Domain}
	f := rapid.SampledFrom([]string{"lower", "upper", "domain"}).Draw(t, "function")
	e := text(t, depth-1)
	return expression{f + "(" + e.text + ")", func(r row) any { return functions[f](e.value(r).(string)) }}
}

func address(t *rapid.T) expression {
	return rapid.OneOf(fieldOf(srcaddrField, "srcaddr"), fieldOf(dstaddrField, "dstaddr")).Draw(t, "address")
}

func contains(prefix string, a netip.Addr) bool {
	if single, err := netip.ParseAddr(prefix); err == nil {
		return single == a
	}
	return netip.MustParsePrefix(prefix).Contains(a)
}

// addressCondition draws a condition on an address.
func addressCondition(t *rapid.T) expression {
	a := address(t)
	value := func(r row) netip.Addr { return a.value(r).(netip.Addr) }
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return expression{"private(" + a.text + ")", func(r row) any { return where.Private(value(r)) }}
	case 1:
		p := rapid.SampledFrom(ranges).Draw(t, "range")
		return expression{fmt.Sprintf("cidr(%s, %q)", a.text, p), func(r row) any { return contains(p, value(r)) }}
	case 2:
		list := rapid.SliceOfN(rapid.SampledFrom(ranges), 0, 3).Draw(t, "ranges")
		in := func(r row) bool {
			return slices.ContainsFunc(list, func(p string) bool { return contains(p, value(r)) })
		}
		if rapid.Bool().Draw(t, "not") {
			return expression{fmt.Sprintf("(%s not in %s)", a.text, listText(list)), func(r row) any { return !in(r) }}
		}
		return expression{fmt.Sprintf("(%s in %s)", a.text, listText(list)), func(r row) any { return in(r) }}
	case 3:
		b := address(t)
		return expression{"(" + a.text + " == " + b.text + ")", func(r row) any { return value(r) == b.value(r).(netip.Addr) }}
	default:
		s := rapid.SampledFrom(someAddrs).Draw(t, "address")
		want, _ := netip.ParseAddr(s) // the zero address for -
		return expression{fmt.Sprintf("(%s != %q)", a.text, s), func(r row) any { return value(r) != want }}
	}
}

func listText(list []string) string {
	var quoted []string
	for _, s := range list {
		quoted = append(quoted, fmt.Sprintf("%q", s))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// condition draws an expression that is true or false, of every operator of the language.
func condition(t *rapid.T, depth int) expression {
	if depth == 0 {
		return rapid.OneOf(fieldOf(unansweredField, "unanswered", "x_unanswered"), literal("true", true), literal("false", false)).Draw(t, "condition")
	}
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 0:
		op := rapid.SampledFrom([]string{"and", "&&", "or", "||", "==", "!="}).Draw(t, "operator")
		a, b := condition(t, depth-1), condition(t, depth-1)
		return expression{"(" + a.text + " " + op + " " + b.text + ")", func(r row) any {
			x, y := a.value(r).(bool), b.value(r).(bool)
			return map[string]bool{"and": x && y, "&&": x && y, "or": x || y, "||": x || y, "==": x == y, "!=": x != y}[op]
		}}
	case 1:
		a := condition(t, depth-1)
		op := rapid.SampledFrom([]string{"not ", "!"}).Draw(t, "operator")
		return expression{"(" + op + a.text + ")", func(r row) any { return !a.value(r).(bool) }}
	case 2:
		op := rapid.SampledFrom([]string{"<", "<=", ">", ">=", "==", "!="}).Draw(t, "operator")
		a, b := number(t, depth-1), number(t, depth-1)
		return expression{"(" + a.text + " " + op + " " + b.text + ")", func(r row) any {
			x, y := asFloat(a.value(r)), asFloat(b.value(r))
			return map[string]bool{"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y, "==": x == y, "!=": x != y}[op]
		}}
	case 3:
		op := rapid.SampledFrom([]string{"contains", "startsWith", "endsWith", "==", "!="}).Draw(t, "operator")
		a, b := text(t, depth-1), text(t, depth-1)
		return expression{"(" + a.text + " " + op + " " + b.text + ")", func(r row) any {
			x, y := a.value(r).(string), b.value(r).(string)
			return map[string]bool{
				"contains": strings.Contains(x, y), "startsWith": strings.HasPrefix(x, y), "endsWith": strings.HasSuffix(x, y), "==": x == y, "!=": x != y,
			}[op]
		}}
	case 4:
		a, list := text(t, depth-1), rapid.SliceOfN(rapid.SampledFrom(someTexts), 0, 3).Draw(t, "list")
		return expression{"(" + a.text + " in " + listText(list) + ")", func(r row) any { return slices.Contains(list, a.value(r).(string)) }}
	case 5:
		a, pattern := text(t, depth-1), rapid.SampledFrom([]string{"^w+[.]", "a$", "", "(?i)example"}).Draw(t, "pattern")
		return expression{fmt.Sprintf("(%s matches %q)", a.text, pattern), func(r row) any { return regexp.MustCompile(pattern).MatchString(a.value(r).(string)) }}
	default:
		return addressCondition(t)
	}
}

// drawRow draws a row with values that the literals of expressions meet often.
func drawRow(t *rapid.T) row {
	addr := func(label string) netip.Addr {
		a, _ := netip.ParseAddr(rapid.SampledFrom(someAddrs).Draw(t, label)) // the zero address for -
		return a
	}
	return row{
		rapid.SampledFrom(someTexts).Draw(t, "name"), rapid.SampledFrom([]int{0, 22, 443}).Draw(t, "dstport"), rapid.IntRange(0, 1000).Draw(t, "bytes"),
		rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(t, "completeness"), rapid.Bool().Draw(t, "unanswered"), addr("srcaddr"), addr("dstaddr"), "IPv4",
	}
}

// TestMatchIsGo: any expression of the language has the value that the same operations have in Go, for any row.
func TestMatchIsGo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := condition(t, rapid.IntRange(0, 3).Draw(t, "depth"))
		filter, err := schema.Compile(e.text)
		require.NoError(t, err, e.text)
		for range 5 {
			r := drawRow(t)
			result, err := filter.Evaluate(r)
			require.NoError(t, err, e.text)
			require.Equal(t, e.value(r), result, "%s of %v", e.text, r)
		}
	})
}

// TestErrorColumn: behind any valid expression, the error of an unknown field has that field's column in runes.
func TestErrorColumn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := condition(t, 2).text + rapid.SampledFrom([]string{" and ", " or ", "\n||  "}).Draw(t, "operator")
		_, err := schema.Compile(text + "nonsense > 1")
		var e *where.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, where.Error{Column: len([]rune(text)) + 1, Message: `no field "nonsense"`}, *e, text)
	})
}
