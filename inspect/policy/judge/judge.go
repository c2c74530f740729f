// Package judge sets in events what a policy says of their flows.
package judge

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/facts"
)

// Rules are what flows are judged by. They are immutable.
type Rules struct {
	Policy   *policy.Policy
	Services *flowlog.Services // AWS's address ranges; nil for none
}

// A Judge sets the verdict in events of flows. A verdict is a function of the rules and the event's facts alone; the judge remembers the
// last ones, since most events are of few destinations. It is not safe for concurrent use: each worker has its own.
type Judge struct {
	rules  func() *Rules
	last   *Rules // that what is remembered is of
	by     policy.Sources
	memory []memory
	flow   policy.Flow
	seed   maphash.Seed
}

// memories is how many verdicts a judge remembers, in about two MiB.
const memories = 1 << 13

// memory is the verdict about events with equal facts.
type memory struct {
	facts          key
	name, sni, dns string
	verdict        *event.Verdict
}

// key is the facts of an event but for its names.
type key struct {
	owner     *event.Owner
	src, dst  decap.Addr
	vni       uint32
	port      uint16
	proto     uint8
	version   uint8
	source    l7.NameSource
	direction event.Direction
	late      bool
	hidden    bool
	mirrored  bool
	disputed  bool
	noDNS     bool
}

// New returns a judge by rules that may change at any time.
func New(rules func() *Rules) *Judge {
	return &Judge{rules: rules, memory: make([]memory, memories), seed: maphash.MakeSeed()}
}

// Batch sets the verdict in all events of a batch.
func (j *Judge) Batch(b *event.Batch) {
	rules := j.rules()
	if rules != j.last {
		j.last, j.by = rules, rules.Policy.Sources()
		clear(j.memory)
	}
	for i := range b.Events {
		e := &b.Events[i]
		if e.Kind != event.Stats && e.Kind != event.Closed && e.Direction != event.Ingress {
			e.Policy = j.verdict(b, e)
		}
	}
}

// verdict returns the verdict about an event's flow; nil if it is not outbound.
func (j *Judge) verdict(b *event.Batch, e *event.Event) *event.Verdict {
	k := j.keyOf(e)
	name, sni, dns := b.Text(e.Name), b.Text(e.Window.SNI), b.Text(e.Window.DNSName)
	m := &j.memory[j.hash(&k, name)%memories]
	if m.facts == k && m.name == string(name) && m.sni == string(sni) && m.dns == string(dns) {
		return m.verdict
	}
	facts.OfEvent(&j.flow, b, e, j.last.Services)
	*m = memory{k, string(name), string(sni), string(dns), wordsOf(j.last.Policy.Decide(&j.flow))}
	return m.verdict
}

// wordsOf returns a verdict as events have it; nil if there is none.
func wordsOf(v policy.Verdict) *event.Verdict {
	if v.Kind == policy.None {
		return nil
	}
	return &event.Verdict{Kind: v.Kind.String(), Rule: v.Rule, Workload: v.Workload, Reason: v.Reason.String(), By: v.By.String(), To: v.To}
}

// keyOf returns the facts of an event that the policy reads.
func (j *Judge) keyOf(e *event.Event) key {
	k := key{
		dst: e.Dst, port: e.DstPort, proto: e.IPProto, version: e.IPVersion, source: e.NameSource,
		direction: e.Direction, mirrored: e.Mirrored, disputed: e.Conflicts != 0,
		noDNS: e.Direct == event.NoDNSSeen, late: facts.Late(e), hidden: facts.Hidden(e),
	}
	if j.by.Interface {
		k.owner, k.vni = e.Owner, e.VNI
	}
	if j.by.Address {
		k.src = e.Src
	}
	return k
}

// hash returns a number that differs for most destinations.
func (j *Judge) hash(k *key, name []byte) uint64 {
	word := func(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
	const odd = 0x9e3779b97f4a7c15
	h := word(k.dst[:8]) ^ word(k.dst[8:])*odd ^ word(k.src[8:]) ^ uint64(k.port)<<32 ^ uint64(k.vni)
	return (h*odd ^ maphash.Bytes(j.seed, name)) * odd >> 32
}
