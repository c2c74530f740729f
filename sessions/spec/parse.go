package spec

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// maxProblems limits the errors of one file. Further errors often have the same cause.
const maxProblems = 20

// Parse reads a spec from YAML. The name is that of the file, for messages. Unknown keys and impossible values are errors. The returned
// error joins an *Error for each mistake in the order of the file, at most maxProblems. docs/sessions.md describes the format.
func Parse(name string, text []byte) (*Spec, error) {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) // after a comment the parser takes a Windows line end for two
	l := &loader{spec: &Spec{File: name}, lines: strings.Split(string(text), "\n")}
	if body := l.document(text); body != nil {
		l.file(body)
		l.checkTargets()
	}
	if len(l.problems) > 0 {
		return nil, l.error()
	}
	return l.spec, nil
}

// loader builds a spec and collects its mistakes.
type loader struct {
	spec     *Spec
	lines    []string // of the file
	problems []*Error
}

// problem records a mistake. The parser places a missing node, such as the value of "key:", a few columns after the end of the line; the
// recorded position is the end.
func (l *loader) problem(at Position, format string, args ...any) {
	at.Line = min(at.Line, len(l.lines))
	at.Column = min(at.Column, utf8.RuneCountInString(l.lines[at.Line-1])+1)
	l.problems = append(l.problems, l.spec.Errorf(at, format, args...))
}

// error returns the joined mistakes.
func (l *loader) error() error {
	slices.SortStableFunc(l.problems, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Column, b.At.Column))
	})
	if over := len(l.problems) - maxProblems; over > 0 {
		l.problems = l.problems[:maxProblems]
		last := l.problems[maxProblems-1]
		last.Text = fmt.Sprintf("%s (%d more from here on)", last.Text, over)
	}
	errs := make([]error, len(l.problems))
	for i, p := range l.problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// file reads the whole file. It reads sessions last, whatever their place, since they refer to all other sections.
func (l *loader) file(body ast.Node) {
	sessions := func() {}
	given := l.mapping(body, "the spec", fields{
		"owner":   one(l, &l.spec.Owner, parseOwner),
		"targets": l.named("target", l.target),
		"filters": l.named("filter", l.filter),
		"sources": l.named("source", l.source),
		"sessions": func(key string, value ast.Node) {
			sessions = func() { l.named("session", l.session)(key, value) }
		},
	})
	l.require(position(body), "the spec", given, "owner", "sessions")
	sessions()
}

// named returns the reader of a section of named entries.
func (l *loader) named(kind string, read func(at Position, name string, value ast.Node)) field {
	return func(_ string, value ast.Node) {
		list, _ := l.entries(value, kind+"s")
		for _, e := range list {
			if _, err := parseName(e.key); err != nil {
				l.problem(e.at, "the name of a %s: %v", kind, err)
			}
			read(e.at, e.key, e.value)
		}
	}
}
