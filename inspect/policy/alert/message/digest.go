package message

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/bytesize"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
)

// Digest is many alerts in one message: counts, and the alerts that a person should see first. Its memory is bounded. The zero value is
// empty.
type Digest struct {
	Alerts  uint64
	States  [3]uint64 // opened, updated, resolved
	First   int64     // the first and the last activity of all
	Last    int64
	Largest []*alert.Alert // by severity, then by bytes
	Rules   []RuleCount    // by rule

	others       RuleCount // of rules that there is no room for
	sources, to  distinct
	severities   []string
	workloads    []string
	kinds, rules []string
}

// RuleCount counts the alerts of a rule.
type RuleCount struct {
	Rule   string
	Alerts uint64
	States [3]uint64
	Bytes  uint64 // of those that were opened
}

// Bounds of a digest.
const (
	maxLargest  = 5
	maxRules    = 30
	maxDistinct = 100_000
	maxValues   = 50  // of an attribute
	maxRuleName = 100 // bytes
)

func (r *RuleCount) add(a *alert.Alert) {
	r.Alerts++
	r.States[a.State]++
	if a.State == alert.Opened {
		r.Bytes += a.Bytes
	}
}

// Add adds an alert.
func (d *Digest) Add(a *alert.Alert) {
	if d.Alerts == 0 || a.First < d.First {
		d.First = a.First
	}
	d.Last = max(d.Last, a.Last)
	d.Alerts++
	d.States[a.State]++
	d.sources.add(a.Workload + "\x00" + a.Source)
	d.to.add(a.To)
	d.severities, d.workloads = insert(d.severities, a.Severity.String()), insert(d.workloads, a.Workload)
	d.kinds, d.rules = insert(d.kinds, a.Kind.String()), insert(d.rules, a.Rule)
	at, found := slices.BinarySearchFunc(d.Rules, a.Rule, func(r RuleCount, name string) int { return cmp.Compare(r.Rule, name) })
	switch {
	case found:
		d.Rules[at].add(a)
	case len(d.Rules) < maxRules:
		d.Rules = slices.Insert(d.Rules, at, RuleCount{Rule: a.Rule})
		d.Rules[at].add(a)
	default:
		d.others.add(a)
	}
	at, _ = slices.BinarySearchFunc(d.Largest, a, larger)
	if at < maxLargest {
		d.Largest = slices.Insert(d.Largest, at, a)
		d.Largest = d.Largest[:min(len(d.Largest), maxLargest)]
	}
}

// larger orders alerts for people: what is new first, then by severity, then by bytes.
func larger(a, b *alert.Alert) int {
	return cmp.Or(cmp.Compare(a.State, b.State), cmp.Compare(a.Severity, b.Severity), cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.First, b.First),
		cmp.Compare(a.Source, b.Source), cmp.Compare(a.To, b.To), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Workload, b.Workload))
}

// insert adds a value to a sorted list, unless it is empty, there already or there are too many.
func insert(list []string, value string) []string {
	at, found := slices.BinarySearch(list, value)
	if value == "" || found || len(list) == maxValues {
		return list
	}
	return slices.Insert(list, at, value)
}

// distinct counts different texts, up to a bound.
type distinct struct {
	seed maphash.Seed
	seen map[uint64]struct{}
}

func (c *distinct) add(text string) {
	if c.seen == nil {
		c.seed, c.seen = maphash.MakeSeed(), map[uint64]struct{}{}
	}
	if len(c.seen) < maxDistinct {
		c.seen[maphash.String(c.seed, text)] = struct{}{}
	}
}

func (c *distinct) String() string {
	if len(c.seen) == maxDistinct {
		return fmt.Sprintf("%d or more", maxDistinct)
	}
	return fmt.Sprint(len(c.seen))
}

// Values are the values of an attribute of all alerts, for filters of subscriptions: sorted, without those that there is no room for.
func (d *Digest) Values() map[string][]string {
	states := []string{}
	for state, n := range d.States {
		if n > 0 {
			states = append(states, alert.State(state).String())
		}
	}
	return map[string][]string{"rule": d.rules, "kind": d.kinds, "severity": d.severities, "state": states, "workload": d.workloads}
}

func (d *Digest) title() string {
	var parts []string
	for state, n := range d.States {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, alert.State(state)))
		}
	}
	return fmt.Sprintf("%d alerts: %s", d.Alerts, strings.Join(parts, ", "))
}

// Subject returns the subject of a mail: ASCII in one line.
func (d *Digest) Subject() string { return cut("mirrorsink "+d.title(), maxSubject) }

// counts are the rules with the most alerts first, and the rest as one.
func (d *Digest) counts() []RuleCount {
	all := slices.Clone(d.Rules)
	slices.SortStableFunc(all, func(a, b RuleCount) int { return cmp.Compare(b.Alerts, a.Alerts) })
	if d.others.Alerts > 0 {
		d.others.Rule = "other rules"
		all = append(all, d.others)
	}
	return all
}

// Body returns the text of a mail: how many of what, and the largest.
func (d *Digest) Body(s *Sink) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", d.title())
	fmt.Fprintf(&b, "More came within a minute than a person reads, so they are in one message.\n\n")
	fmt.Fprintf(&b, "%-24s %9s %9s %9s %11s\n", "Rule", "opened", "updated", "resolved", "bytes")
	for _, r := range d.counts() {
		fmt.Fprintf(&b, "%-24s %9d %9d %9d %11s\n", cut(Printable(r.Rule), maxRuleName), r.States[0], r.States[1], r.States[2], bytesize.Decimal(r.Bytes))
	}
	fmt.Fprintf(&b, "\n%-13s%s\n%-13s%s\n", "Sources", &d.sources, "Destinations", &d.to)
	fmt.Fprintf(&b, "%-13s%s\n%-13s%s\n\nLargest\n", "First seen", timeText(d.First), "Last seen", timeText(d.Last))
	for _, a := range d.Largest {
		fmt.Fprintf(&b, "  %s, %s: %s, %s\n", a.Severity, a.State, cut(title(a), maxTitle), bytesize.Decimal(a.Bytes))
	}
	fmt.Fprintf(&b, "\nTo look further, on the sink %s:\n  mirrorsink report top --group instance --group name --from -1h FLOWS\n", s.Host)
	return b.String()
}

// digestJSON is the JSON of a digest.
type digestJSON struct {
	Alerts    uint64           `json:"alerts"`
	Rules     map[string]state `json:"rules"`
	FirstSeen string           `json:"first_seen"`
	LastSeen  string           `json:"last_seen"`
	Largest   []record         `json:"largest"`
	Sink      string           `json:"sink"`
}

type state struct {
	Opened   uint64 `json:"opened"`
	Updated  uint64 `json:"updated"`
	Resolved uint64 `json:"resolved"`
	Bytes    uint64 `json:"bytes"`
}

// JSON returns a digest as one line of JSON, without a newline.
func (d *Digest) JSON(s *Sink) []byte {
	out := digestJSON{d.Alerts, map[string]state{}, timeText(d.First), timeText(d.Last), []record{}, s.Host}
	for _, r := range d.counts() {
		out.Rules[cut(Printable(r.Rule), maxRuleName)] = state{r.States[0], r.States[1], r.States[2], r.Bytes}
	}
	for _, a := range d.Largest {
		out.Largest = append(out.Largest, recordOf(a, s))
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return text
}

// Slack returns a digest as a message for an incoming webhook of Slack.
func (d *Digest) Slack(s *Sink) []byte { return slack("*digest*", d.title(), d.Body(s)) }
