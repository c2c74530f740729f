package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// write makes a tree of files from their names and contents.
func write(t *testing.T, files map[string]string) string {
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return root
}

func TestMeasure(t *testing.T) {
	tree, err := measure(write(t, map[string]string{
		"a/a.go": `// Package a is documented.
package a

import "fmt"

// T is exported, as are F and C; u and T's methods do not count.
type T struct{}

type u[K comparable] struct{}

const C, d = 1, 2

func (t *T) M(x int) int {
	if x > 0 && x < 9 || x == 12 {
		return 1
	}
	for range 3 {
		switch x {
		case 1, 2:
		default:
		}
	}
	return 0
}
func (u[K]) m() {}
func (*u[K]) n() {}
func F() { fmt.Println() }
`,
		"a/a_test.go":     "package a\n\n\n",
		"tests/b_test.go": "package tests\n",
		"bin/c.go":        "package broken {",
	}))
	require.NoError(t, err)
	require.Len(t, tree, 1, "folders with tests alone, and bin, are no packages")
	p := tree["a"]
	require.Equal(t, 1, p.files)
	require.Equal(t, 3, p.testLines)
	require.Equal(t, 3, p.exported)
	name, methods := p.largestType()
	require.Equal(t, "u", name)
	require.Equal(t, 2, methods)
	require.Equal(t, function{"T.M", 12, 6}, p.mostComplex())
	require.Equal(t, 12, p.longest().lines)
	require.Equal(t, 1, p.quantile(.5))
	require.Empty(t, tree.broken())
}

func TestLimits(t *testing.T) {
	files := map[string]string{
		"methods/a.go": "// Package methods has a large type.\npackage methods\n\ntype T int\n" + strings.Repeat("func (T) M() {}\n", 51),
		"long/a.go":    "// Package long has a long function.\npackage long\n\nfunc f() {\n" + strings.Repeat("\n", 59) + "}\n",
		"branchy/a.go": "// Package branchy has a complex function.\npackage branchy\n\nfunc f(x bool) {\n" + strings.Repeat("if x {}\n", 15) + "}\n",
		"silent/a.go":  "package silent\n",
		"twice/a.go":   "// Package twice.\npackage twice\n",
		"twice/b.go":   "// Package twice.\npackage twice\n",
	}
	for i := range 11 {
		files["prog/"+string(rune('a'+i))+".go"] = "package main\n"
	}
	files["prog/a.go"] = "// Command prog has many files.\npackage main\n"
	tree, err := measure(write(t, files))
	require.NoError(t, err)
	require.Equal(t, []string{
		"branchy: f has a cyclomatic complexity of 16, the limit is 15",
		"long: f has 61 lines, the limit is 60",
		"methods: T has 51 methods, the limit is 50: is it one thing in one role?",
		"prog: package main has 11 files, the limit is 10: give what runs packages with names",
		"silent: 0 files have a package comment, want 1",
		"twice: 2 files have a package comment, want 1",
	}, tree.broken())
}

func TestImports(t *testing.T) {
	tree, err := measure(write(t, map[string]string{
		"a/a.go":        "// Package a.\npackage a\n\nimport _ \"" + module + "b\"\nimport _ \"lib.example/x/y\"\n",
		"b/b.go":        "// Package b.\npackage b\n\nimport _ \"lib.example/x\"\n",
		".tool/main.go": "// Command tool.\npackage main\n\nimport _ \"" + module + "b\"\n",
	}))
	require.NoError(t, err)
	require.Empty(t, tree.brokenImports(map[string][]string{"a": {"b"}}, map[string][]string{"lib.example/x": {"a", "b"}}))
	require.Equal(t, []string{
		"a: a.go imports b, which .ci/house/imports.go does not allow",
		"a: a.go imports lib.example/x/y, which .ci/house/imports.go allows elsewhere only",
		"b: may import a by .ci/house/imports.go, and does not: remove the right",
		"c: may import lib.example/x by .ci/house/imports.go, and does not: remove the right",
	}, tree.brokenImports(map[string][]string{"b": {"a"}}, map[string][]string{"lib.example/x": {"b", "c"}}))
}

// TestThisTree holds the limits for the source that the test is part of.
func TestThisTree(t *testing.T) {
	tree, err := measure("../..")
	require.NoError(t, err)
	require.Greater(t, len(tree), 20)
	require.Empty(t, append(tree.broken(), tree.brokenImports(mayImport, onlyIn)...))
}

// TestTopLevel holds the layout: no other folder of Go code, and none for odds and ends.
func TestTopLevel(t *testing.T) {
	allowed := []string{"cmd", "decap", "inspect", "sessions", "testdata", "docs", "deploy", "bin"}
	entries, err := os.ReadDir("../..")
	require.NoError(t, err)
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			require.Contains(t, allowed, e.Name())
		}
	}
	tree, err := measure("../..")
	require.NoError(t, err)
	for dir := range tree {
		require.NotContains(t, []string{"util", "utils", "common", "base", "helpers"}, filepath.Base(dir))
	}
}
