package controls

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
	"github.com/mirrorsink/mirrorsink/inspect/policy/propose"
	"github.com/mirrorsink/mirrorsink/testdata/realserver"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// The tests here hold exports to the programs that read them: each is skipped where its program is missing.

// edges is a policy of what programs are known to trip over: a name below another, names that look like options and keywords, networks
// within networks, rules whose names differ in one character or are long, an entry that is there twice, services with long names.
var edges = `
allow:
  - {name: a-b, to: [.example.com, www.example.com, "*.example.org", a.b.example.org, null.example, "any.", "private.", all, none, "-i", "-n.example"], ports: [443]}
  - {name: a_b, to: [xn--bcher-kva.example, _srv.example.net, a--b.example.net, "*.example.net", "1e3.example", r3---sn-4g5e6nsz.example.video], ports: [443, 8000-8080, tcp/22]}
  - {name: a.b, to: [10.0.0.0/8, 10.1.0.0/16, 10.1.2.3, "2001:db8::/32", "2001:db8:1::/48", 0.0.0.0/0, "::/0", 192.0.2.0/24], ports: [tcp/25]}
  - {name: ` + long + `, to: [` + longName + `, 192.0.2.0/24, 192.0.2.1], ports: [tcp/25, udp/53]}
  - {to: [aws:S3, aws:ROUTE53_HEALTHCHECKS_PUBLISHING, aws:ROUTE53_HEALTHCHECKS_PUBLISHED, private], ports: [443]}
  - {to: [any], ports: [udp/123]}
  - {to: [198.51.100.7, 198.51.100.7/32]}
  - {to: [0.0.0.0/0, 192.0.2.0/24], ports: [tcp/26]}
  - {to: ["::/0"], ports: [tcp/26]}
  - {to: [time.example.com], ports: [udp/123]}
`

const long = "a-name-of-sixty-four-characters-which-is-the-longest-that-it-can"

var longName = strings.Repeat("a234567890123456789012345678901234567890123456789012345678.", 4) + "example"

var edgeOptions = Options{
	Name: "egress", HomeNet: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
	Ranges: func(service string) []netip.Prefix {
		last := byte(len(service))
		return []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, 113, last}), 32), netip.MustParsePrefix("2001:db8:3::/48")}
	},
}

func export(t require.TestingT, format string, p *policy.Policy) Result {
	for _, f := range Formats {
		if f.Name == format {
			r, err := f.Make(p, edgeOptions)
			require.NoError(t, err)
			return r
		}
	}
	t.Errorf("there is no format %s", format)
	t.FailNow()
	return Result{}
}

// drawEdges draws policies of a few rules, whose parts are those of edges and others.
var drawEdges = rapid.Custom(func(t *rapid.T) *policy.Policy {
	to := rapid.OneOf(
		rapid.SampledFrom([]string{
			".example.com", "www.example.com", "*.example.com", "a.www.example.com", "any.", "-i", "all", "null", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3",
			"2001:db8::/32", "2001:db8::", "0.0.0.0/0", "::/0", "aws:S3", "aws:ROUTE53_HEALTHCHECKS_PUBLISHING", "private", "any", longName,
		}),
		rapid.StringMatching(`(\*\.|\.)?[-a-z0-9_]{1,4}\.(a|b)\.(example|example\.com)`),
	)
	port := rapid.SampledFrom([]string{"443", "80", "tcp/443", "udp/443", "8000-8080", "tcp/1-65535", "udp/53"})
	var text strings.Builder
	text.WriteString("workloads: {web: {vpc: vpc-1}, build: {vpc: vpc-2}}\nallow:\n")
	for i := range rapid.IntRange(1, 6).Draw(t, "rules") {
		fmt.Fprintf(&text, "  - {name: %s%d, from: %s, to: [", rapid.SampledFrom([]string{"a-b", "a_b", "a.b", long[:63]}).Draw(t, "name"), i,
			rapid.SampledFrom([]string{"any", "web", "build", "[web, build]"}).Draw(t, "from"))
		for _, d := range rapid.SliceOfN(to, 1, 6).Draw(t, "to") {
			text.WriteString(quote(d) + ", ")
		}
		text.WriteString("]")
		if ports := rapid.SliceOfNDistinct(port, 0, 4, rapid.ID).Draw(t, "ports"); len(ports) > 0 {
			fmt.Fprintf(&text, ", ports: [%s]", strings.Join(ports, ", "))
		}
		text.WriteString("}\n")
	}
	return parse(t, text.String())
})

