package alert

import (
	"fmt"
	"hash/maphash"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/where"
)

// tunnel alerts of many different subdomains of one domain within a day, as names carry data to whoever has the domain.
type tunnel struct {
	*lru[target, subdomains]
	rule *policy.Alert
	seed maphash.Seed
}

// subdomains are the names that were asked for below a domain, as hashes.
type subdomains struct {
	since int64
	names map[uint32]struct{}
}

// size is at least what the map takes: it grows by doubling, up to 12 bytes a name.
func (s *subdomains) size() int { return 128 + 12*len(s.names) }

func newTunnel(rule *policy.Alert, memory int) detector {
	return &tunnel{newLRU[target](memory, (*subdomains).size), rule, maphash.MakeSeed()}
}

// observe does nothing: the lookups count.
func (t *tunnel) observe(*Engine, *Activity) {}

// lookup takes a query.
func (t *tunnel) lookup(e *Engine, a *Activity) {
	domain := where.Domain(a.Query)
	if domain == a.Query {
		return
	}
	k := target{a.Verdict.Workload, a.source(), domain}
	if t.find(k) == nil {
		k.to = strings.Clone(domain) // it is a part of the query, which need not stay
	}
	s, fresh := t.get(k)
	if fresh || a.At-s.since > int64(24*time.Hour) {
		s.since, s.names = a.At, map[uint32]struct{}{}
	}
	if len(s.names) < t.rule.Subdomains {
		s.names[uint32(maphash.String(t.seed, a.Query))] = struct{}{}
	}
	n := len(s.names)
	t.settle(k)
	if n >= t.rule.Subdomains {
		e.raise(a, fact{rule: t.rule, to: domain, evidence: fmt.Sprintf("%d or more names below %s within a day", n, domain), quiet: 24 * time.Hour})
	}
}
