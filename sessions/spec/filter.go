package spec

import (
	"net/netip"

	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
	"github.com/mirrorsink/mirrorsink/sessions/account"
)

// filter reads a filter.
func (l *loader) filter(at strictyaml.Position, name string, n *strictyaml.Node) {
	f := Filter{At: at, Name: name, AmazonDNS: true}
	what := "filter " + strictyaml.Quote(name)
	ingress, egress := acceptAll(account.Ingress), acceptAll(account.Egress)
	l.Mapping(n, what, strictyaml.Fields{
		"amazon-dns": strictyaml.One(l.Loader, &f.AmazonDNS, strictyaml.Bool),
		"ingress":    l.rules(account.Ingress, &ingress),
		"egress":     l.rules(account.Egress, &egress),
	})
	f.Rules = append(ingress, egress...)
	if len(f.Rules) > account.MaxRulesPerFilter {
		l.Problem(at, "%s has %d ingress and %d egress rules: AWS takes %d in all (a direction that is left out has two)",
			what, len(ingress), len(egress), account.MaxRulesPerFilter)
	}
	l.spec.Filters = append(l.spec.Filters, f)
}

// All addresses of a family.
var (
	anywhere4 = netip.MustParsePrefix("0.0.0.0/0")
	anywhere6 = netip.MustParsePrefix("::/0")
)

// acceptAll returns the rules of a direction that the spec leaves out.
func acceptAll(direction string) []account.Rule {
	return []account.Rule{
		{Direction: direction, Number: ruleStep, Action: account.Accept, Source: anywhere4, Destination: anywhere4},
		{Direction: direction, Number: 2 * ruleStep, Action: account.Accept, Source: anywhere6, Destination: anywhere6},
	}
}

// placed is a rule with its position.
type placed struct {
	account.Rule
	at       strictyaml.Position
	numbered bool
}

// rules returns the reader of the rules of a direction.
func (l *loader) rules(direction string, into *[]account.Rule) strictyaml.Field {
	return func(key string, n *strictyaml.Node) {
		*into = nil
		if strictyaml.IsNull(n) {
			l.Problem(strictyaml.At(n), "%s: want rules; [] takes nothing, and without the key everything is taken", key)
			return
		}
		var list []placed
		for _, e := range strictyaml.Items(n) {
			list = append(list, l.rule(direction, e))
		}
		l.number(list)
		for _, r := range list {
			*into = append(*into, r.Rule)
		}
	}
}

// ruleStep is the distance between assigned rule numbers. It leaves room for rules in between.
const ruleStep = 10

// number assigns numbers to the rules of a direction, unless they have their own.
func (l *loader) number(list []placed) {
	numbers := map[int]strictyaml.Position{}
	for i := range list {
		r := &list[i]
		if r.numbered != list[0].numbered {
			l.Problem(r.at, "some rules of this direction have a number and some have none: give one to all, or to none")
			return
		}
		if !r.numbered {
			r.Number = (i + 1) * ruleStep
		} else if first, twice := numbers[r.Number]; twice && r.Number > 0 {
			l.Problem(r.at, "number %d is the rule's in line %d already: each rule of a direction has its own", r.Number, first.Line)
		} else {
			numbers[r.Number] = r.at
		}
	}
}