// TestCounts: every export has as many entries as it says.
func TestCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { requireCounts(t, drawEdges.Draw(t, "policy")) })
	requireCounts(t, parse(t, edges))
}

// requireCounts exports a policy in every format, reads the result as its control would, and compares the number of entries with the one that
// the export says. No text of an entry may have other characters than those of names, networks and ports.
func requireCounts(t require.TestingT, p *policy.Policy) {
	for _, f := range Formats {
		r, err := f.Make(p, edgeOptions)
		if errors.Is(err, errNothing) {
			continue
		}
		require.NoError(t, err, f.Name)
		entries := entriesIn(t, f.Name, r.Text)
		require.Len(t, entries, r.Rules, "%s:\n%s", f.Name, r.Text)
		for _, e := range entries {
			require.Regexp(t, entryForms[f.Name], e, f.Name)
		}
	}
}

const (
	nameForm    = `(\*\.|\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*`
	networkForm = `[0-9a-f:.]+/[0-9]+`
)

// entryForms are what entries look like.
var entryForms = map[string]*regexp.Regexp{
	"network-firewall-rules": regexp.MustCompile(`^pass (tls|http|ip|tcp|udp) \$HOME_NET any -> (any|\$[A-Z_0-9]{1,32}|` + networkForm + `) (any|[0-9:]+|\[[0-9:,]+\]) ` +
		`\(((ssl_state:client_hello; tls\.sni|http\.host);( dotprefix;)? content:"` + nameForm + `";( startswith;)?( nocase;)? endswith; )?flow:to_server; msg:"[-a-zA-Z0-9_.*/ ]+"; sid:[0-9]+; rev:1;\)$`),
	"network-firewall-domains": regexp.MustCompile(`^` + nameForm + `$`),
	"dns-firewall":             regexp.MustCompile(`^` + nameForm + `$`),
	"security-group":           regexp.MustCompile(`^` + networkForm + ` [-a-zA-Z0-9_.]+$`),
	"squid":                    regexp.MustCompile(`^http_access allow (all|mirrorsink_[0-9]+_(names|below|networks))( mirrorsink_[0-9]+_ports)?$`),
	"envoy":                    regexp.MustCompile(`^` + nameForm + `$`),
	"cilium":                   regexp.MustCompile(`^(` + nameForm + `|` + networkForm + `)$`),
}

// entriesIn returns the entries of an export.
func entriesIn(t require.TestingT, format string, text []byte) (entries []string) {
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	switch format {
	case "network-firewall-rules", "network-firewall-domains":
		var g ruleGroup
		require.NoError(t, json.Unmarshal(text, &g))
		if list := g.RuleGroup.RulesSource.RulesSourceList; list != nil {
			return list.Targets
		}
		entries = strings.Split(strings.TrimSuffix(g.RuleGroup.RulesSource.RulesString, "\n"), "\n")
		require.Equal(t, len(entries), g.Capacity)
		return entries
	case "dns-firewall":
		return strings.Fields(string(text))
	case "security-group":
		var g struct {
			IPPermissions []ipPermission `json:"IpPermissions"`
		}
		require.NoError(t, json.Unmarshal(text, &g))
		known := map[string]bool{}
		for _, perm := range g.IPPermissions {
			add := func(network, description string) {
				key := fmt.Sprint(perm.IPProtocol, portOf(perm.FromPort), portOf(perm.ToPort), network)
				require.False(t, known[key], "%s is there twice", key)
				known[key] = true
				entries = append(entries, network+" "+description)
			}
			for _, n := range perm.IPRanges {
				add(n.CidrIP, n.Description)
			}
			for _, n := range perm.IPv6Ranges {
				add(n.CidrIPv6, n.Description)
			}
		}
	case "squid":
		for _, line := range lines {
			if strings.HasPrefix(line, "http_access allow") {
				entries = append(entries, line)
			}
		}
	default:
		var document yaml.Node
		require.NoError(t, yaml.Unmarshal(text, &document))
		entries = scalarsUnder(&document, "server_names", "matchName", "matchPattern", "toCIDR")
		if format == "cilium" {
			require.Equal(t, "*", entries[0], "the rule for DNS")
			entries = entries[1:]
		}
	}
	return entries
}

