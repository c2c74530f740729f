package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/strictyaml"
)

// Position is a place in a policy's file.
type Position = strictyaml.Position

// Config is what a policy needs from outside.
type Config struct {
	// Open returns the content of a list file that a policy names, by the path as written there.
	Open func(path string) ([]byte, error)
	// Check reports what is wrong with an expression of an alert.
	Check func(expression string) error
}

// Parse compiles a policy. The name is that of its file, for messages. The error joins a *strictyaml.Error for each mistake, in the order
// of the file. docs/policy.md describes the format.
func Parse(name string, text []byte, cfg Config) (*Policy, error) {
	l := &loader{strictyaml.NewLoader(name, text), &Policy{File: name}, cfg}
	if body := l.Document("allow, and workloads that its rules are for"); body != nil {
		l.file(body)
	}
	if err := l.Err(); err != nil {
		return nil, err
	}
	l.policy.compile()
	return l.policy, nil
}

// loader builds a policy.
type loader struct {
	*strictyaml.Loader
	policy *Policy
	cfg    Config
}

// file reads the whole file. It reads workloads first, whatever their place, since all other sections refer to them.
func (l *loader) file(body *strictyaml.Node) {
	later := map[string]func(){}
	after := func(read strictyaml.Field) strictyaml.Field {
		return func(key string, n *strictyaml.Node) { later[key] = func() { read(key, n) } }
	}
	given := l.Mapping(body, "the policy", strictyaml.Fields{
		"workloads": l.workloads,
		"allow":     after(l.allow),
		"exempt":    after(l.exempt),
		"alert":     after(l.alerts),
		"tests":     after(l.tests),
	})
	for _, key := range []string{"allow", "exempt", "alert", "tests"} {
		if read := later[key]; read != nil {
			read()
		}
	}
	l.Require(strictyaml.At(body), "the policy", given, "allow")
	if !given["exempt"] {
		l.policy.Exempt = []Destination{{Text: keywordPrivate, Private: true}}
	}
}

func (l *loader) workloads(key string, n *strictyaml.Node) {
	list, _ := l.Entries(n, key)
	for _, e := range list {
		if err := checkName(e.Key); err != nil {
			l.Problem(e.At, "the name of a workload: %v", err)
		}
		w := Workload{At: e.At, Name: e.Key}
		l.selector(e.At, "workload "+strictyaml.Quote(e.Key), e.Value, &w.Selector)
		l.policy.Workloads = append(l.policy.Workloads, w)
	}
}

// checkName reports text that cannot be the name of a workload or rule. Names go into labels of alerts and into rules of other programs.
func checkName(text string) error {
	if text == everyone {
		return errors.New("any stands for all workloads")
	}
	_, err := strictyaml.Name(text)
	return err
}

// everyone stands for all workloads in a rule.
const everyone = "any"

func (l *loader) selector(at Position, what string, n *strictyaml.Node, s *Selector) {
	before := l.Problems()
	given := l.Mapping(n, what, strictyaml.Fields{
		"tags":               strictyaml.Texts(l.Loader, &s.Tags),
		"instance":           strictyaml.Many(l.Loader, &s.Instances, strictyaml.Text),
		"interface":          strictyaml.Many(l.Loader, &s.Interfaces, strictyaml.Text),
		"auto-scaling-group": strictyaml.Many(l.Loader, &s.Groups, strictyaml.Text),
		"subnet":             strictyaml.Many(l.Loader, &s.Subnets, strictyaml.Text),
		"vpc":                strictyaml.Many(l.Loader, &s.VPCs, strictyaml.Text),
		"account":            strictyaml.Many(l.Loader, &s.Accounts, strictyaml.Text),
		"cidr":               strictyaml.Many(l.Loader, &s.Networks, strictyaml.Prefix),
		"vni":                strictyaml.Many(l.Loader, &s.VNIs, parseVNI),
	})
	if len(given) == 0 && l.Problems() == before {
		l.Problem(at, "%s chooses nothing: want tags, auto-scaling-group, instance, interface, subnet, vpc, account, cidr or vni", what)
	}
}

func parseVNI(text string) (uint32, error) {
	n, ok := strictyaml.Decimal(text)
	if !ok || n >= 1<<24 {
		return 0, fmt.Errorf("%s is not a VNI: want a number below 16777216", strictyaml.Quote(text))
	}
	return uint32(n), nil
}

func (l *loader) exempt(key string, n *strictyaml.Node) {
	for _, e := range strictyaml.Items(n) {
		l.destinations(key, e, &l.policy.Exempt)
	}
}

