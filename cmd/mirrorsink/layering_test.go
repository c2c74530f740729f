package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/mirrorsink/mirrorsink/"

// mayImport is who may import what of ours. Imports only go down; what is not named here may import nothing of ours.
var mayImport = map[string][]string{
	"cmd/mirrorsink": {
		"decap", "decap/netif", "decap/rx", "decap/rx/capture", "decap/tx", "decap/sim", "inspect", "inspect/event", "inspect/export", "inspect/forward", "inspect/l7", "inspect/mirror", "inspect/pdns",
		"inspect/export/aws", "inspect/flowlog", "inspect/report", "inspect/report/page", "inspect/where", "sessions", "sessions/aws",
	},
	"sessions/aws":                {"sessions"},
	"sessions/ec2test/playground": {"sessions/ec2test"},
	"inspect":                     {"inspect/forward", "inspect/mirror", "inspect/pdns", "inspect/dedup", "inspect/frag", "inspect/flow", "inspect/l7", "inspect/event", "decap"},
	"inspect/export":              {"inspect/event", "inspect/l7", "inspect/flowlog", "decap"},
	"inspect/export/aws":          {"inspect/event", "inspect/export", "inspect/flowlog", "inspect/l7"},
	"inspect/report":              {"inspect/flowlog", "inspect/report/input", "inspect/where"},
	"inspect/report/input":        {"inspect/flowlog"},
	"inspect/report/page":         {"inspect/report"},
	"inspect/flowlog":             {"inspect/event", "inspect/l7", "decap"},
	"inspect/event":               {"inspect/l7", "decap"},
	"inspect/forward":             {"inspect/where", "inspect/dedup", "inspect/mirror", "inspect/flow", "inspect/l7", "inspect/event", "decap"},
	"inspect/flow":                {"inspect/event", "inspect/l7", "decap"},
	"inspect/frag":                {"decap"},
	"inspect/dedup":               {"inspect/event", "decap"},
	"inspect/mirror":              {"inspect/event", "decap"},
	"inspect/l7":                  {"decap/wire"},
	"decap/rx":                    {"decap", "decap/mmsg", "decap/netif"},
	"decap/rx/capture":            {"decap"},
	"decap/tx":                    {"decap", "decap/mmsg", "decap/netif"},
	"decap/sim":                   {"decap"},
	"decap":                       {"decap/wire"},
}

// onlyIn is where libraries may be imported: each in few places, so that replacing one stays a small change.
var onlyIn = map[string][]string{
	"github.com/google/gopacket":            {"decap/tx"},
	"github.com/prometheus/client_golang":   {"cmd/mirrorsink"},
	"github.com/spf13":                      {"cmd/mirrorsink"},
	"github.com/goccy/go-yaml":              {"cmd/mirrorsink", "decap/sim", "sessions"},
	"github.com/aws":                        {"sessions/aws", "inspect/export/aws"},
	"github.com/parquet-go/parquet-go":      {"inspect/export", "inspect/report/input"},
	"github.com/expr-lang/expr":             {"inspect/where"},
	"golang.org/x/sys/unix":                 {"cmd/mirrorsink", "decap/mmsg", "decap/netif", "decap/rx", "decap/rx/capture", "decap/tx", "inspect/flow"},
	"github.com/hbollon/go-edlib":           {"cmd/mirrorsink", "inspect/where", "sessions"},
	"github.com/gaissmai/bart":              {"decap", "inspect/flowlog"},
	"github.com/stretchr/testify":           {},
	"github.com/quic-go/quic-go":            {},
	"pgregory.net/rapid":                    {},
	"github.com/santhosh-tekuri/jsonschema": {},
	"unsafe":                                {"decap/mmsg", "decap/rx", "decap/tx", "inspect", "inspect/event", "inspect/flow", "inspect/forward", "inspect/frag"},
	"os/exec":                               {},
	"net/http/pprof":                        {},
	"expvar":                                {},
}

// goFile is one file of the program, opened here: a test that asked the go tool would be cached by it.
type goFile struct {
	dir  string // of the module, with slashes
	file *ast.File
	name string
}

func goFiles(t *testing.T) (files []goFile) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	require.NoError(t, filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if name != root && (strings.HasPrefix(base, ".") || base == "testdata" || base == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(name))
		files = append(files, goFile{filepath.ToSlash(dir), f, base})
		return err
	}))
	require.NotEmpty(t, files)
	return files
}

func TestImportsGoDown(t *testing.T) {
	for _, src := range goFiles(t) {
		for _, spec := range src.file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			if ours, ok := strings.CutPrefix(imported, module); ok {
				assert.Contains(t, mayImport[src.dir], ours, "%s/%s imports %s", src.dir, src.name, ours)
			}
			for library, places := range onlyIn {
				if imported == library || strings.HasPrefix(imported, library+"/") {
					assert.Contains(t, places, src.dir, "%s/%s imports %s", src.dir, src.name, imported)
				}
			}
		}
	}
}

// TestOnePackageComment: every package says once what goes in, what comes out, and what it does not do.
func TestOnePackageComment(t *testing.T) {
	comments := map[string]int{}
	for _, src := range goFiles(t) {
		comments[src.dir] += 0
		if src.file.Doc != nil {
			comments[src.dir]++
		}
	}
	for dir, n := range comments {
		assert.Equal(t, 1, n, "package comments in %s", dir)
	}
}

// TestTopLevel holds the layout: no other folder of Go code, and none for odds and ends.
func TestTopLevel(t *testing.T) {
	allowed := map[string]bool{"cmd": true, "decap": true, "inspect": true, "sessions": true, "testdata": true, "docs": true, "deploy": true, "bin": true}
	entries, err := os.ReadDir("../..")
	require.NoError(t, err)
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			assert.True(t, allowed[e.Name()], "folder %s", e.Name())
		}
	}
	for _, src := range goFiles(t) {
		assert.NotContains(t, []string{"util", "utils", "common", "base", "helpers"}, path.Base(src.dir))
	}
}
