package spec

import (
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/hbollon/go-edlib"
)

// field reads the value of a key and records its mistakes.
type field func(key string, value ast.Node)

// fields are the permitted keys of a mapping.
type fields map[string]field

// entry is a key with its value.
type entry struct {
	at    Position
	key   string
	value ast.Node
}

// mapping reads the values of a mapping and returns its keys, or nil if the node is no mapping.
func (l *loader) mapping(n ast.Node, what string, known fields) (given map[string]bool) {
	list, ok := l.entries(n, what)
	if !ok {
		return nil
	}
	given = map[string]bool{}
	for _, e := range list {
		given[e.key] = true
		if read := known[e.key]; read != nil {
			read(e.key, e.value)
			continue
		}
		l.problem(e.at, "unknown key %s in %s%s", quote(e.key), what, suggestion(e.key, slices.Sorted(maps.Keys(known))))
	}
	return given
}

// entries returns the keys and values of a mapping. It leaves out repeated keys.
func (l *loader) entries(n ast.Node, what string) (list []entry, ok bool) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		l.problem(position(n), "%s: want keys and values ({} for none), found %s", what, describe(n))
		return nil, false
	}
	first := map[string]int{} // the line
	for _, v := range m.Values {
		e := entry{position(v.Key), v.Key.GetToken().Value, v.Value}
		if line := first[e.key]; line > 0 {
			l.problem(e.at, "%s stands in %s for the second time: the first is in line %d", quote(e.key), what, line)
			continue
		}
		first[e.key] = e.at.Line
		list = append(list, e)
	}
	return list, true
}

// require records the missing keys of a mapping.
func (l *loader) require(at Position, what string, given map[string]bool, keys ...string) {
	for _, k := range keys {
		if given != nil && !given[k] {
			l.problem(at, "%s: %s is missing", what, k)
		}
	}
}

// items returns the elements of a list, or a single value as a list of one.
func items(n ast.Node) []ast.Node {
	if list, ok := n.(*ast.SequenceNode); ok {
		return list.Values
	}
	return []ast.Node{n}
}

// one returns the reader of a single value.
func one[T any](l *loader, into *T, parse func(string) (T, error)) field {
	return func(key string, n ast.Node) {
		if _, v, ok := value(l, key, n, parse); ok {
			*into = v
		}
	}
}

// many returns the reader of a list of at least one value without repetition.
func many[T any](l *loader, into *[]T, parse func(string) (T, error)) field {
	return func(key string, n ast.Node) {
		elements := items(n)
		if len(elements) == 0 {
			l.problem(position(n), "%s: the list is empty: want at least one", key)
		}
		seen := map[string]bool{}
		for _, e := range elements {
			text, v, ok := value(l, key, e, parse)
			if ok && seen[text] {
				l.problem(position(e), "%s: %s is there twice", key, quote(text))
			} else if ok {
				seen[text] = true
				*into = append(*into, v)
			}
		}
	}
}

// value reads a single value.
func value[T any](l *loader, key string, n ast.Node, parse func(string) (T, error)) (text string, v T, ok bool) {
	if text, ok = scalar(n); !ok {
		l.problem(position(n), "%s: want a single value, found %s", key, describe(n))
		return text, v, false
	}
	v, err := parse(text)
	if err != nil {
		l.problem(position(n), "%s: %v", key, err)
	}
	return text, v, err == nil
}

// maxKnown is the length of the longest list of known words in a message.
const maxKnown = 30

// minSimilarity is the share of letters that a word must have in common with a known one to be taken for a misspelling of it.
const minSimilarity = 0.6

// suggestion returns the end of an error about an unknown word: the known word that it resembles, or the list of known words. A
// word longer than maxQuote, which may be as long as the file, is not compared.
func suggestion(word string, known []string) string {
	best := ""
	if len(word) <= maxQuote {
		best, _ = edlib.FuzzySearchThreshold(word, known, minSimilarity, edlib.OSADamerauLevenshtein) // only some other algorithms return errors
	}
	if best != "" {
		return "; did you mean " + quote(best) + "?"
	}
	switch {
	case len(known) == 0:
		return "; there are none"
	case len(known) > maxKnown:
		return ""
	}
	return "; known are " + strings.Join(known, ", ")
}
