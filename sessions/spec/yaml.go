package spec

import (
	"bytes"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/mirrorsink/mirrorsink/sessions/spec/yamlerror"
)

var byteOrderMark = []byte("\ufeff")

// document returns the only document of a file. If there is none, it records why and returns nil.
func (l *loader) document(text []byte) ast.Node {
	file, err := parser.ParseBytes(bytes.TrimPrefix(text, byteOrderMark), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		l.syntaxProblem(err)
		return nil
	}
	var body ast.Node
	for _, doc := range file.Docs { // a directive is a document by itself
		switch {
		case doc.Body == nil || doc.Body.Type() == ast.NullType || doc.Body.Type() == ast.CommentType:
		case doc.Body.Type() == ast.DirectiveType:
			l.problem(position(doc.Body), "YAML directives are not read here: leave the line out")
		case body != nil:
			l.problem(position(doc.Body), "a second document: want one")
		default:
			body = doc.Body
			ast.Walk(plainYAML{l}, body)
		}
	}
	if body == nil {
		l.problem(Position{1, 1}, "the file is empty: want owner and sessions, and what they need")
	}
	if len(l.problems) > 0 {
		return nil
	}
	return body
}

func (l *loader) syntaxProblem(err error) {
	p := yamlerror.Describe(err)
	l.problem(Position{p.Line, p.Column}, "%s", p.Text)
}

// plainYAML walks a document and records features that a spec does not have: anchors, tags, and complex keys. Every value of a spec can be
// read at its place.
type plainYAML struct{ *loader }

// Visit implements ast.Visitor.
func (p plainYAML) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.MappingValueNode:
		if glued(n) {
			p.problem(position(n.Key), "want a space behind the colon of %s, or quotes around all of a key that has colons itself", quote(n.Key.GetToken().Value))
			return nil
		}
		return p
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		p.problem(position(n), "anchors, aliases and merge keys are not read here: write the value out")
	case *ast.TagNode:
		p.problem(position(n), "YAML tags are not read here: leave %s out, and put text that looks like something else in quotes", quote(n.GetToken().Value))
	case *ast.MappingKeyNode:
		p.problem(position(n), `a key with "?" is not read here: write "key: value"`)
	default:
		return p
	}
	return nil
}

// glued reports whether an unquoted key has its value directly after the colon. In YAML the colon is then part of the key; for the parser it
// ends the key: {aws:x: y} is y for YAML and "x: y" for the parser.
func glued(n *ast.MappingValueNode) bool {
	key, colon := n.Key.GetToken(), n.Start.Position
	_, ok := scalar(n.Value)
	at := position(n.Value)
	return ok && key.Type == token.StringType && at.Line == colon.Line && at.Column == colon.Column+1
}

// position returns the start of a node. A mapping without braces starts at its first key, not at the colon.
func position(n ast.Node) Position {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return position(m.Values[0].Key)
	}
	at := n.GetToken().Position
	return Position{at.Line, at.Column}
}

// scalar returns the text of a single value as written, without quotes.
func scalar(n ast.Node) (text string, ok bool) {
	switch n := n.(type) {
	case *ast.NullNode:
		return "", false
	case *ast.LiteralNode:
		return n.Value.Value, true
	case ast.ScalarNode:
		return n.GetToken().Value, true
	default:
		return "", false
	}
}

// describe returns the kind of an unexpected node, for messages.
func describe(n ast.Node) string {
	switch n.(type) {
	case *ast.NullNode:
		return "none"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode:
		return "a mapping"
	}
	text, _ := scalar(n)
	return quote(text)
}
