package spec

import (
	"bytes"
	"errors"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

var byteOrderMark = []byte("\ufeff")

// document returns the one document of a file, or nil after telling why not.
func (l *loader) document(text []byte) ast.Node {
	file, err := parser.ParseBytes(bytes.TrimPrefix(text, byteOrderMark), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		l.syntaxProblem(err)
		return nil
	}
	var body ast.Node
	for _, doc := range file.Docs { // a directive is one by itself
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
	at, text := Position{1, 1}, err.Error()
	var syntax yaml.Error
	if errors.As(err, &syntax) {
		text = syntax.GetMessage()
		if found := syntax.GetToken(); found != nil {
			at = Position{found.Position.Line, found.Position.Column}
		}
	}
	if strings.Contains(text, "'\t'") {
		text = "a tab, which YAML does not allow here: use spaces"
	}
	l.problem(at, "%s", text)
}

// plainYAML walks a document and tells of what only the larger YAML has. A spec is read as it stands: what a value is can be seen
// at its place.
type plainYAML struct{ *loader }

// Visit is ast.Visitor's.
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

// glued says whether a key without quotes has its value right behind the colon. To YAML the colon is part of the key then, to
// the parser it ends it: {aws:x: y} would be y to the one and "x: y" to the other.
func glued(n *ast.MappingValueNode) bool {
	key, colon := n.Key.GetToken(), n.Start.Position
	_, ok := scalar(n.Value)
	at := position(n.Value)
	return ok && key.Type == token.StringType && at.Line == colon.Line && at.Column == colon.Column+1
}

// position returns where a node begins: a mapping without braces at its first key, not at the colon behind it.
func position(n ast.Node) Position {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return position(m.Values[0].Key)
	}
	at := n.GetToken().Position
	return Position{at.Line, at.Column}
}

// scalar returns the text of a single value, as it is written but for quotes.
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

// describe says what a node is that is not what is wanted.
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
