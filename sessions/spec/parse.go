package spec

import (
	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
)

// Parse reads a spec from YAML. The name is that of the file, for messages. Unknown keys and impossible values are errors. The returned
// error joins a *strictyaml.Error for each mistake in the order of the file. docs/sessions.md describes the format.
func Parse(name string, text []byte) (*Spec, error) {
	l := &loader{strictyaml.NewLoader(name, text), &Spec{File: name}}
	if body := l.Document("owner and sessions, and what they need"); body != nil {
		l.file(body)
		l.checkTargets()
	}
	if err := l.Err(); err != nil {
		return nil, err
	}
	return l.spec, nil
}

// loader builds a spec.
type loader struct {
	*strictyaml.Loader
	spec *Spec
}

// file reads the whole file. It reads sessions last, whatever their place, since they refer to all other sections.
func (l *loader) file(body *strictyaml.Node) {
	sessions := func() {}
	given := l.Mapping(body, "the spec", strictyaml.Fields{
		"owner":   strictyaml.One(l.Loader, &l.spec.Owner, parseOwner),
		"targets": l.named("target", l.target),
		"filters": l.named("filter", l.filter),
		"sources": l.named("source", l.source),
		"sessions": func(key string, value *strictyaml.Node) {
			sessions = func() { l.named("session", l.session)(key, value) }
		},
	})
	l.Require(strictyaml.At(body), "the spec", given, "owner", "sessions")
	sessions()
}

// named returns the reader of a section of named entries.
func (l *loader) named(kind string, read func(at strictyaml.Position, name string, value *strictyaml.Node)) strictyaml.Field {
	return func(_ string, value *strictyaml.Node) {
		list, _ := l.Entries(value, kind+"s")
		for _, e := range list {
			if _, err := strictyaml.Name(e.Key); err != nil {
				l.Problem(e.At, "the name of a %s: %v", kind, err)
			}
			read(e.At, e.Key, e.Value)
		}
	}
}
