package strictyaml

import (
	"maps"
	"slices"
	"strings"

	"github.com/hbollon/go-edlib"
	"go.yaml.in/yaml/v3"
)

// Field reads the value of a key and records its mistakes.
type Field func(key string, value *Node)

// Fields are the permitted keys of a mapping.
type Fields map[string]Field

// Entry is a key with its value.
type Entry struct {
	At    Position // of the key
	Key   string
	Value *Node
}

// Mapping reads the values of a mapping and returns its keys, or nil if the node is no mapping.
func (l *Loader) Mapping(n *Node, what string, known Fields) (given map[string]bool) {
	list, ok := l.Entries(n, what)
	if !ok {
		return nil
	}
	given = map[string]bool{}
	for _, e := range list {
		given[e.Key] = true
		if read := known[e.Key]; read != nil {
			read(e.Key, e.Value)
			continue
		}
		l.Problem(e.At, "unknown key %s in %s%s", Quote(e.Key), what, Suggestion(e.Key, slices.Sorted(maps.Keys(known))))
	}
	return given
}

// Entries returns the keys and values of a mapping. It leaves out repeated keys.
func (l *Loader) Entries(n *Node, what string) (list []Entry, ok bool) {
	if n.Kind != yaml.MappingNode {
		l.Problem(At(n), "%s: want keys and values ({} for none), found %s", what, Describe(n))
		return nil, false
	}
	first := map[string]int{} // the line
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := Entry{At(n.Content[i]), n.Content[i].Value, n.Content[i+1]}
		if line := first[e.Key]; line > 0 {
			l.Problem(e.At, "%s stands in %s for the second time: the first is in line %d", Quote(e.Key), what, line)
			continue
		}
		first[e.Key] = e.At.Line
		list = append(list, e)
	}
	return list, true
}

// Require records the missing keys of a mapping.
func (l *Loader) Require(at Position, what string, given map[string]bool, keys ...string) {
	for _, k := range keys {
		if given != nil && !given[k] {
			l.Problem(at, "%s: %s is missing", what, k)
		}
	}
}

// One returns the reader of a single value.
func One[T any](l *Loader, into *T, parse func(string) (T, error)) Field {
	return func(key string, n *Node) {
		if _, v, ok := Value(l, key, n, parse); ok {
			*into = v
		}
	}
}

// Many returns the reader of a list of at least one value without repetition.
func Many[T any](l *Loader, into *[]T, parse func(string) (T, error)) Field {
	return func(key string, n *Node) {
		elements := Items(n)
		if len(elements) == 0 {
			l.Problem(At(n), "%s: the list is empty: want at least one", key)
		}
		seen := map[string]bool{}
		for _, e := range elements {
			text, v, ok := Value(l, key, e, parse)
			if ok && seen[text] {
				l.Problem(At(e), "%s: %s is there twice", key, Quote(text))
			} else if ok {
				seen[text] = true
				*into = append(*into, v)
			}
		}
	}
}

// Texts returns the reader of a mapping of at least one text to its key, such as tags.
func Texts[M ~map[string]string](l *Loader, into *M) Field {
	return func(key string, n *Node) {
		before := l.Problems()
		*into = M{}
		list, _ := l.Entries(n, key)
		for _, e := range list {
			text, ok := Scalar(e.Value)
			if !ok {
				l.Problem(At(e.Value), `%s: %s: want a text ("" for an empty one), found %s`, key, e.Key, Describe(e.Value))
			}
			(*into)[e.Key] = text
		}
		if len(*into) == 0 && l.Problems() == before {
			l.Problem(At(n), "%s: want at least one", key)
		}
	}
}

// Value reads a single value.
func Value[T any](l *Loader, key string, n *Node, parse func(string) (T, error)) (text string, v T, ok bool) {
	if text, ok = Scalar(n); !ok {
		l.Problem(At(n), "%s: want a single value, found %s", key, Describe(n))
		return text, v, false
	}
	v, err := parse(text)
	if err != nil {
		l.Problem(At(n), "%s: %v", key, err)
	}
	return text, v, err == nil
}

// maxKnown is the length of the longest list of known words in a message.
const maxKnown = 30

// minSimilarity is the share of letters that a word must have in common with a known one to be taken for a misspelling of it.
const minSimilarity = 0.6

// Suggestion returns the end of an error about an unknown word: the known word that it resembles, or the list of known words. A
// word longer than maxQuote, which may be as long as the file, is not compared.
func Suggestion(word string, known []string) string {
	best := ""
	if len(word) <= maxQuote {
		best, _ = edlib.FuzzySearchThreshold(word, known, minSimilarity, edlib.OSADamerauLevenshtein) // only some other algorithms return errors
	}
	if best != "" {
		return "; did you mean " + Quote(best) + "?"
	}
	switch {
	case len(known) == 0:
		return "; there are none"
	case len(known) > maxKnown:
		return ""
	}
	return "; known are " + strings.Join(known, ", ")
}
