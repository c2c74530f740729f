package flags

import (
	"errors"
	"strings"
)

// Source is a flag for where datagrams are read: "udp" for sockets, which is the zero value, or "ring:" and the name of an interface.
type Source struct{ Ring string }

const ringPrefix = "ring:"

// Set takes a source.
func (s *Source) Set(text string) error {
	name, isRing := strings.CutPrefix(text, ringPrefix)
	if !isRing && text != "udp" || isRing && name == "" {
		return errors.New("want udp, or ring: and an interface, such as ring:eth0")
	}
	*s = Source{}
	if isRing {
		s.Ring = name
	}
	return nil
}

// String returns the source as Set takes it.
func (s *Source) String() string {
	if s.Ring == "" {
		return "udp"
	}
	return ringPrefix + s.Ring
}

// Values returns the beginnings of sources.
func (*Source) Values() []string { return []string{"udp", ringPrefix} }

// Type implements pflag.Value.
func (*Source) Type() string { return "source" }
