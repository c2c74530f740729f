package spec

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// rule reads a rule.
func (l *loader) rule(direction string, n *strictyaml.Node) placed {
	r := placed{Rule: account.Rule{Direction: direction}, at: strictyaml.At(n)}
	before := l.Problems()
	given := l.Mapping(n, "a rule", strictyaml.Fields{
		"number":            strictyaml.One(l.Loader, &r.Number, strictyaml.Number(1, account.MaxRuleNumber, "")),
		"action":            strictyaml.One(l.Loader, &r.Action, strictyaml.Word(account.Accept, account.Reject)),
		"protocol":          strictyaml.One(l.Loader, &r.Protocol, parseProtocol),
		"source":            strictyaml.One(l.Loader, &r.Source, strictyaml.Prefix),
		"destination":       strictyaml.One(l.Loader, &r.Destination, strictyaml.Prefix),
		"source-ports":      strictyaml.One(l.Loader, &r.SourcePorts, parsePorts),
		"destination-ports": strictyaml.One(l.Loader, &r.DestinationPorts, parsePorts),
	})
	r.numbered = given["number"]
	l.Require(r.at, "a rule", given, "action")
	if l.Problems() == before {
		l.checkRule(&r)
	}
	return r
}

// checkRule checks the parts of a rule against each other, and fills in a missing address.
func (l *loader) checkRule(r *placed) {
	switch {
	case !r.Source.IsValid() && !r.Destination.IsValid():
		l.Problem(r.at, "a rule: want source or destination, since a rule is of one address family: 0.0.0.0/0 is all of IPv4, ::/0 all of IPv6")
	case !r.Source.IsValid():
		r.Source = anywhere(r.Destination)
	case !r.Destination.IsValid():
		r.Destination = anywhere(r.Source)
	case r.Source.Addr().Is4() != r.Destination.Addr().Is4():
		l.Problem(r.at, "a rule: source %v and destination %v are of different address families: want a rule for each", r.Source, r.Destination)
	}
	if (r.SourcePorts != nil || r.DestinationPorts != nil) && r.Protocol != account.TCP && r.Protocol != account.UDP {
		l.Problem(r.at, "a rule: ports go with protocol tcp or udp only: name one of them, or leave the ports out")
	}
}

// anywhere returns the prefix of all addresses of the same family.
func anywhere(like netip.Prefix) netip.Prefix {
	if like.Addr().Is4() {
		return anywhere4
	}
	return anywhere6
}

func parsePorts(text string) (*account.PortRange, error) {
	from, to, err := strictyaml.Range(text, 65535, "port")
	return &account.PortRange{From: from, To: to}, err
}

func parseProtocol(text string) (int, error) {
	if text == "-1" { // all, as in the rules of security groups
		return 0, nil
	}
	if n, ok := account.ProtocolNumber(text); ok {
		return n, nil
	}
	if n, ok := strictyaml.Decimal(text); ok && n <= 255 {
		return n, nil
	}
	if text == "ipip" {
		return 0, errors.New("ipip is ipv4 (4) to Linux and 94 to IANA: want ipv4 or 94")
	}
	return 0, fmt.Errorf("%s is neither the name of a protocol nor a number from 0 to 255%s", strictyaml.Quote(text), strictyaml.Suggestion(text, account.ProtocolNames()))
}
