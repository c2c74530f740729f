package alert

import (
	"fmt"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// flowAlert alerts of single flows that a condition holds for.
type flowAlert struct {
	stateless
	rule   *policy.Alert
	exempt bool // of flows to exempt destinations too
	holds  func(*Activity) (evidence string, ok bool)
}

func newFlowAlert(rule *policy.Alert, cfg Config) detector {
	holds := map[policy.AlertKind]func(*Activity) (string, bool){
		policy.Violation: func(a *Activity) (string, bool) {
			if a.Verdict.Kind != policy.NotAllowed {
				return "", false
			}
			return a.Verdict.Explain(), true
		},
		policy.DirectToAddress: func(a *Activity) (string, bool) {
			if a.Direct == "" {
				return "", false
			}
			return "no lookup explains the address: " + a.Direct, true
		},
		policy.ManagementPort: func(a *Activity) (string, bool) {
			service, ok := policy.ManagementPorts[a.Flow.Port]
			if !ok {
				return "", false
			}
			return fmt.Sprintf("%s on port %d", service, a.Flow.Port), true
		},
		policy.Cleartext: func(a *Activity) (string, bool) {
			return "credentials were sent without encryption", a.Clear
		},
		policy.ResolverBypass: func(a *Activity) (string, bool) {
			return "names are looked up elsewhere than at the VPC's resolver", a.bypassesResolver()
		},
		policy.Listed: func(a *Activity) (string, bool) {
			text := rule.Lists(a.Flow)
			if text == "" {
				return "", false
			}
			return "listed: " + text, true
		},
	}[rule.Kind]
	if rule.Kind == policy.Match {
		match := cfg.Match(rule)
		holds = func(a *Activity) (string, bool) { return rule.Where, match(a) }
	}
	return &flowAlert{rule: rule, exempt: rule.Kind == policy.Match, holds: holds}
}

func (f *flowAlert) observe(e *Engine, a *Activity) {
	if !f.exempt && a.Verdict.Kind == policy.Exempt {
		return
	}
	if evidence, ok := f.holds(a); ok {
		e.raise(a, fact{rule: f.rule, to: a.Verdict.To, evidence: evidence, uncertain: a.Verdict.Kind == policy.Inconclusive})
	}
}

// Ports of resolvers.
const (
	portDNS = 53
	portDoT = 853
)

// bypassesResolver reports whether a flow looks names up at another server than the VPC's resolver, which has a private address.
// An exempt flow is not looked at.
func (a *Activity) bypassesResolver() bool {
	return a.Flow.Port == portDNS || a.Flow.Port == portDoT || a.Direct == "doh_suspected"
}

// long alerts of connections that stay open.
type long struct {
	stateless
	rule *policy.Alert
}

func (l *long) observe(e *Engine, a *Activity) {
	if open := time.Duration(a.At - a.Started); open > l.rule.Over && a.Verdict.Kind != policy.Exempt {
		e.raise(a, fact{rule: l.rule, to: a.Verdict.To, evidence: fmt.Sprintf("open for %v", open.Round(time.Second))})
	}
}
