package controls

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

var update = flag.Bool("update", false, "write what comes out into testdata/policy/export")

const example = `
workloads: {web: {vpc: vpc-1}, build: {vpc: vpc-2}}
allow:
  - {from: web, to: ["*.example.com", api.payments.example, .example.org, www.example.org], ports: [443, 8000-8001]}
  - {name: mirrors, from: build, to: [aws:S3, 192.0.2.0/24, "2001:db8::/32"], ports: [tcp/443, tcp/80]}
  - {to: [any], ports: [udp/123]}
  - {from: web, to: [dns.example.net], ports: [udp/53]}
  - {from: web, to: [aws:NOPE, 198.51.100.7]}
`

var options = Options{
	Name: "egress", HomeNet: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")},
	Ranges: func(service string) []netip.Prefix {
		if service == "S3" {
			return []netip.Prefix{netip.MustParsePrefix("203.0.113.0/25"), netip.MustParsePrefix("2001:db8:3::/48")}
		}
		return nil
	},
}

func parse(t require.TestingT, text string) *policy.Policy {
	p, err := policy.Parse("p.yaml", []byte(text), policy.Config{})
	require.NoError(t, err)
	return p
}

// TestFormats compares what each format makes of one policy with testdata/policy/export.
func TestFormats(t *testing.T) {
	p := parse(t, example)
	for _, f := range Formats {
		t.Run(f.Name, func(t *testing.T) {
			r, err := f.Make(p, options)
			require.NoError(t, err)
			got := fmt.Sprintf("%s\n--\nrules: %d\n", strings.TrimSuffix(string(r.Text), "\n"), r.Rules)
			for _, l := range r.LeftOut {
				got += "left out: " + l + "\n"
			}
			for _, n := range r.Notes {
				got += "note: " + n + "\n"
			}
			path := filepath.Join("../../../testdata/policy/export", f.Name+".want")
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
}

// drawName draws names of which policies hold many and refuse some.
var drawName = rapid.OneOf(
	rapid.StringMatching(`(\*?\.)?[a-z0-9_-]{1,10}(\.[a-z0-9-]{1,12}){0,4}`),
	rapid.SampledFrom([]string{`a"; drop ip any any -> any any (sid:1;).example`, "a;b.example", "a|00|.example", "a\x00b.example", "bücher.example",
		strings.Repeat("a.", 140) + "example", "a b.example", "$HOME_NET", "any.example\nacl x", "'.example", "{{x}}.example"}),
)

var bareName = regexp.MustCompile(`^(\*?\.)?[a-z0-9_.-]+$`)

// TestHostileNames: whatever a policy says, its exports have as many rules as they count, and no name with other characters than those of
// names.
func TestHostileNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var to []string
		for _, n := range rapid.SliceOfN(drawName, 1, 20).Draw(t, "names") {
			if _, err := policy.Parse("", []byte("allow: [{to: ["+quote(n)+"]}]"), policy.Config{}); err == nil {
				to = append(to, quote(n))
			} else if bareName.MatchString(n) && strings.Count(n, ".") < 6 && !strings.HasPrefix(n, "*.") && !strings.HasPrefix(n, ".") && !strings.Contains(err.Error(), "address") &&
				!strings.Contains(err.Error(), "no name of the internet") {
				t.Fatalf("%q is refused: %v", n, err)
			}
		}
		if len(to) == 0 {
			return
		}
		p := parse(t, "allow: [{to: ["+strings.Join(to, ", ")+"], ports: [443]}]")
		requireCounts(t, p)
	})
}

func quote(text string) string {
	b, _ := yaml.Marshal(text)
	if s := strings.TrimSuffix(string(b), "\n"); !strings.Contains(s, "\n") && s[0] == '"' {
		return s
	}
	j, _ := json.Marshal(text)
	return string(j)
}

func TestRefusedOptions(t *testing.T) {
	p := parse(t, example)
	for want, o := range map[string]Options{
		"a rule group needs the networks of the workloads: give them, such as 10.0.0.0/16": {Name: "x"},
		`"a b" is no name of a rule group: want 1 to 128 letters, digits and dashes`:       {Name: "a b", HomeNet: options.HomeNet},
	} {
		_, err := networkFirewallRules(p, o)
		require.EqualError(t, err, want)
		_, err = networkFirewallDomains(p, o)
		require.EqualError(t, err, want)
	}
	_, err := cilium(p, Options{Name: "Egress"})
	require.EqualError(t, err, "the policy needs a name: 1 to 63 lower-case letters, digits and dashes, with no dash at the ends")
	for _, f := range Formats {
		_, err := f.Make(parse(t, "allow: []"), options)
		switch f.Name {
		case "network-firewall-rules", "network-firewall-domains", "envoy":
			require.ErrorIs(t, err, errNothing)
		default:
			require.NoError(t, err)
		}
	}
}

// TestNamesCovered: a name that another covers is left out, and domains come before the names below them.
func TestNamesCovered(t *testing.T) {
	p := parse(t, `allow: [{to: ["*.a.example", b.a.example, a.example, .b.example, b.example, "*.b.example", x.example, x.example]}]`)
	type name struct {
		text        string
		apex, below bool
	}
	var got []name
	for _, d := range names(items(p, "")) {
		got = append(got, name{d.Name, d.Apex, d.Below})
	}
	require.Equal(t, []name{{"a.example", false, true}, {"a.example", true, false}, {"b.example", true, true}, {"x.example", true, false}}, got)
}
