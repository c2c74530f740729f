package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// step is one line of a way: a function, in a file.
var step = regexp.MustCompile("^[0-9]+\\. \\[([^\\]]+)\\]\\(\\.\\./([^)]+)\\) `([^`]+)` ")

// TestWaysOfADatagram: docs/architecture.md shows three ways of at most 20 functions, each of which is in the file that the page names.
func TestWaysOfADatagram(t *testing.T) {
	page := texts(t, ".md")["docs/architecture.md"]
	_, section, ok := strings.Cut(page, "\n## The way of a datagram\n")
	require.True(t, ok)
	section, _, _ = strings.Cut(section, "\n## ")
	ways := strings.Split(section, "\n### ")[1:]
	require.Len(t, ways, 3)
	for _, way := range ways {
		title, _, _ := strings.Cut(way, "\n")
		steps := 0
		for line := range strings.Lines(way) {
			if !regexp.MustCompile(`^[0-9]+\. `).MatchString(line) {
				continue
			}
			steps++
			m := step.FindStringSubmatch(line)
			if assert.NotNil(t, m, "%s: %s", title, line) {
				assert.Equal(t, m[1], m[2], title)
				assert.Contains(t, functionsOf(t, filepath.Join("../..", m[2])), m[3], "%s: %s", title, m[2])
			}
		}
		assert.Greater(t, steps, 10, title)
		assert.LessOrEqual(t, steps, 20, title)
	}
}

// functionsOf returns the names of a file's functions, methods behind their types.
func functionsOf(t *testing.T, path string) (names []string) {
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	for _, decl := range f.Decls {
		if d, ok := decl.(*ast.FuncDecl); ok {
			name := d.Name.Name
			if d.Recv != nil {
				name = receiverType(d.Recv.List[0].Type) + "." + name
			}
			names = append(names, name)
		}
	}
	return names
}

// TestLayout: docs/architecture.md has a line for each package that is not internal to another.
func TestLayout(t *testing.T) {
	_, section, ok := strings.Cut(texts(t, ".md")["docs/architecture.md"], "\n## Layout\n")
	require.True(t, ok)
	section, _, _ = strings.Cut(section, "\n## ")
	tree, err := measure("../..")
	require.NoError(t, err)
	for dir := range tree {
		if !strings.HasPrefix(dir, ".") && !strings.Contains(dir, "/internal/") && !strings.HasPrefix(dir, "testdata/") && dir != "docs" {
			assert.True(t, strings.Contains(section, "`"+dir+"`"), "no line for %s", dir)
		}
	}
}