// scalarsUnder returns the texts that a YAML document has under keys, and requires them to be texts.
func scalarsUnder(n *yaml.Node, keys ...string) (texts []string) {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 {
			for _, key := range keys {
				if n.Content[i-1].Value == key {
					for _, s := range append([]*yaml.Node{c}, c.Content...) {
						if s.Kind == yaml.ScalarNode && s.Tag == "!!str" {
							texts = append(texts, s.Value)
						}
					}
				}
			}
		}
		texts = append(texts, scalarsUnder(c, keys...)...)
	}
	return texts
}

// FuzzSaid: whatever clients call their servers, the policy that is proposed from it has exports with as many entries as they say, and nothing but
// names in them.
func FuzzSaid(f *testing.F) {
	for _, said := range hostile {
		f.Add(said + "\nwww.example.com")
	}
	f.Fuzz(func(t *testing.T, text string) {
		var seen []propose.Observation
		for said := range strings.SplitSeq(text, "\n") {
			flow := policy.Flow{Names: policy.Names{SNI: said}, Addr: netip.MustParseAddr("198.51.100.1")}
			to, by := flow.Destination()
			seen = append(seen, propose.Observation{To: to, By: by, Protocol: policy.TCP, Port: 443, Flows: 9})
		}
		p := parse(t, string(propose.Policy(propose.Rules(seen, propose.Defaults), "")))
		for i := range p.Allow {
			for k := range p.Allow[i].To {
				if d := &p.Allow[i].To[k]; d.Name == "" && d.Network != netip.MustParsePrefix("198.51.100.1/32") {
					t.Fatalf("%q makes the policy allow %s", text, d)
				}
			}
		}
		requireCounts(t, p)
	})
}

// hostile are names that clients may say.
var hostile = []string{
	`a"; drop ip any any -> any any (sid:1;).example`, "a;b.example", "a|00|.example", "a\x00b.example", "bücher.example", strings.Repeat("a.", 140) + "example",
	"a b.example", "$HOME_NET", "any", "private", "null", "-i", "'.example", "{{x}}.example", "any.example\nacl x", "10.000.000.001", "²", "１.2.3.4", "*.com",
	"aws:S3", "file:/etc/passwd", "0.0.0.0/0", "a\\b", "%00", "# x", "- x", "[::1]", "\u202eexample", strings.Repeat("a", 300),
}

// TestSquid: squid reads the export without a remark.
func TestSquid(t *testing.T) {
	squid := realserver.Program(t, "squid")
	config := filepath.Join(t.TempDir(), "squid.conf")
	check := func(t require.TestingT, p *policy.Policy) {
		r := export(t, "squid", p)
		require.NoError(t, os.WriteFile(config, append([]byte("http_port 3128\n"), r.Text...), 0o644))
		out, err := exec.Command(squid, "-k", "parse", "-f", config).CombinedOutput()
		require.NoError(t, err, "%s\n%s", out, r.Text)
		require.NotRegexp(t, `WARNING|ERROR|FATAL`, string(out), "%s", r.Text)
	}
	check(t, parse(t, edges))
	if testform.Long {
		rapid.Check(t, func(t *rapid.T) { check(t, drawEdges.Draw(t, "policy")) })
	}
}

