package controls

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// Limits of a stateful rule group; see https://docs.aws.amazon.com/network-firewall/latest/developerguide/quotas.html
const (
	maxRuleLength  = 8192      // characters of one rule
	maxRulesString = 2_000_000 // bytes of a rule group
	maxRules       = 30_000    // stateful rules of a policy, by default
	maxVariable    = 32        // characters of the name of a rule variable
	firstSID       = 9_100_000
)

// ruleGroup is the input of CreateRuleGroup.
type ruleGroup struct {
	RuleGroup     ruleGroupBody
	RuleGroupName string
	Type          string
	Capacity      int
	Description   string
}

type ruleGroupBody struct {
	RuleVariables       ruleVariables
	RulesSource         rulesSource
	StatefulRuleOptions struct{ RuleOrder string }
}

type ruleVariables struct{ IPSets map[string]ipSet }

type ipSet struct{ Definition []string }

type rulesSource struct {
	RulesString     string       `json:",omitempty"`
	RulesSourceList *domainsList `json:",omitempty"`
}

type domainsList struct {
	Targets            []string
	TargetTypes        []string
	GeneratedRulesType string
}

// newRuleGroup makes a rule group without rules.
func newRuleGroup(o Options) (*ruleGroup, error) {
	if len(o.HomeNet) == 0 {
		return nil, errors.New("a rule group needs the networks of the workloads: give them, such as 10.0.0.0/16")
	}
	if !validName(o.Name) {
		return nil, fmt.Errorf("%q is no name of a rule group: want 1 to 128 letters, digits and dashes", o.Name)
	}
	g := &ruleGroup{RuleGroupName: o.Name, Type: "STATEFUL", Description: "Made by mirrorsink policy export"}
	g.RuleGroup.RuleVariables.IPSets = map[string]ipSet{"HOME_NET": {prefixTexts(o.HomeNet)}}
	g.RuleGroup.StatefulRuleOptions.RuleOrder = "STRICT_ORDER"
	return g, nil
}

func validName(name string) bool {
	return name != "" && len(name) <= 128 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}

func prefixTexts(list []netip.Prefix) []string {
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = p.String()
	}
	return texts
}

// networkFirewallRules writes a pass rule for each name over TLS and HTTP, and for each network.
func networkFirewallRules(p *policy.Policy, o Options) (Result, error) {
	g, err := newRuleGroup(o)
	if err != nil {
		return Result{}, err
	}
	w := &ruleWriter{options: &o, sets: g.RuleGroup.RuleVariables.IPSets, sid: firstSID, setOf: map[string]string{}}
	for _, i := range items(p, o.Workload) {
		w.item(&i)
	}
	g.RuleGroup.RulesSource.RulesString, g.Capacity = w.text.String(), w.rules
	r := Result{Rules: w.rules, LeftOut: w.leftOut, Notes: []string{
		"The firewall policy wants StatefulEngineOptions STRICT_ORDER and the default actions aws:drop_established_app_layer_to_server and aws:alert_established_app_layer_to_server: the group itself drops nothing.",
		"QUIC and other protocols pass only by the rules for networks. A client without SNI is dropped.",
		"The default actions drop UDP once the other end has answered: add a rule that drops other UDP behind these if nothing may get out.",
		fmt.Sprintf("The capacity of %d cannot be changed later: leave room for rules to come.", g.Capacity),
	}}
	if w.rules == 0 {
		return Result{}, errNothing
	}
	if n := w.text.Len(); n > maxRulesString || w.rules > maxRules {
		return Result{}, fmt.Errorf("%d rules of %d bytes: a rule group takes %d bytes, a firewall policy %d rules; export one workload at a time, or collapse names",
			w.rules, n, maxRulesString, maxRules)
	}
	r.Text, err = marshal(g)
	return r, err
}

// ruleWriter writes Suricata rules.
type ruleWriter struct {
	options *Options
	sets    map[string]ipSet
	setOf   map[string]string // the names of variables that were too long, by the short ones
	text    strings.Builder
	rules   int
	sid     int
	leftOut []string
}

func (w *ruleWriter) item(i *item) {
	if i.to.Name == "" {
		w.networks(i)
		return
	}
	n := i.to
	if rawProtocolOnly(i.rule.Ports) {
		w.leftOut = append(w.leftOut, i.leftOut("a name is seen in TLS and HTTP over TCP only, and the rule is for UDP"))
		return
	}
	ports := suricataPorts(i.rule.Ports, policy.TCP)
	w.rule("tls", ports, i, "ssl_state:client_hello; tls.sni; "+match(n, true))
	w.rule("http", ports, i, "http.host; "+match(n, false))
}

