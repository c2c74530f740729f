package yamlerror_test

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/yamlerror"
)

// document is decoded strictly from YAML.
type document struct {
	Number int               `yaml:"number"`
	Small  uint8             `yaml:"small"`
	List   []string          `yaml:"list"`
	Keys   map[string]string `yaml:"keys"`
	Flag   bool              `yaml:"flag"`
}

// decode returns the library's error for a document, nil if there is none. It panics for some malformed documents.
func decode(text string) (err error) {
	defer func() {
		if recover() != nil {
			err = nil
		}
	}()
	err = yaml.NewDecoder(bytes.NewReader([]byte(text)), yaml.Strict()).Decode(new(document))
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func TestDescribe(t *testing.T) {
	for text, want := range map[string]yamlerror.Problem{
		"list: [a":               {Line: 1, Column: 7, Text: "a [ that is not closed: want a comma or a ] after each value"},
		"list: [a b: c":          {Line: 1, Column: 7, Text: "a [ that is not closed: want a comma or a ] after each value"},
		"keys: {a: b":            {Line: 1, Column: 7, Text: "a { that is not closed: want a comma or a } after each value"},
		"list: ]":                {Line: 1, Column: 7, Text: "a ] without a [: remove it, or put text that has brackets in quotes"},
		"number: 1\nnumber: 2":   {Line: 2, Column: 1, Text: `key "number" is given twice, first in line 1: remove one`},
		"# x\nother: 2":          {Line: 2, Column: 1, Text: `unknown key "other"`},
		"number: many":           {Line: 1, Column: 9, Text: `want a whole number, found "many"`},
		"small: 256":             {Line: 1, Column: 8, Text: "the number 256 is too large or too small here"},
		"list: 5":                {Line: 1, Column: 7, Text: "want a list, found a number"},
		"keys: [a]":              {Line: 1, Column: 7, Text: `want a mapping, "key: value", found a list`},
		"flag: maybe":            {Line: 1, Column: 7, Text: `want true or false, found "maybe"`},
		"number: \"1":            {Line: 1, Column: 9, Text: `a " that is not closed: want another at the end of the text`},
		"number: '1":             {Line: 1, Column: 9, Text: "a ' that is not closed: want another at the end of the text"},
		"number: @1":             {Line: 1, Column: 9, Text: "a text cannot begin with this character: put it in quotes"},
		"\tnumber: 1":            {Line: 1, Column: 7, Text: "a tab, which YAML does not allow here: use spaces"},
		"number: a: b":           {Line: 1, Column: 9, Text: "a second colon in a line: put a text that has a colon and a space in quotes"},
		"number: *x":             {Line: 1, Column: 10, Text: "an alias, an anchor or a merge key: write the value out"},
		"keys:\n  a: b\n c: d":   {Line: 3, Column: 2, Text: "a value where none can be: check the indentation, and put text that has brackets in quotes"},
		"number: \"\\q\"":        {Line: 1, Column: 11, Text: `an escape that YAML does not have: write \\ for a backslash, or use single quotes`},
		"%YAML 1.2 x\n---\na: 1": {Line: 1, Column: 1, Text: "a YAML directive: leave the line out"},
	} {
		err := decode(text)
		require.Error(t, err, text)
		assert.Equal(t, want, yamlerror.Describe(err), "%q: %v", text, err)
	}
	assert.Equal(t, 1, yamlerror.Describe(errors.New("of something else")).Line)
}

// raw matches what the library says: its positions, and types of Go.
var raw = regexp.MustCompile(`\[\d+:\d+\]|Go (struct|value)|unmarshal|interface|reflect|token`)

// TestOneLine: any malformed document is described in one line, at a place of the document, without words of the library.
func TestOneLine(t *testing.T) {
	parts := []string{
		"number: 1\n", "small: 300\n", "list:\n  - a\n", "  - b\n", "keys: {a: b}\n", "flag: yes\n", "- x\n", "\t", " ", ":", "\"", "'", "[", "]", "{", "}", "|",
		">", "&a ", "*a ", "!x ", "? ", "---\n", "...\n", "%YAML 1.2\n", "@", "`", ",", "\\", "\"\\q\"", "<<: *a\n", "\x00", "é", "\n",
	}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 1, 12).Draw(t, "parts"), "")
		err := decode(text)
		if err == nil {
			return
		}
		p := yamlerror.Describe(err)
		require.NotEmpty(t, p.Text)
		require.NotContains(t, p.Text, "\n")
		require.NotRegexp(t, raw, p.Text, "%v", err)
		require.GreaterOrEqual(t, p.Line, 1)
		require.GreaterOrEqual(t, p.Column, 0)
		require.LessOrEqual(t, p.Line, strings.Count(text, "\n")+1)
	})
}
