package spec

import (
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// maxDevice is far above any device index: the largest instances have dozens of interfaces.
const maxDevice = 1023

// source reads a source.
func (l *loader) source(at Position, name string, n ast.Node) {
	s := Source{At: at, Name: name}
	known := fields{
		"devices":  many(l, &s.Devices, parseNumber(0, maxDevice, "")),
		"optional": one(l, &s.Optional, parseBool),
		"exclude": func(_ string, value ast.Node) {
			for _, e := range items(value) {
				s.Exclude = append(s.Exclude, Selector{})
				l.selector(position(e), "an exclusion", e, &s.Exclude[len(s.Exclude)-1], nil)
			}
		},
	}
	l.selector(at, "source "+quote(name), n, &s.Selector, known)
	l.spec.Sources = append(l.spec.Sources, s)
}

// selector reads a selector and the other permitted keys of its mapping.
func (l *loader) selector(at Position, what string, n ast.Node, s *Selector, others fields) {
	own := fields{
		"tags":                l.tags(&s.Tags),
		"interfaces":          many(l, &s.Interfaces, interfaceID.parse),
		"instances":           many(l, &s.Instances, instanceID.parse),
		"auto-scaling-groups": many(l, &s.Groups, parseText),
		"vpcs":                many(l, &s.VPCs, vpcID.parse),
		"subnets":             many(l, &s.Subnets, subnetID.parse),
		"types":               many(l, &s.Types, parseText),
	}
	known := maps.Clone(own)
	maps.Copy(known, others)
	before := len(l.problems)
	given := l.mapping(n, what, known)
	for key := range given {
		if own[key] != nil {
			return
		}
	}
	if len(l.problems) == before {
		l.problem(at, "%s chooses nothing: want one or more of %s", what, strings.Join(slices.Sorted(maps.Keys(own)), ", "))
	}
}

// tags returns the reader of at least one tag. Tags of AWS itself (aws:…) are permitted.
func (l *loader) tags(into *account.Tags) field {
	return func(key string, n ast.Node) {
		before := len(l.problems)
		*into = account.Tags{}
		list, _ := l.entries(n, key)
		for _, e := range list {
			text, ok := scalar(e.value)
			if !ok {
				l.problem(position(e.value), `%s: %s: want a text ("" for an empty one), found %s`, key, e.key, describe(e.value))
			}
			(*into)[e.key] = text
		}
		if len(*into) == 0 && len(l.problems) == before {
			l.problem(position(n), "%s: want at least one", key)
		}
	}
}
