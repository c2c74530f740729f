package where_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/where"
)

var schema = where.NewSchema([]where.Field{
	{Name: "x_name", Aliases: []string{"name"}, Kind: where.Text},
	{Name: "dstport", Kind: where.Int},
	{Name: "bytes", Kind: where.Int},
	{Name: "completeness", Kind: where.Float},
	{Name: "x_unanswered", Aliases: []string{"unanswered"}, Kind: where.Bool},
	{Name: "srcaddr", Kind: where.Addr},
	{Name: "dstaddr", Kind: where.Addr},
	{Name: "type", Kind: where.Text}, // also the name of a function of expr
})

type row [8]any

func (r row) Value(i int) any { return r[i] }

var (
	web     = row{"www.example.co.uk", 443, 5000, 0.5, false, netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("203.0.113.9"), "IPv4"}
	ssh     = row{"", 22, 40, 1.0, true, netip.MustParseAddr("2001:db8::7"), netip.MustParseAddr("fd00::1"), "IPv6"}
	unknown = row{"", 0, 0, 0.0, false, netip.Addr{}, netip.Addr{}, ""}
)

// TestMatch: each expression matches the rows that are named behind it.
func TestMatch(t *testing.T) {
	for _, c := range []struct{ text, matches string }{
		{`dstport == 443`, "web"},
		{`dstport in [22, 3389]`, "ssh"},
		{`dstport not in [22, 3389]`, "web unknown"},
		{`dstport < 1024 and bytes > 100`, "web"},
		{`1 < dstport < 100`, "ssh"},
		{`bytes / 2 >= 2500`, "web"},
		{`bytes / 0 > 1`, "web ssh"},
		{`completeness < 0.9 && completeness > 0`, "web"},
		{`unanswered`, "ssh"},
		{`not x_unanswered or false`, "web unknown"},
		{`name endsWith ".example.co.uk"`, "web"},
		{`name == x_name and name != ""`, "web"},
		{`name matches "^w+[.]"`, "web"},
		{`upper(name) contains "EXAMPLE" and len(name) > 3`, "web"},
		{`len("Ünï") == 3`, "web ssh unknown"},
		{`domain(name) == "example.co.uk"`, "web"},
		{`name in ["a", "www.example.co.uk"]`, "web"},
		{`type == "IPv6"`, "ssh"},
		{`srcaddr == "10.0.0.5"`, "web"},
		{`"10.0.0.5" == srcaddr`, "web"},
		{`srcaddr != "10.0.0.5"`, "ssh unknown"},
		{`srcaddr == "2001:0DB8:0::7"`, "ssh"},
		{`srcaddr == dstaddr`, "unknown"},
		{`srcaddr == "-"`, "unknown"},
		{`srcaddr in ["10.0.0.0/8", "2001:db8::7"]`, "web ssh"},
		{`cidr(srcaddr, "10.0.0.0/8")`, "web"},
		{`!cidr(dstaddr, "203.0.113.9")`, "ssh unknown"},
		{`private(dstaddr)`, "ssh"},
		{`private(srcaddr) and not private(dstaddr)`, "web"},
	} {
		f, err := schema.Compile(c.text)
		require.NoError(t, err, c.text)
		var matches []string
		for _, r := range []struct {
			name string
			row  row
		}{{"web", web}, {"ssh", ssh}, {"unknown", unknown}} {
			if f.Match(r.row) {
				matches = append(matches, r.name)
			}
		}
		assert.Equal(t, c.matches, strings.Join(matches, " "), c.text)
	}
}

