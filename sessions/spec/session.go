package spec

import (
	"fmt"

	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// maxFrame is the longest frame of an interface: an MTU of 9001 and the Ethernet header. Compare checks the lower limit of a Network Load
// Balancer, since only the state shows what an existing target stands for.
const maxFrame = 9001 + 14

const whyLength = " (AWS keeps at least 35 bytes of IPv4 and 55 of IPv6, no frame has more than 9015, and a Network Load Balancer takes 8500)"

// session reads a session. All other sections have been read.
func (l *loader) session(at strictyaml.Position, name string, n *strictyaml.Node) {
	s := Session{At: at, Name: name}
	what := "session " + strictyaml.Quote(name)
	given := l.Mapping(n, what, strictyaml.Fields{
		"sources":       strictyaml.Many(l.Loader, &s.Sources, known("source", l.spec.Sources, func(s *Source) string { return s.Name })),
		"filter":        strictyaml.One(l.Loader, &s.Filter, known("filter", l.spec.Filters, func(f *Filter) string { return f.Name })),
		"target":        l.sessionTarget(&s),
		"packet-length": strictyaml.One(l.Loader, &s.PacketLength, strictyaml.Number(account.MinPacketLength, maxFrame, whyLength)),
		"number":        strictyaml.One(l.Loader, &s.Number, strictyaml.Number(1, account.MaxSessionNumber, "")),
		"vni":           strictyaml.One(l.Loader, &s.VNI, parseVNI),
	})
	l.Require(at, what, given, "sources", "filter", "target")
	l.spec.Sessions = append(l.spec.Sessions, s)
}

// sessionTarget returns the reader of a target's name, or of one for each availability zone.
func (l *loader) sessionTarget(s *Session) strictyaml.Field {
	target := known("target", l.spec.Targets, func(t *Target) string { return t.Name })
	return func(key string, n *strictyaml.Node) {
		if !strictyaml.IsMapping(n) {
			strictyaml.One(l.Loader, &s.Target, target)(key, n)
			return
		}
		s.ZoneTargets = map[string]string{}
		zones, _ := l.Entries(n, key)
		if len(zones) == 0 {
			l.Problem(strictyaml.At(n), "%s: want a target, or a target for each availability zone", key)
		}
		for _, e := range zones {
			if _, err := parseZone(e.Key); err != nil {
				l.Problem(e.At, "%s: %v", key, err)
			}
			if _, name, ok := strictyaml.Value(l.Loader, key, e.Value, target); ok {
				s.ZoneTargets[e.Key] = name
			}
		}
	}
}

// known returns a parser that accepts the names of a list.
func known[T any](kind string, list []T, name func(*T) string) func(string) (string, error) {
	return func(text string) (string, error) {
		names := make([]string, len(list))
		for i := range list {
			if names[i] = name(&list[i]); names[i] == text {
				return text, nil
			}
		}
		return "", fmt.Errorf("there is no %s %s%s", kind, strictyaml.Quote(text), strictyaml.Suggestion(text, names))
	}
}

// parseVNI reads a VNI or a range.
func parseVNI(text string) (VNIRange, error) {
	from, to, err := strictyaml.Range(text, account.MaxVNI, "VNI")
	return VNIRange{Set: err == nil, From: uint32(from), To: uint32(to)}, err
}
