// Package strictyaml reads small YAML files strictly: unknown and repeated keys, anchors, tags and second documents are mistakes. It
// collects all mistakes of a file, each with its line and column, so that a person can mend them at once.
package strictyaml

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Position is a place in the file, counted from 1.
type Position struct{ Line, Column int }

// An Error is a mistake in a file with its position.
type Error struct {
	File string
	At   Position
	Text string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.At.Line, e.At.Column, e.Text)
}

// maxProblems limits the errors of one file. Further errors often have the same cause.
const maxProblems = 20

// A Loader reads one file and collects its mistakes. It is not safe for concurrent use.
type Loader struct {
	name     string
	text     []byte
	problems []*Error
}

// NewLoader makes a loader of a file's text, which it keeps. The name is that of the file, for messages.
func NewLoader(name string, text []byte) *Loader {
	if windows := []byte("\r\n"); bytes.Contains(text, windows) { // after a comment the parser takes a Windows line end for two
		text = bytes.ReplaceAll(text, windows, []byte("\n"))
	}
	return &Loader{name: name, text: bytes.TrimPrefix(text, byteOrderMark)}
}

// Problem records a mistake.
func (l *Loader) Problem(at Position, format string, args ...any) {
	l.problems = append(l.problems, &Error{l.name, at, fmt.Sprintf(format, args...)})
}

// within returns a position that the file has. The parser places a missing node, such as the value of "key:", a few columns after the end
// of the line, or in a line after the last.
func (l *Loader) within(at Position) Position {
	number := 0
	var line []byte
	for rest, more := l.text, true; more && number < at.Line; number++ {
		line, rest, more = bytes.Cut(rest, []byte("\n"))
	}
	return Position{number, min(at.Column, utf8.RuneCount(line)+1)}
}

// Problems returns the number of mistakes so far.
func (l *Loader) Problems() int { return len(l.problems) }

// Err joins an *Error for each mistake, in the order of the file, at most maxProblems. It is nil if there is none.
func (l *Loader) Err() error {
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
		p.At = l.within(p.At)
		errs[i] = p
	}
	return errors.Join(errs...)
}
