package controls

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Diff are the entries of a group and of an export that the other does not have. Both lists are sorted.
type Diff struct {
	Group  []string // only in the group
	Policy []string // only in the export
	Same   int
}

// Equal reports whether there are no differences.
func (d *Diff) Equal() bool { return len(d.Group)+len(d.Policy) == 0 }

// Compare compares a group with an export of a policy, both in a format. The group is an earlier export, or what AWS's command line prints of
// a group: describe-rule-group, list-firewall-domains, describe-security-groups. What has no effect does not count: the order of pass rules
// and domains, numbers and revisions of rules, descriptions, comments.
func Compare(format string, group, export []byte) (d Diff, err error) {
	read := entriesOf(format)
	want, err := read(export)
	if err != nil {
		return d, err
	}
	have, err := read(group)
	if err != nil {
		return d, fmt.Errorf("this is no group for %s: %w", format, err)
	}
	if room, need := capacities(group, export); room > 0 && room < need {
		have, want = append(have, fmt.Sprint("capacity ", room)), append(want, fmt.Sprint("capacity ", need, ", which needs a new group"))
	}
	d.Group, d.Same = without(have, want)
	d.Policy, _ = without(want, have)
	return d, nil
}

// without returns the sorted different entries of a list that another does not have, and how many it has.
func without(list, other []string) (only []string, same int) {
	slices.Sort(list)
	slices.Sort(other)
	for _, e := range slices.Compact(list) {
		if _, ok := slices.BinarySearch(other, e); ok {
			same++
		} else {
			only = append(only, e)
		}
	}
	return only, same
}

// entriesOf returns what reads the entries of a format.
func entriesOf(format string) func([]byte) ([]string, error) {
	switch format {
	case "network-firewall-rules", "network-firewall-domains":
		return ruleGroupEntries
	case "dns-firewall":
		return domainEntries
	case "security-group":
		return permissionEntries
	default:
		return textEntries
	}
}

// textEntries are the lines of a file, numbered where one is there more than once.
func textEntries(text []byte) (all []string, err error) {
	seen := map[string]int{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" || strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		if seen[line]++; seen[line] > 1 {
			line = fmt.Sprintf("%s (%d)", line, seen[line])
		}
		all = append(all, line)
	}
	return all, nil
}

// domainEntries are the domains of a list, one a line or as JSON.
func domainEntries(text []byte) (all []string, err error) {
	var list struct{ Domains *[]string }
	switch {
	case !isJSON(text):
		if all, err = textEntries(text); err != nil {
			return nil, err
		}
	case json.Unmarshal(text, &list) != nil || list.Domains == nil:
		return nil, errors.New("want Domains, or a domain a line")
	default:
		all = *list.Domains
	}
	for i, domain := range all {
		all[i] = strings.TrimSuffix(strings.ToLower(domain), ".") // AWS answers with a dot at the end
		if strings.ContainsAny(all[i], " \t<") {
			return nil, errors.New("want Domains, or a domain a line")
		}
	}
	return all, nil
}

func isJSON(text []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) }

// describedGroup is a rule group as DescribeRuleGroup answers and CreateRuleGroup wants it.
type describedGroup struct {
	RuleGroup *struct {
		RuleVariables *struct {
			IPSets   map[string]ipSet
			PortSets map[string]ipSet
		}
		ReferenceSets *struct {
			IPSetReferences map[string]struct{ ReferenceArn string }
		}
		RulesSource *struct {
			RulesString                    *string
			RulesSourceList                *domainsList
			StatefulRules                  []any
			StatelessRulesAndCustomActions any
		}
		StatefulRuleOptions *struct{ RuleOrder string }
	}
	Capacity          int
	RuleGroupResponse struct{ Capacity int }
}

// capacities returns how much a group has room for and an export needs; 0 if it is not known.
func capacities(group, export []byte) (room, need int) {
	var g, e describedGroup
	if !isJSON(group) || json.Unmarshal(group, &g) != nil || json.Unmarshal(export, &e) != nil {
		return 0, 0
	}
	return max(g.Capacity, g.RuleGroupResponse.Capacity), e.Capacity
}