// TestSuricata: Suricata loads the rules of the export, every one.
func TestSuricata(t *testing.T) {
	suricata := realserver.Program(t, "suricata")
	dir := t.TempDir()
	check := func(t require.TestingT, p *policy.Policy) {
		r := export(t, "network-firewall-rules", p)
		var g ruleGroup
		require.NoError(t, json.Unmarshal(r.Text, &g))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "rules"), []byte(g.RuleGroup.RulesSource.RulesString), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "yaml"), []byte("%YAML 1.1\n---\noutputs: []\nvars: {address-groups: {HOME_NET: any}}\n"), 0o644))
		args := []string{"-T", "-c", filepath.Join(dir, "yaml"), "-S", filepath.Join(dir, "rules"), "-l", dir}
		for name, set := range g.RuleGroup.RuleVariables.IPSets {
			args = append(args, "--set", fmt.Sprintf("vars.address-groups.%s=[%s]", name, strings.Join(set.Definition, ",")))
		}
		out, err := exec.Command(suricata, args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), fmt.Sprintf(" %d rules successfully loaded, 0 rules failed", r.Rules))
	}
	check(t, parse(t, edges))
	if testform.Long {
		rapid.Check(t, func(t *rapid.T) {
			p := drawEdges.Draw(t, "policy")
			if _, err := networkFirewallRules(p, edgeOptions); err == nil {
				check(t, p)
			}
		})
	}
}

// botocoreScript validates the input of a call by AWS's model of it: types and required members, as the SDK does, and lengths and patterns, as
// the service does.
const botocoreScript = `
import json, re, sys, botocore.session, botocore.validate
session = botocore.session.get_session()
def limits(shape, value, at):
    meta = shape.metadata
    if shape.type_name == "structure":
        for name, member in value.items(): limits(shape.members[name], member, at + "." + name)
    elif shape.type_name == "list":
        for i, member in enumerate(value): limits(shape.member, member, "%s[%d]" % (at, i))
    elif shape.type_name == "map":
        for key, member in value.items():
            limits(shape.key, key, at + "." + key); limits(shape.value, member, at + "." + key)
    if hasattr(value, "__len__") and not meta.get("min", 0) <= len(value) <= meta.get("max", len(value)): sys.exit("%s: length %d, want %s" % (at, len(value), meta))
    if isinstance(value, str) and "pattern" in meta and not re.search(meta["pattern"], value): sys.exit("%s: %r is not of %s" % (at, value, meta["pattern"]))
    if "enum" in meta and value not in meta["enum"]: sys.exit("%s: %r is none of %s" % (at, value, meta["enum"]))
for line in sys.stdin:
    service, operation, given = json.loads(line)
    shape = session.get_service_model(service).operation_model(operation).input_shape
    report = botocore.validate.ParamValidator().validate(given, shape)
    if report.has_errors(): sys.exit(report.generate_report())
    limits(shape, given, operation)
    print("valid", operation)
`

// TestBotocore: AWS's own models accept the exports as input of the calls that they are for.
func TestBotocore(t *testing.T) {
	python := realserver.Python(t, "botocore.session")
	p := parse(t, edges)
	var input strings.Builder
	calls := 0
	add := func(service, operation string, given any) {
		line, err := json.Marshal([]any{service, operation, given})
		require.NoError(t, err)
		input.Write(append(line, '\n'))
		calls++
	}
	for _, format := range []string{"network-firewall-rules", "network-firewall-domains"} {
		add("network-firewall", "CreateRuleGroup", json.RawMessage(export(t, format, p).Text))
	}
	domains := strings.Fields(string(export(t, "dns-firewall", p).Text))
	add("route53resolver", "CreateFirewallDomainList", map[string]string{"CreatorRequestId": "x", "Name": edgeOptions.Name})
	add("route53resolver", "UpdateFirewallDomains", map[string]any{"FirewallDomainListId": "rslvr-fdl-1", "Operation": "REPLACE", "Domains": domains})
	group := map[string]any{"GroupId": "sg-1"}
	require.NoError(t, json.Unmarshal(export(t, "security-group", p).Text, &group))
	add("ec2", "AuthorizeSecurityGroupEgress", group)

	cmd := exec.Command(python, "-c", botocoreScript)
	cmd.Stdin = strings.NewReader(input.String())
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, calls, strings.Count(string(out), "valid "), "%s", out)
}
