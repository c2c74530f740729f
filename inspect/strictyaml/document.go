package strictyaml

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"
)

// Node is a part of a document.
type Node = yaml.Node

var byteOrderMark = []byte("\ufeff")

// Document returns the file's only document. If there is none, or it uses features of YAML that strict files do not have, it records why
// and returns nil. want describes a useful file, for the message about an empty one.
func (l *Loader) Document(want string) *Node {
	decoder := yaml.NewDecoder(bytes.NewReader(l.text))
	var body *Node
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			l.syntaxProblem(err)
			return nil
		}
		switch n := document.Content[0]; {
		case IsNull(n):
		case body != nil:
			l.Problem(At(n), "a second document: want one")
		default:
			body = n
			l.checkPlain(n, 0)
		}
	}
	if body == nil {
		l.Problem(Position{1, 1}, "the file is empty: want %s", want)
	}
	if len(l.problems) > 0 {
		return nil
	}
	return body
}

// maxDepth bounds the nesting of a document, which readers follow recursively.
const maxDepth = 32

// checkPlain records features that a strict file does not have: anchors, aliases, tags, and complex keys. Every value can be read at its
// place.
func (l *Loader) checkPlain(n *Node, depth int) {
	switch {
	case depth > maxDepth:
		l.Problem(At(n), "nested more than %d deep", maxDepth)
		return
	case n.Kind == yaml.AliasNode, n.Anchor != "", n.Tag == "!!merge":
		l.Problem(At(n), "anchors, aliases and merge keys are not read here: write the value out, and put a text that begins with * or & in quotes")
		return
	case n.Style&yaml.TaggedStyle != 0:
		l.Problem(At(n), "YAML tags are not read here: leave %s out, and put text that looks like something else in quotes", Quote(n.Tag))
		return
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && child.Kind != yaml.ScalarNode && child.Kind != yaml.AliasNode {
			l.Problem(At(child), "a key that is a list or a mapping is not read here: want a text")
			continue
		}
		l.checkPlain(child, depth+1)
	}
}

// At returns the start of a node.
func At(n *Node) Position { return Position{n.Line, n.Column} }

// IsNull reports whether a node is the absence of a value, as in "key:".
func IsNull(n *Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// Scalar returns the text of a single value as written, without quotes.
func Scalar(n *Node) (text string, ok bool) {
	if n.Kind != yaml.ScalarNode || IsNull(n) {
		return "", false
	}
	return n.Value, true
}

// Items returns the elements of a list, or a single value as a list of one.
func Items(n *Node) []*Node {
	if n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return []*Node{n}
}

// Describe returns the kind of an unexpected node, for messages.
func Describe(n *Node) string {
	switch {
	case IsNull(n):
		return "none"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	}
	return Quote(n.Value)
}

// IsMapping reports whether a node is a mapping.
func IsMapping(n *Node) bool { return n.Kind == yaml.MappingNode }
