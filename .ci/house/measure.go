package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// tree is the packages of a source tree, by folder.
type tree map[string]*pkg

// pkg is what was measured of one package.
type pkg struct {
	dir       string // relative to the root, with slashes
	name      string
	files     int
	lines     int
	testLines int
	docs      int // files with a package comment
	exported  int // exported functions, types, constants and variables; methods do not count
	funcs     []function
	methods   map[string]int      // by receiver type
	imports   map[string][]string // imported path: files that import it
}

// function is one function or method.
type function struct {
	name       string
	lines      int
	complexity int // cyclomatic
}

// measure parses every Go file below root. It leaves out testdata folders and what git ignores by convention here: bin and venv.
func measure(root string) (tree, error) {
	t := tree{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == ".git" || name == "bin" || name == "venv" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		return t.add(filepath.ToSlash(dir), path)
	})
	for dir, p := range t {
		if p.files == 0 { // tests alone: a module of its own, or tests of files that are no Go
			delete(t, dir)
		}
	}
	return t, err
}

func (t tree) add(dir, path string) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	p := t[dir]
	if p == nil {
		p = &pkg{dir: dir, methods: map[string]int{}, imports: map[string][]string{}}
		t[dir] = p
	}
	lines := bytes.Count(src, []byte("\n"))
	if strings.HasSuffix(path, "_test.go") {
		p.testLines += lines
		return nil
	}
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, path, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	p.name = f.Name.Name
	p.files++
	p.lines += lines
	if f.Doc != nil {
		p.docs++
	}
	for _, spec := range f.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		p.imports[path] = append(p.imports[path], filepath.Base(files.File(f.Pos()).Name()))
	}
	for _, decl := range f.Decls {
		p.declare(files, decl)
	}
	return nil
}

func (p *pkg) declare(files *token.FileSet, decl ast.Decl) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		name := d.Name.Name
		if d.Recv != nil {
			receiver := receiverType(d.Recv.List[0].Type)
			p.methods[receiver]++
			name = receiver + "." + name
		} else if d.Name.IsExported() {
			p.exported++
		}
		p.funcs = append(p.funcs, function{name, files.Position(d.End()).Line - files.Position(d.Pos()).Line + 1, complexity(d)})
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			p.exported += exportedNames(spec)
		}
	}
}

func exportedNames(spec ast.Spec) (n int) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() {
			n++
		}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			if name.IsExported() {
				n++
			}
		}
	}
	return n
}

// receiverType returns the name of a method's type, without pointer and type parameters.
func receiverType(e ast.Expr) string {
	switch t := e.(type) {
	case *ast.StarExpr:
		return receiverType(t.X)
	case *ast.IndexExpr:
		return receiverType(t.X)
	case *ast.IndexListExpr:
		return receiverType(t.X)
	case *ast.Ident:
		return t.Name
	default:
		return "?"
	}
}

// complexity is the cyclomatic complexity of a function, counted as gocyclo does: one, and one for each branch, case, && and ||.
// Function literals count for the function that they stand in.
func complexity(d *ast.FuncDecl) int {
	n := 1
	ast.Inspect(d, func(node ast.Node) bool {
		switch x := node.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
			n++
		case *ast.CaseClause:
			if x.List != nil {
				n++
			}
		case *ast.CommClause:
			if x.Comm != nil {
				n++
			}
		case *ast.BinaryExpr:
			if x.Op == token.LAND || x.Op == token.LOR {
				n++
			}
		}
		return true
	})
	return n
}

// largestType returns the type with the most methods, the first one by name of several.
func (p *pkg) largestType() (name string, methods int) {
	for n, m := range p.methods {
		if m > methods || m == methods && n < name {
			name, methods = n, m
		}
	}
	return name, methods
}

// longest returns the function with the most lines, complex the one with the most branches.
func (p *pkg) longest() function {
	return p.maxBy(func(f function) int { return f.lines })
}

func (p *pkg) mostComplex() function {
	return p.maxBy(func(f function) int { return f.complexity })
}

func (p *pkg) maxBy(of func(function) int) (found function) {
	for _, f := range p.funcs {
		if of(f) > of(found) {
			found = f
		}
	}
	return found
}

// quantile returns the length that a share of the functions does not exceed.
func (p *pkg) quantile(share float64) int {
	if len(p.funcs) == 0 {
		return 0
	}
	lines := make([]int, 0, len(p.funcs))
	for _, f := range p.funcs {
		lines = append(lines, f.lines)
	}
	slices.Sort(lines)
	return lines[min(int(share*float64(len(lines))), len(lines)-1)]
}