// ruleGroupEntries are the rules, targets and variables of a group.
func ruleGroupEntries(text []byte) (all []string, err error) {
	var d describedGroup
	if err := json.Unmarshal(text, &d); err != nil || d.RuleGroup == nil || d.RuleGroup.RulesSource == nil {
		return nil, errors.New("want a RuleGroup with its RulesSource")
	}
	g := d.RuleGroup
	order := "DEFAULT_ACTION_ORDER"
	if g.StatefulRuleOptions != nil && g.StatefulRuleOptions.RuleOrder != "" {
		order = g.StatefulRuleOptions.RuleOrder
	}
	all = append(all, "rule order "+order)
	if v := g.RuleVariables; v != nil {
		for name, set := range v.IPSets {
			for _, network := range set.Definition {
				all = append(all, "$"+name+" "+network)
			}
		}
		for name, set := range v.PortSets {
			for _, port := range set.Definition {
				all = append(all, "$"+name+" port "+port)
			}
		}
	}
	if r := g.ReferenceSets; r != nil {
		for name, set := range r.IPSetReferences {
			all = append(all, "@"+name+" "+set.ReferenceArn)
		}
	}
	return append(all, sourceEntries(g.RulesSource.RulesString, g.RulesSource.RulesSourceList, g.RulesSource.StatefulRules, g.RulesSource.StatelessRulesAndCustomActions)...), nil
}

func sourceEntries(rules *string, list *domainsList, stateful []any, stateless any) (all []string) {
	if rules != nil {
		for line := range strings.Lines(*rules) {
			if rule := normalize(line); rule != "" && rule[0] != '#' {
				all = append(all, rule)
			}
		}
	}
	if list != nil {
		all = append(all, "list type "+list.GeneratedRulesType)
		for _, kind := range list.TargetTypes {
			all = append(all, "target type "+kind)
		}
		for _, target := range list.Targets {
			all = append(all, "target "+strings.ToLower(target))
		}
	}
	for _, rule := range stateful {
		all = append(all, "stateful rule "+compact(rule))
	}
	if stateless != nil {
		all = append(all, "stateless rules "+compact(stateless))
	}
	return all
}

// numbers of a rule identify it for people, and do nothing.
var numbers = regexp.MustCompile(`\b(sid|rev)\s*:\s*[0-9]+\s*;\s*`)

// normalize returns a rule without its number and revision, and with single spaces.
func normalize(rule string) string {
	rule = strings.Join(strings.Fields(numbers.ReplaceAllString(rule, "")), " ")
	return strings.ReplaceAll(rule, "; )", ";)")
}

func compact(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// describedPermission is a rule of a security group as DescribeSecurityGroups answers and AuthorizeSecurityGroupEgress wants it.
type describedPermission struct {
	IPProtocol    string                          `json:"IpProtocol"`
	FromPort      *int                            `json:"FromPort"`
	ToPort        *int                            `json:"ToPort"`
	IPRanges      []struct{ CidrIP string }       `json:"IpRanges"`
	IPv6Ranges    []struct{ CidrIPv6 string }     `json:"Ipv6Ranges"`
	PrefixListIDs []struct{ PrefixListID string } `json:"PrefixListIds"`
	Groups        []struct{ GroupID string }      `json:"UserIdGroupPairs"`
}

// permissionEntries are the egress rules of a security group, one for each network.
func permissionEntries(text []byte) (all []string, err error) {
	var d struct {
		SecurityGroups []struct {
			Egress []describedPermission `json:"IpPermissionsEgress"`
		}
		IPPermissions *[]describedPermission `json:"IpPermissions"`
	}
	if json.Unmarshal(text, &d) != nil || len(d.SecurityGroups) != 1 && d.IPPermissions == nil {
		return nil, errors.New("want one of SecurityGroups, or IpPermissions")
	}
	var list []describedPermission
	if d.IPPermissions != nil {
		list = *d.IPPermissions
	} else {
		list = d.SecurityGroups[0].Egress
	}
	for i := range list {
		all = append(all, list[i].entries()...)
	}
	return all, nil
}

// protocolNumbers are the protocols that EC2 has names for.
var protocolNumbers = map[string]string{"6": "tcp", "17": "udp", "-1": "all", "1": "icmp", "58": "icmpv6"}

func (p *describedPermission) entries() (all []string) {
	what := p.IPProtocol
	if name, ok := protocolNumbers[what]; ok {
		what = name
	}
	if p.FromPort != nil && p.ToPort != nil && what != "all" {
		what += fmt.Sprintf(" %d-%d", *p.FromPort, *p.ToPort)
	}
	for _, r := range p.IPRanges {
		all = append(all, what+" "+r.CidrIP)
	}
	for _, r := range p.IPv6Ranges {
		all = append(all, what+" "+r.CidrIPv6)
	}
	for _, r := range p.PrefixListIDs {
		all = append(all, what+" "+r.PrefixListID)
	}
	for _, r := range p.Groups {
		all = append(all, what+" "+r.GroupID)
	}
	return all
}
