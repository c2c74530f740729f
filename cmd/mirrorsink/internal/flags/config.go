package flags

import (
	"fmt"
	"os"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/yamlerror"
)

// ConfigFlag names the file; it cannot stand in the file itself.
const ConfigFlag = "config"

// configFile is a YAML file in which flags stand under their names. The flags are the only list of what is allowed, so
// that the two cannot drift apart.
type configFile struct {
	name  string
	flags *pflag.FlagSet
}

// List is a flag that may be given several times; in the file it may be a sequence.
type List interface {
	Append(text string) error
	Replace(texts []string) error
}

// LoadConfig sets the flags that stand in a file, but for those that the command line has set.
func LoadConfig(name string, flags *pflag.FlagSet) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	return ApplyConfig(name, text, flags)
}

// ApplyConfig sets the flags that stand in the text of a file, except those that the command line has set.
func ApplyConfig(name string, text []byte, flags *pflag.FlagSet) error {
	c := configFile{name, flags}
	if err := c.apply(text); err != nil {
		return UsageError{err}
	}
	return nil
}

func (c configFile) apply(text []byte) error {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return c.syntaxError(err)
	}
	for i, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.NullType || doc.Body.Type() == ast.CommentType {
			continue // an empty file, or comments alone
		}
		if i > 0 {
			return c.errorAt(doc.Body.GetToken(), "a second document: want one")
		}
		if err := c.document(doc.Body); err != nil {
			return err
		}
	}
	return nil
}

func (c configFile) document(body ast.Node) error {
	m, ok := body.(*ast.MappingNode)
	if !ok {
		return c.errorAt(body.GetToken(), "want flags as \"name: value\", a line each")
	}
	for _, entry := range m.Values {
		if err := c.entry(entry); err != nil {
			return err
		}
	}
	return nil
}

// entry sets one flag.
func (c configFile) entry(entry *ast.MappingValueNode) error {
	key := entry.Key.GetToken()
	flag := c.flags.Lookup(key.Value)
	if !Configurable(flag) {
		return c.errorAt(key, "unknown key %q%s", key.Value, c.suggestion(key.Value))
	}
	values := []ast.Node{entry.Value}
	many, isList := flag.Value.(List)
	if seq, ok := entry.Value.(*ast.SequenceNode); ok && isList {
		values = seq.Values
	}
	if flag.Changed {
		return nil // by the command line
	}
	flag.Changed = true // for Changed
	if !isList {
		return c.set(key, entry.Value, flag.Value.Set)
	}
	if err := many.Replace(nil); err != nil {
		return c.errorAt(key, "%s: %v", key.Value, err)
	}
	for _, v := range values {
		if err := c.set(key, v, namingValue(many.Append)); err != nil {
			return err
		}
	}
	return nil
}

// namingValue adds the value to errors, for lists.
func namingValue(set func(string) error) func(string) error {
	return func(text string) error {
		if err := set(text); err != nil {
			return fmt.Errorf("%q: %w", text, err)
		}
		return nil
	}
}

// set passes the text of one value on.
func (c configFile) set(key *token.Token, value ast.Node, set func(string) error) error {
	scalar, ok := value.(ast.ScalarNode)
	if !ok || value.Type() == ast.NullType {
		at := key
		if ok {
			at = value.GetToken()
		}
		return c.errorAt(at, "%s: want a value, found %s", key.Value, describe(value))
	}
	if err := set(scalar.GetToken().Value); err != nil {
		return c.errorAt(value.GetToken(), "%s: %v", key.Value, err)
	}
	return nil
}

func describe(value ast.Node) string {
	switch value.Type() {
	case ast.NullType:
		return "none"
	case ast.SequenceType:
		return "a list"
	case ast.MappingType, ast.MappingValueType:
		return "a mapping"
	default:
		return "something else"
	}
}

// Configurable reports whether a flag may be a key of the file.
func Configurable(flag *pflag.Flag) bool {
	return flag != nil && flag.Name != ConfigFlag && flag.Name != "help"
}

func (c configFile) suggestion(key string) string {
	var known []string
	c.flags.VisitAll(func(f *pflag.Flag) {
		if Configurable(f) {
			known = append(known, f.Name)
		}
	})
	if best := Closest(key, known); best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return ""
}

func (c configFile) syntaxError(err error) error {
	p := yamlerror.Describe(err)
	return fmt.Errorf("%s:%d:%d: %s", c.name, p.Line, p.Column, p.Text)
}

func (c configFile) errorAt(at *token.Token, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: %w", c.name, at.Position.Line, at.Position.Column, fmt.Errorf(format, args...))
}
