package where_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/where"
)

func TestUses(t *testing.T) {
	f, err := schema.Compile(`name == "a" or x_name == "b" or bytes > 1`)
	require.NoError(t, err)
	assert.Equal(t, []int{0, 2}, f.Uses())
}

// TestUsesAllNamedFields: Uses returns the indexes of the fields that an expression names by name or alias, each once, in order.
func TestUsesAllNamedFields(t *testing.T) {
	type named struct {
		text  string
		index int
	}
	var all []named
	for i, f := range schema.Fields() {
		for _, name := range append([]string{f.Name}, f.Aliases...) {
			all = append(all, named{name + " == " + name, i})
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		var texts []string
		var want []int
		for _, n := range rapid.SliceOfN(rapid.SampledFrom(all), 1, 20).Draw(t, "fields") {
			texts, want = append(texts, n.text), append(want, n.index)
		}
		f, err := schema.Compile(strings.Join(texts, " and "))
		require.NoError(t, err)
		slices.Sort(want)
		require.Equal(t, slices.Compact(want), f.Uses())
	})
}

// TestFirstFieldHasTheName: of two fields of one name or alias the first has it.
func TestFirstFieldHasTheName(t *testing.T) {
	s := where.NewSchema([]where.Field{
		{Name: "a", Kind: where.Int, Aliases: []string{"c"}}, {Name: "b", Kind: where.Int, Aliases: []string{"a"}}, {Name: "c", Kind: where.Text},
	})
	for name, want := range map[string]int{"a": 0, "b": 1, "c": 0} {
		f, err := s.Compile(name + " > 1")
		require.NoError(t, err)
		assert.Equal(t, []int{want}, f.Uses(), name)
	}
}

// TestRefusedField: a refused field gives its reason, by name and alias, and no other error.
func TestRefusedField(t *testing.T) {
	s := where.NewSchema([]where.Field{{Name: "x_count", Aliases: []string{"count"}, Kind: where.Int, Refused: "changes with every packet"}})
	for _, name := range []string{"x_count", "count"} {
		_, err := s.Compile("true and " + name + " > 1")
		assert.EqualError(t, err, "column 10: "+name+" changes with every packet")
	}
}

// TestBounds: an expression at the bounds compiles, and one beyond gives an error.
func TestBounds(t *testing.T) {
	longest := "true" + strings.Repeat(" ", 4092)
	_, err := schema.Compile(longest)
	require.NoError(t, err)
	_, err = schema.Compile(longest + " ")
	require.EqualError(t, err, "column 1: an expression has at most 4096 bytes")
	_, err = schema.Compile("true" + strings.Repeat(" or true", 500))
	var e *where.Error
	require.ErrorAs(t, err, &e)
	require.NotContains(t, err.Error(), "\n")
	_, err = schema.Compile("bytes in [" + strings.Repeat("1, ", 900) + "1]")
	require.NoError(t, err)
}

// TestClonesAreIndependent: clones of a filter match concurrently, each its own rows.
func TestClonesAreIndependent(t *testing.T) {
	f, err := schema.Compile(`dstport == 443 and private(srcaddr)`)
	require.NoError(t, err)
	var wait sync.WaitGroup
	for i := range 4 {
		clone, r, want := f.Clone(), web, i%2 == 0
		if !want {
			r = ssh
		}
		wait.Go(func() {
			for range 1000 {
				if !assert.Equal(t, want, clone.Match(r)) {
					return
				}
			}
		})
	}
	wait.Wait()
}

// TestReference: every operator and function of the reference is part of the language, and its examples have valid syntax.
func TestReference(t *testing.T) {
	operands := map[string]string{
		"and": "true and true", "or": "false or true", "not": "not false", "in": "bytes in [1]", "not in": "bytes not in [1]",
		"contains": `name contains ""`, "startsWith": `name startsWith ""`, "endsWith": `name endsWith ""`, "matches": `name matches ""`,
		"+": "bytes + 1 > 0", "-": "bytes - 1 > 0", "*": "bytes * 1 > 0", "/": "bytes / 1 > 0",
	}
	for _, s := range where.Operators {
		assert.NotEmpty(t, s.Doc)
		names := strings.Fields(s.Text)
		if strings.Contains(s.Text, ",") {
			names = strings.Split(s.Text, ", ")
		}
		for _, name := range names {
			text, ok := operands[name]
			if !ok {
				text = "bytes " + name + " 1"
			}
			_, err := schema.Compile(text)
			assert.NoError(t, err, text)
		}
	}
	arguments := strings.NewReplacer("address", "srcaddr", "range", `"10.0.0.0/8"`, "text", "name")
	_, err := schema.Compile("nonsense()")
	known := err.Error()
	for _, s := range where.Functions {
		for call := range strings.SplitSeq(s.Text, "), ") {
			call = strings.TrimSuffix(call, ")") + ")"
			name, _, _ := strings.Cut(call, "(")
			known = strings.Replace(known, name, "", 1)
			_, err := schema.Compile(fmt.Sprintf("%s == %[1]s", arguments.Replace(call)))
			assert.NoError(t, err, call)
		}
	}
	assert.Equal(t, `column 1: no function "nonsense"; want one of , , , , , `, known, "functions without an entry")
}
