package sessions

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// rule reads a rule.
func (l *loader) rule(direction string, n ast.Node) placed {
	r := placed{Rule: Rule{Direction: direction}, at: position(n)}
	before := len(l.problems)
	given := l.mapping(n, "a rule", fields{
		"number":            one(l, &r.Number, parseNumber(1, MaxRuleNumber, "")),
		"action":            one(l, &r.Action, parseWord(Accept, Reject)),
		"protocol":          one(l, &r.Protocol, parseProtocol),
		"source":            one(l, &r.Source, parsePrefix),
		"destination":       one(l, &r.Destination, parsePrefix),
		"source-ports":      one(l, &r.SourcePorts, parsePorts),
		"destination-ports": one(l, &r.DestinationPorts, parsePorts),
	})
	r.numbered = given["number"]
	l.require(r.at, "a rule", given, "action")
	if len(l.problems) == before {
		l.checkRule(&r)
	}
	return r
}

// checkRule checks the parts of a rule against each other, and fills in the address that is left out.
func (l *loader) checkRule(r *placed) {
	switch {
	case !r.Source.IsValid() && !r.Destination.IsValid():
		l.problem(r.at, "a rule: want source or destination, since a rule is of one address family: 0.0.0.0/0 is all of IPv4, ::/0 all of IPv6")
	case !r.Source.IsValid():
		r.Source = anywhere(r.Destination)
	case !r.Destination.IsValid():
		r.Destination = anywhere(r.Source)
	case r.Source.Addr().Is4() != r.Destination.Addr().Is4():
		l.problem(r.at, "a rule: source %v and destination %v are of different address families: want a rule for each", r.Source, r.Destination)
	}
	if (r.SourcePorts != nil || r.DestinationPorts != nil) && r.Protocol != protocols["tcp"] && r.Protocol != protocols["udp"] {
		l.problem(r.at, "a rule: ports go with protocol tcp or udp only: name one of them, or leave the ports out")
	}
}

// anywhere returns every address of a prefix's family.
func anywhere(like netip.Prefix) netip.Prefix {
	if like.Addr().Is4() {
		return anywhere4
	}
	return anywhere6
}

// parsePrefix reads a CIDR block, or an address as one of its own.
func parsePrefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" && !addr.Is4In6() {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil || p.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%s is neither a CIDR block nor an address: want such as 10.0.0.0/8 or 2001:db8::/32", quote(text))
	case p != p.Masked():
		return netip.Prefix{}, fmt.Errorf("%s has bits behind its length: want %v", quote(text), p.Masked())
	}
	return p, nil
}

func parsePorts(text string) (*PortRange, error) {
	from, to, err := parseRange(text, 65535, "port")
	return &PortRange{From: from, To: to}, err
}

// protocols are the IP protocols by their names at IANA, in lower case; "all" is AWS's. IP in IP is "ipv4" there.
var protocols = map[string]int{
	"all": 0, "icmp": 1, "igmp": 2, "ipv4": 4, "tcp": 6, "egp": 8, "udp": 17, "dccp": 33, "ipv6": 41, "rsvp": 46, "gre": 47, "esp": 50,
	"ah": 51, "icmpv6": 58, "ipv6-icmp": 58, "eigrp": 88, "ospf": 89, "etherip": 97, "pim": 103, "ipcomp": 108, "vrrp": 112,
	"l2tp": 115, "sctp": 132, "udplite": 136, "mpls-in-ip": 137,
}

func parseProtocol(text string) (int, error) {
	if n, ok := protocols[strings.ToLower(text)]; ok {
		return n, nil
	}
	if n, ok := decimal(text); ok && n <= 255 {
		return n, nil
	}
	if text == "ipip" {
		return 0, errors.New("ipip is ipv4 (4) to Linux and 94 to IANA: want ipv4 or 94")
	}
	return 0, fmt.Errorf("%s is neither the name of a protocol nor a number from 0 to 255%s", quote(text), suggestion(text, slices.Sorted(maps.Keys(protocols))))
}
