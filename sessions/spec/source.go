package spec

import (
	"maps"
	"slices"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
)

// maxDevice is far above any device index: the largest instances have dozens of interfaces.
const maxDevice = 1023

// source reads a source.
func (l *loader) source(at strictyaml.Position, name string, n *strictyaml.Node) {
	s := Source{At: at, Name: name}
	known := strictyaml.Fields{
		"devices":  strictyaml.Many(l.Loader, &s.Devices, strictyaml.Number(0, maxDevice, "")),
		"optional": strictyaml.One(l.Loader, &s.Optional, strictyaml.Bool),
		"exclude": func(_ string, value *strictyaml.Node) {
			for _, e := range strictyaml.Items(value) {
				s.Exclude = append(s.Exclude, Selector{})
				l.selector(strictyaml.At(e), "an exclusion", e, &s.Exclude[len(s.Exclude)-1], nil)
			}
		},
	}
	l.selector(at, "source "+strictyaml.Quote(name), n, &s.Selector, known)
	l.spec.Sources = append(l.spec.Sources, s)
}

// selector reads a selector and the other permitted keys of its mapping.
func (l *loader) selector(at strictyaml.Position, what string, n *strictyaml.Node, s *Selector, others strictyaml.Fields) {
	own := strictyaml.Fields{
		"tags":                strictyaml.Texts(l.Loader, &s.Tags), // those of AWS itself (aws:…) too
		"interfaces":          strictyaml.Many(l.Loader, &s.Interfaces, interfaceID.parse),
		"instances":           strictyaml.Many(l.Loader, &s.Instances, instanceID.parse),
		"auto-scaling-groups": strictyaml.Many(l.Loader, &s.Groups, strictyaml.Text),
		"vpcs":                strictyaml.Many(l.Loader, &s.VPCs, vpcID.parse),
		"subnets":             strictyaml.Many(l.Loader, &s.Subnets, subnetID.parse),
		"types":               strictyaml.Many(l.Loader, &s.Types, strictyaml.Text),
	}
	known := maps.Clone(own)
	maps.Copy(known, others)
	before := l.Problems()
	given := l.Mapping(n, what, known)
	for key := range given {
		if own[key] != nil {
			return
		}
	}
	if l.Problems() == before {
		l.Problem(at, "%s chooses nothing: want one or more of %s", what, strings.Join(slices.Sorted(maps.Keys(own)), ", "))
	}
}
