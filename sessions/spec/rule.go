package spec

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/goccy/go-yaml/ast"

	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// rule reads a rule.
func (l *loader) rule(direction string, n ast.Node) placed {
	r := placed{Rule: account.Rule{Direction: direction}, at: position(n)}
	before := len(l.problems)
	given := l.mapping(n, "a rule", fields{
		"number":            one(l, &r.Number, parseNumber(1, account.MaxRuleNumber, "")),
		"action":            one(l, &r.Action, parseWord(account.Accept, account.Reject)),
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

// checkRule checks the parts of a rule against each other, and fills in a missing address.
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
	if (r.SourcePorts != nil || r.DestinationPorts != nil) && r.Protocol != account.TCP && r.Protocol != account.UDP {
		l.problem(r.at, "a rule: ports go with protocol tcp or udp only: name one of them, or leave the ports out")
	}
}

// anywhere returns the prefix of all addresses of the same family.
func anywhere(like netip.Prefix) netip.Prefix {
	if like.Addr().Is4() {
		return anywhere4
	}
	return anywhere6
}

// parsePrefix reads a CIDR block, or an address as a block of one.
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

func parsePorts(text string) (*account.PortRange, error) {
	from, to, err := parseRange(text, 65535, "port")
	return &account.PortRange{From: from, To: to}, err
}

func parseProtocol(text string) (int, error) {
	if n, ok := account.ProtocolNumber(text); ok {
		return n, nil
	}
	if n, ok := decimal(text); ok && n <= 255 {
		return n, nil
	}
	if text == "ipip" {
		return 0, errors.New("ipip is ipv4 (4) to Linux and 94 to IANA: want ipv4 or 94")
	}
	return 0, fmt.Errorf("%s is neither the name of a protocol nor a number from 0 to 255%s", quote(text), suggestion(text, account.ProtocolNames()))
}