// TestErrors: an invalid expression gives one line with the column of the mistake.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`dst_port == 443`, `column 1: no field "dst_port"; did you mean dstport?`},
		{`byets > 1`, `column 1: no field "byets"; did you mean bytes?`},
		{`bytes > 1 and nonsense`, `column 15: no field "nonsense"`},
		{`dstport == "443"`, `column 9: a number == text: want two of the same kind`},
		{`dstport`, `column 1: the expression is a number; want true or false, such as bytes > 1000`},
		{`bytes > 1 and dstport`, `column 11: true or false and a number: want true or false`},
		{`srcaddr == "10.0.0.300"`, `column 12: "10.0.0.300" is not an address`},
		{`srcaddr == "10.0.0.0/8"`, `column 12: "10.0.0.0/8" is a range: use cidr(address, "10.0.0.0/8")`},
		{`srcaddr < dstaddr`, `column 9: an address < an address: want numbers`},
		{`srcaddr == name`, `column 12: want an address, or one in quotation marks`},
		{`srcaddr in ["x"]`, `column 13: "x" is not a range; want one such as "10.0.0.0/8"`},
		{`srcaddr in "10.0.0.0/8"`, `column 9: in text: want a list, such as ["10.0.0.0/8", "192.0.2.1"]`},
		{`cidr(srcaddr, name)`, `column 15: want a range in quotation marks, such as "10.0.0.0/8"`},
		{`cidr(name, "10.0.0.0/8")`, `column 6: cidr of text: want an address`},
		{`private(srcaddr, dstaddr)`, `column 1: private needs 1 argument, not 2`},
		{`now() > 1`, `column 1: no function "now"; want one of cidr, private, domain, len, lower, upper`},
		{`dstport in [22, "ssh"]`, `column 17: text in the list: want a number, as on the left`},
		{`dstport in [bytes]`, `column 13: a list holds literals only`},
		{`name matches "("`, "column 14: missing closing ): `(`"},
		{`name matches name`, `column 6: matches needs text on the left and a pattern in quotation marks on the right`},
		{`-name == "x"`, `column 1: - of text: want a number`},
		{`all(1..1000, # > 0)`, `column 1: no function "all"; want one of cidr, private, domain, len, lower, upper`},
		{`dstport in 1..100000000`, `column 13: filters have no operator ..`},
		{`bytes % 2 == 0`, `column 7: filters have no operator %`},
		{`name + name == ""`, `column 6: text + text: want numbers`},
		{`name[0] == "a"`, `column 5: filters have fields, literals, operators and functions only`},
		{`bytes > 1 ? true : false`, `column 7: filters have no conditional operator: use and, or`},
		{`bytes = 1`, `column 7: no operator =: use == to compare`},
		{`bytes >`, `column 7: the expression is incomplete: a value or a closing parenthesis is missing at its end`},
		{``, `column 1: the expression is incomplete: a value or a closing parenthesis is missing at its end`},
		{`(bytes > 1`, `column 10: the expression is incomplete: a value or a closing parenthesis is missing at its end`},
		{`bytes > 1 also true`, `column 11: "also" is not expected here: want an operator such as and, or, ==, or the end of the expression`},
		{`name == "x`, `column 11: the closing quotation mark is missing`},
		{strings.Repeat("(", 5000), `column 1: an expression has at most 4096 bytes`},
		{"bytes\n>\n\xff", `column 1: not UTF-8`},
	} {
		_, err := schema.Compile(c.text)
		var e *where.Error
		require.ErrorAs(t, err, &e, c.text)
		assert.Equal(t, c.want, err.Error(), c.text)
	}
}

// FuzzCompile: an expression that compiles has a result for every row, the same each time and from a clone; one that does not
// gives an error of one line.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		`dstport == 443 and not private(dstaddr)`, `srcaddr in ["10.0.0.0/8"] || domain(name) == "a.b"`, `1 < bytes / 3 <= 2e3`,
		`name matches "^a+$"`, `cidr(srcaddr, "::/0")`, `bytes == 1 in [true]`, `-1 - -bytes > 9223372036854775807`, `a?.b ?? "c"`,
		`srcaddr == srcaddr == true`, `unanswered == (bytes > 2)`, `len(lower(name)) * 3 > 1`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := schema.Compile(text)
		if err != nil {
			var e *where.Error
			require.ErrorAs(t, err, &e)
			require.NotContains(t, err.Error(), "\n")
			return
		}
		clone := filter.Clone()
		for _, r := range []row{web, ssh, unknown} {
			result, err := filter.Evaluate(r)
			require.NoError(t, err)
			require.Equal(t, result, clone.Match(r))
			require.Equal(t, result, filter.Match(r))
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	f, err := schema.Compile(`dstport == 443 and not private(dstaddr) and name endsWith ".uk"`)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		f.Match(web)
	}
}
