// Package yamlerror describes the errors of the YAML library in words for people: what is wrong, where, and what to do.
package yamlerror

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
)

// Problem is an error at a place of a file.
type Problem struct {
	Line, Column int
	Text         string
}

// Describe returns what is wrong. The place is the first character of the file where the library names none.
func Describe(err error) Problem {
	p := Problem{1, 1, general}
	var known yaml.Error
	if !errors.As(err, &known) {
		return p
	}
	found := ""
	if at := known.GetToken(); at != nil {
		p.Line, p.Column, found = at.Position.Line, at.Position.Column, strings.TrimSpace(at.Value)
	}
	var wrongType *yaml.TypeError
	var overflow *yaml.OverflowError
	var wrongNode *yaml.UnexpectedNodeTypeError
	switch {
	case errors.As(err, &wrongType):
		p.Text = fmt.Sprintf("want %s, found %q", kind(wrongType.DstType), found)
	case errors.As(err, &overflow):
		p.Text = fmt.Sprintf("the number %s is too large or too small here", overflow.SrcNum)
	case errors.As(err, &wrongNode):
		p.Text = fmt.Sprintf("want %s, found %s", node(wrongNode.Expected.YAMLName()), node(wrongNode.Actual.YAMLName()))
	default:
		p.Text = syntax(known.GetMessage())
	}
	return p
}

// kind describes what a value of a type is in YAML.
func kind(t reflect.Type) string {
	if t == nil {
		return "another value"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return `a mapping, "key: value"`
	case reflect.Float32, reflect.Float64:
		return "a number"
	default:
		return "a whole number"
	}
}

// node describes a kind of node by the library's name.
func node(name string) string {
	switch name {
	case "sequence":
		return "a list"
	case "mapping", "mapping-value":
		return `a mapping, "key: value"`
	case "string", "literal":
		return "text"
	case "int", "float", "inf", "nan":
		return "a number"
	case "bool":
		return "true or false"
	case "null":
		return "nothing"
	case "alias", "anchor", "tag", "merge-key":
		return "an alias, an anchor or a tag"
	default:
		return "something else"
	}
}

// general is what is said of an error that the table does not have.
const general = "this is not valid YAML: check the indentation, colons, brackets and quotes around this place"

// messages are descriptions of the library's messages, by what they contain. The first that fits is taken.
var messages = []struct{ contains, text string }{
	{"tab character", "a tab, which YAML does not allow here: use spaces"},
	{"'\t'", "a tab, which YAML does not allow here: use spaces"},
	{"'{' character", "a } without a {: remove it, or put text that has braces in quotes"},
	{"'}'", "a { that is not closed: want a comma or a } after each value"},
	{"']' not found", "a [ that is not closed: want a comma or a ] after each value"},
	{"or ']'", "a [ that is not closed: want a comma or a ] after each value"},
	{"'['", "a ] without a [: remove it, or put text that has brackets in quotes"},
	{"end character of double-quoted text", `a " that is not closed: want another at the end of the text`},
	{"end character of single-quoted text", "a ' that is not closed: want another at the end of the text"},
	{"escape", `an escape that YAML does not have: write \\ for a backslash, or use single quotes`},
	{"reserved character", "a text cannot begin with this character: put it in quotes"},
	{"mapping value is not allowed", "a second colon in a line: put a text that has a colon and a space in quotes"},
	{"non-map value", `a line without a colon: want "key: value"`},
	{"map key-value is pre-defined", "a value and keys below the same key: check the indentation"},
	{"value is not allowed in this context", "a value where none can be: check the indentation, and put text that has brackets in quotes"},
	{"block sequence entries", `a list item where none can be: put "- " on a line of its own`},
	{"sequence element", "a comma without a value before it"},
	{"alias", "an alias, an anchor or a merge key: write the value out"},
	{"anchor", "an alias, an anchor or a merge key: write the value out"},
	{"merge key", "an alias, an anchor or a merge key: write the value out"},
	{"tag", "a YAML tag: leave it out, and put text that looks like something else in quotes"},
	{"directive", "a YAML directive: leave the line out"},
	{"document separator", "something after ---: put it on the next line"},
	{"mapping key", "a key without a value: want \"key: value\""},
	{"map value", "a key without a value: want \"key: value\""},
}

var (
	twice   = regexp.MustCompile(`^mapping key (".*") already defined at \[(\d+):\d+\]$`)
	unknown = regexp.MustCompile(`^unknown field (".*")$`)
)

// syntax describes a message of the library.
func syntax(message string) string {
	if m := twice.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("key %s is given twice, first in line %s: remove one", m[1], m[2])
	}
	if m := unknown.FindStringSubmatch(message); m != nil {
		return "unknown key " + m[1]
	}
	for _, m := range messages {
		if strings.Contains(message, m.contains) {
			return m.text
		}
	}
	return general
}
