package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The limits. A reader has a type, a function or a program in view at once up to about these sizes.
const (
	mostMethods    = 50
	longestFunc    = 60 // lines
	mostComplexity = 15 // cyclomatic, as the linter has it
	mostMainFiles  = 10 // a package main holds commands; what runs has packages with names
)

// broken returns a line for each limit of size that a package breaks, and for each package that is not documented once.
func (t tree) broken() (lines []string) {
	say := func(p *pkg, format string, args ...any) {
		lines = append(lines, p.dir+": "+fmt.Sprintf(format, args...))
	}
	for _, dir := range slices.Sorted(maps.Keys(t)) {
		p := t[dir]
		for _, name := range slices.Sorted(maps.Keys(p.methods)) {
			if n := p.methods[name]; n > mostMethods {
				say(p, "%s has %d methods, the limit is %d: is it one thing in one role?", name, n, mostMethods)
			}
		}
		for _, f := range p.funcs {
			if f.lines > longestFunc {
				say(p, "%s has %d lines, the limit is %d", f.name, f.lines, longestFunc)
			}
			if f.complexity > mostComplexity {
				say(p, "%s has a cyclomatic complexity of %d, the limit is %d", f.name, f.complexity, mostComplexity)
			}
		}
		if p.name == "main" && p.files > mostMainFiles {
			say(p, "package main has %d files, the limit is %d: give what runs packages with names", p.files, mostMainFiles)
		}
		if p.docs != 1 {
			say(p, "%d files have a package comment, want 1", p.docs)
		}
	}
	return lines
}

const module = "github.com/mirrorsink/mirrorsink/"

// brokenImports returns a line for each import that the tables do not allow, and for each right in them that nobody uses. Tools, which are
// in folders that begin with a dot and in testdata, may import what they measure.
func (t tree) brokenImports(mayImport, onlyIn map[string][]string) (lines []string) {
	used := map[string]bool{}
	for _, dir := range slices.Sorted(maps.Keys(t)) {
		if strings.HasPrefix(dir, ".") || strings.HasPrefix(dir, "testdata/") {
			continue
		}
		for _, path := range slices.Sorted(maps.Keys(t[dir].imports)) {
			files := strings.Join(t[dir].imports[path], ", ")
			if ours, ok := strings.CutPrefix(path, module); ok {
				used[dir+" "+ours] = true
				if !slices.Contains(mayImport[dir], ours) {
					lines = append(lines, fmt.Sprintf("%s: %s imports %s, which .ci/house/imports.go does not allow", dir, files, ours))
				}
			}
			for library, places := range onlyIn {
				if path == library || strings.HasPrefix(path, library+"/") {
					used[library+" in "+dir] = true
					if !slices.Contains(places, dir) {
						lines = append(lines, fmt.Sprintf("%s: %s imports %s, which .ci/house/imports.go allows elsewhere only", dir, files, path))
					}
				}
			}
		}
	}
	return append(lines, unused(used, mayImport, onlyIn)...)
}

// unused returns a line for each right that nobody uses.
func unused(used map[string]bool, mayImport, onlyIn map[string][]string) (lines []string) {
	for _, dir := range slices.Sorted(maps.Keys(mayImport)) {
		for _, ours := range mayImport[dir] {
			if !used[dir+" "+ours] {
				lines = append(lines, fmt.Sprintf("%s: may import %s by .ci/house/imports.go, and does not: remove the right", dir, ours))
			}
		}
	}
	for _, library := range slices.Sorted(maps.Keys(onlyIn)) {
		for _, dir := range onlyIn[library] {
			if !used[library+" in "+dir] {
				lines = append(lines, fmt.Sprintf("%s: may import %s by .ci/house/imports.go, and does not: remove the right", dir, library))
			}
		}
	}
	return lines
}
