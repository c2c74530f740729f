package spec

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// maxFrame is the longest frame of an interface: an MTU of 9001 and the Ethernet header. Compare checks the lower limit of a Network Load
// Balancer, since only the state shows what an existing target stands for.
const maxFrame = 9001 + 14

const whyLength = " (AWS keeps at least 35 bytes of IPv4 and 55 of IPv6, no frame has more than 9015, and a Network Load Balancer takes 8500)"

// session reads a session. All other sections have been read.
func (l *loader) session(at Position, name string, n ast.Node) {
	s := Session{At: at, Name: name}
	what := "session " + quote(name)
	given := l.mapping(n, what, fields{
		"sources":       many(l, &s.Sources, known("source", l.spec.Sources, func(s *Source) string { return s.Name })),
		"filter":        one(l, &s.Filter, known("filter", l.spec.Filters, func(f *Filter) string { return f.Name })),
		"target":        l.sessionTarget(&s),
		"packet-length": one(l, &s.PacketLength, parseNumber(account.MinPacketLength, maxFrame, whyLength)),
		"number":        one(l, &s.Number, parseNumber(1, account.MaxSessionNumber, "")),
		"vni":           one(l, &s.VNI, parseVNI),
	})
	l.require(at, what, given, "sources", "filter", "target")
	l.spec.Sessions = append(l.spec.Sessions, s)
}

// sessionTarget returns the reader of a target's name, or of one for each availability zone.
func (l *loader) sessionTarget(s *Session) field {
	target := known("target", l.spec.Targets, func(t *Target) string { return t.Name })
	return func(key string, n ast.Node) {
		if _, zoned := n.(*ast.MappingNode); !zoned {
			one(l, &s.Target, target)(key, n)
			return
		}
		s.ZoneTargets = map[string]string{}
		zones, _ := l.entries(n, key)
		if len(zones) == 0 {
			l.problem(position(n), "%s: want a target, or a target for each availability zone", key)
		}
		for _, e := range zones {
			if _, err := parseZone(e.key); err != nil {
				l.problem(e.at, "%s: %v", key, err)
			}
			if _, name, ok := value(l, key, e.value, target); ok {
				s.ZoneTargets[e.key] = name
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
		return "", fmt.Errorf("there is no %s %s%s", kind, quote(text), suggestion(text, names))
	}
}

// parseVNI reads a VNI or a range.
func parseVNI(text string) (VNIRange, error) {
	from, to, err := parseRange(text, account.MaxVNI, "VNI")
	return VNIRange{Set: err == nil, From: uint32(from), To: uint32(to)}, err
}