// match returns the keywords that compare a buffer with a name. Network Firewall's advice: dotprefix for a domain with its apex, startswith
// and endswith for one name.
func match(n *policy.Destination, nocase bool) string {
	fold := ""
	if nocase {
		fold = " nocase;"
	}
	switch {
	case n.Below && n.Apex:
		return fmt.Sprintf(`dotprefix; content:".%s";%s endswith;`, n.Name, fold)
	case n.Below:
		return fmt.Sprintf(`content:".%s";%s endswith;`, n.Name, fold)
	default:
		return fmt.Sprintf(`content:"%s"; startswith;%s endswith;`, n.Name, fold)
	}
}

// networks writes the rules for a destination that is judged by address.
func (w *ruleWriter) networks(i *item) {
	list, why := w.options.networks(i.to)
	if why != "" {
		w.leftOut = append(w.leftOut, i.leftOut(why))
		return
	}
	to := list[0].String()
	switch {
	case i.to.Any:
		to = "any"
	case len(list) > 1:
		set := w.setName(i.to)
		w.sets[set] = ipSet{prefixTexts(list)}
		to = "$" + set
	}
	if len(i.rule.Ports) == 0 {
		w.ruleTo("ip", to, "any", i, "")
		return
	}
	for _, protocol := range policy.Protocols {
		if ports := suricataPorts(i.rule.Ports, protocol.Number); ports != "" {
			w.ruleTo(protocol.Name, to, ports, i, "")
		}
	}
}

// setName returns the name of the variable for a service or for private networks.
func (w *ruleWriter) setName(d *policy.Destination) string {
	name := "MIRRORSINK_" + cmp.Or(d.Service, strings.ToUpper(d.String()))
	if len(name) <= maxVariable {
		return name
	}
	for n := 1; ; n++ {
		short := name[:maxVariable-4] + strconv.Itoa(n)
		if w.setOf[short] == "" || w.setOf[short] == name {
			w.setOf[short] = name
			return short
		}
	}
}

func (w *ruleWriter) rule(protocol, ports string, i *item, options string) {
	w.ruleTo(protocol, "any", ports, i, options)
}

// ruleTo writes one rule. It is for packets to the server: without that a rule for a network would pass whole flows whose client is in it, by
// their answers. All of its texts are made of letters, digits, dots, dashes and underscores: names of policies have no others.
func (w *ruleWriter) ruleTo(protocol, to, ports string, i *item, options string) {
	if options != "" {
		options += " "
	}
	line := fmt.Sprintf(`pass %s $HOME_NET any -> %s %s (%sflow:to_server; msg:"%s to %s"; sid:%d; rev:1;)`,
		protocol, to, ports, options, i.rule.Name, strings.ReplaceAll(i.to.String(), ":", " "), w.sid)
	if len(line) > maxRuleLength {
		w.leftOut = append(w.leftOut, i.leftOut("the rule is longer than "+strconv.Itoa(maxRuleLength)+" characters"))
		return
	}
	w.text.WriteString(line + "\n")
	w.sid++
	w.rules++
}

// networkFirewallDomains writes a domain list. It has names only, and no ports.
func networkFirewallDomains(p *policy.Policy, o Options) (Result, error) {
	g, err := newRuleGroup(o)
	if err != nil {
		return Result{}, err
	}
	all := items(p, o.Workload)
	r := Result{LeftOut: withoutName(all, "a domain list has names only"), Notes: []string{
		"A domain list drops other TLS and HTTP by itself, TLS without SNI too. QUIC and other protocols pass unless the firewall policy's default action drops them.",
		"A domain list has no ports.",
	}}
	list := &domainsList{TargetTypes: []string{"TLS_SNI", "HTTP_HOST"}, GeneratedRulesType: "ALLOWLIST", Targets: []string{}}
	widened := 0
	for _, n := range names(all) {
		target := n.Name
		if n.Below {
			target = "." + n.Name
			if !n.Apex {
				widened++
			}
		}
		list.Targets = append(list.Targets, target)
	}
	if widened > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d wildcards allow their apex too: a domain list has no wildcard without it.", widened))
	}
	if r.Rules = len(list.Targets); r.Rules == 0 {
		return Result{}, errNothing
	}
	g.RuleGroup.RulesSource.RulesSourceList = list
	g.Capacity = r.Rules*len(list.TargetTypes) + len(list.TargetTypes)
	r.Text, err = marshal(g)
	return r, err
}

// withoutName lists the items that are judged by address.
func withoutName(all []item, why string) (left []string) {
	for _, i := range all {
		if i.to.Name == "" {
			left = append(left, i.leftOut(why))
		}
	}
	return left
}

// marshal returns indented JSON in which < and > stay as they are: rules have arrows.
func marshal(v any) ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return text.Bytes(), err
}