func (l *loader) allow(_ string, n *strictyaml.Node) {
	names := map[string]Position{}
	for i, e := range strictyaml.Items(n) {
		r := Rule{At: strictyaml.At(e), Name: fmt.Sprintf("allow-%d", i+1)}
		l.rule(e, &r)
		if first, twice := names[r.Name]; twice {
			l.Problem(r.At, "the name %s is the rule's in line %d already", strictyaml.Quote(r.Name), first.Line)
		}
		names[r.Name] = r.At
		l.policy.Allow = append(l.policy.Allow, r)
	}
}

func (l *loader) rule(n *strictyaml.Node, r *Rule) {
	given := l.Mapping(n, "a rule", strictyaml.Fields{
		"name": strictyaml.One(l.Loader, &r.Name, parseName),
		"from": l.from(&r.From),
		"to": func(key string, n *strictyaml.Node) {
			for _, e := range strictyaml.Items(n) {
				l.destinations(key, e, &r.To)
			}
			if items := strictyaml.Items(n); len(items) == 0 {
				l.Problem(strictyaml.At(n), "to: the list is empty: want at least one destination")
			}
		},
		"ports": strictyaml.Many(l.Loader, &r.Ports, parsePorts),
	})
	l.Require(r.At, "a rule", given, "to")
}

func parseName(text string) (string, error) { return text, checkName(text) }

func (l *loader) expression(text string) (string, error) { return text, l.cfg.Check(text) }

// from returns the reader of a rule's workloads.
func (l *loader) from(into *[]string) strictyaml.Field {
	read := strictyaml.Many(l.Loader, into, func(text string) (string, error) {
		if text == everyone {
			return text, nil
		}
		return l.workloadName(text)
	})
	return func(key string, n *strictyaml.Node) {
		read(key, n)
		if slices.Contains(*into, everyone) {
			if len(*into) > 1 {
				l.Problem(strictyaml.At(n), "from: any stands for all workloads: leave the others out")
			}
			*into = nil
		}
	}
}

// workloadName accepts the name of a workload of the policy.
func (l *loader) workloadName(text string) (string, error) {
	if l.policy.HasWorkload(text) {
		return text, nil
	}
	known := make([]string, len(l.policy.Workloads))
	for i, w := range l.policy.Workloads {
		known[i] = w.Name
	}
	return "", fmt.Errorf("there is no workload %s%s", strictyaml.Quote(text), strictyaml.Suggestion(text, known))
}

// destinations reads one destination, or those of the list file that it names.
func (l *loader) destinations(key string, n *strictyaml.Node, into *[]Destination) {
	text, ok := strictyaml.Scalar(n)
	if !ok {
		l.Problem(strictyaml.At(n), "%s: want a destination, found %s", key, strictyaml.Describe(n))
		return
	}
	path, isFile := strings.CutPrefix(text, filePrefix)
	if isFile {
		l.list(strictyaml.At(n), path, into)
		return
	}
	d, err := parseDestination(text)
	if err != nil {
		l.Problem(strictyaml.At(n), "%s: %v", key, err)
		return
	}
	*into = append(*into, d)
}

// list reads a list file: a destination in each line, and comments that begin with #.
func (l *loader) list(at Position, path string, into *[]Destination) {
	content, err := l.cfg.Open(path)
	if err != nil {
		l.Problem(at, "%v", err)
		return
	}
	number := 0
	for line := range strings.Lines(string(content)) {
		number++
		text, _, _ := strings.Cut(line, "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		d, err := parseDestination(text)
		if err != nil {
			l.Problem(at, "%s:%d: %v", path, number, err)
			continue
		}
		d.File = path
		*into = append(*into, d)
	}
}

// compile builds the indexes.
func (p *Policy) compile() {
	p.allow, p.exempt, p.sources = newIndex(), newIndex(), newSourceIndex(p.Workloads)
	p.audiences = newAudiences(p.sources.named, p.Allow)
	for i := range p.Allow {
		r := &p.Allow[i]
		for k := range r.To {
			p.allow.add(&r.To[k], r.audience, i)
		}
	}
	for i := range p.Exempt {
		p.exempt.add(&p.Exempt[i], 0, 0)
	}
	for i := range p.Alerts {
		a := &p.Alerts[i]
		a.list = newIndex()
		for k := range a.List {
			a.list.add(&a.List[k], 0, 0)
		}
	}
}
