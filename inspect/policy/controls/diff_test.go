package controls

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

var home = Options{Name: "egress", HomeNet: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}

func exported(t require.TestingT, format, text string) []byte {
	p, err := policy.Parse("p.yaml", []byte(text), policy.Config{})
	require.NoError(t, err)
	for _, f := range Formats {
		if f.Name == format {
			r, err := f.Make(p, home)
			require.NoError(t, err)
			return r.Text
		}
	}
	t.FailNow()
	return nil
}

// TestCompareEachFormat: an export is equal to itself whatever the order of its rules, and differs in what was added or removed.
func TestCompareEachFormat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := []string{"a.example.com", `".b.example.com"`, `"*.c.example.org"`, "192.0.2.0/24", "2001:db8::/32", "d.example.net"}
		format := rapid.SampledFrom([]string{"network-firewall-rules", "network-firewall-domains", "dns-firewall", "security-group"}).Draw(t, "format")
		some := rapid.SliceOfDistinct(rapid.SampledFrom(all), rapid.ID[string]).Draw(t, "destinations")
		file := func(to []string) string {
			return "allow:\n  - {name: r, to: [" + strings.Join(append(slices.Clone(to), "203.0.113.1", "nowhere.invalid"), ", ") + "], ports: [443]}\n"
		}
		one := exported(t, format, file(some))
		other := exported(t, format, file(rapid.Permutation(some).Draw(t, "order")))
		d, err := Compare(format, one, other)
		require.NoError(t, err)
		require.True(t, d.Equal(), "%s: %v", format, d)
		if len(some) == 0 {
			return
		}
		less := exported(t, format, file(some[1:]))
		lost, err := Compare(format, one, less)
		require.NoError(t, err)
		gained, err := Compare(format, less, one)
		require.NoError(t, err)
		notCapacity := func(list []string) (kept []string) {
			for _, e := range list {
				if !strings.HasPrefix(e, "capacity") {
					kept = append(kept, e)
				}
			}
			return kept
		}
		require.Equal(t, notCapacity(lost.Group), notCapacity(gained.Policy))
		require.Empty(t, notCapacity(lost.Policy))
		network := strings.Contains(some[0], "/")
		holds := format == "network-firewall-rules" || network == (format == "security-group")
		require.Equal(t, holds, len(notCapacity(lost.Group)) > 0, "%s: %s: %v", format, some[0], lost)
	})
}

// TestCompareWithAnswers: what AWS's command line prints is read, and what has no effect does not count.
func TestCompareWithAnswers(t *testing.T) {
	const text = "allow: [{name: web, to: [www.example.com, .example.org], ports: [443]}, {name: net, to: [192.0.2.0/24, 2001:db8::/32], ports: [tcp/443]}]\n"
	rules := exported(t, "network-firewall-rules", text)
	var created struct{ RuleGroup map[string]any }
	require.NoError(t, json.Unmarshal(rules, &created))
	source := created.RuleGroup["RulesSource"].(map[string]any)
	lines := strings.Split(strings.TrimSpace(source["RulesString"].(string)), "\n")
	for i, j := 0, len(lines)-1; i < j; i, j = i+1, j-1 {
		lines[i], lines[j] = lines[j], strings.Replace(lines[i], "sid:91", "sid: 77", 1)
	}
	source["RulesString"] = "# by hand\n\n" + strings.Join(lines, "\n") + "\ndrop tcp any any -> any any (msg:\"x\"; sid:1; rev:3;)"
	described := func(capacity int) []byte {
		out, err := json.Marshal(map[string]any{"UpdateToken": "x", "RuleGroup": created.RuleGroup, "RuleGroupResponse": map[string]any{"Capacity": capacity}})
		require.NoError(t, err)
		return out
	}
	d, err := Compare("network-firewall-rules", described(100), rules)
	require.NoError(t, err)
	require.Equal(t, Diff{Group: []string{`drop tcp any any -> any any (msg:"x";)`}, Same: d.Same}, d)
	d, err = Compare("network-firewall-rules", described(1), rules)
	require.NoError(t, err)
	require.Equal(t, "capacity 1", d.Group[0])
	require.Len(t, d.Policy, 1)

	d, err = Compare("dns-firewall", []byte(`{"Domains": ["WWW.example.com.", "example.org.", "old.example.com."]}`), exported(t, "dns-firewall", text))
	require.NoError(t, err)
	require.Equal(t, Diff{Group: []string{"old.example.com"}, Policy: []string{"*.example.org"}, Same: 2}, d)

	group := `{"SecurityGroups": [{"IpPermissions": [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}],
	  "IpPermissionsEgress": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": "sg-2"}], "PrefixListIds": [{"PrefixListId": "pl-1"}],
	    "IpRanges": [{"CidrIp": "192.0.2.0/24", "Description": "other words"}], "Ipv6Ranges": []}, {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}]}`
	d, err = Compare("security-group", []byte(group), exported(t, "security-group", text))
	require.NoError(t, err)
	require.Equal(t, Diff{Group: []string{"all 0.0.0.0/0", "tcp 443-443 pl-1", "tcp 443-443 sg-2"}, Policy: []string{"tcp 443-443 2001:db8::/32"}, Same: 1}, d)
}

// TestCompareRefuses: what is no group of the format is an error, and not a list of differences.
func TestCompareRefuses(t *testing.T) {
	for format, texts := range map[string][]string{
		"network-firewall-rules":   {"", "{}", "[]", `{"RuleGroup": {}}`, "a.example.com\n"},
		"network-firewall-domains": {`{"Domains": []}`},
		"dns-firewall":             {"{}", "{", "<html> x", `{"SecurityGroups": []}`},
		"security-group":           {"", "{}", `{"SecurityGroups": []}`, `{"SecurityGroups": [{}, {}]}`},
	} {
		for _, text := range texts {
			_, err := Compare(format, []byte(text), exported(t, format, "allow: [{to: a.example.com}]\n"))
			require.ErrorContains(t, err, "no group for "+format, text)
		}
	}
}

// FuzzCompare: no group makes the comparison fail but with an error, and a group equals itself.
func FuzzCompare(f *testing.F) {
	f.Add(0, []byte(`{"RuleGroup":{"RulesSource":{"RulesString":"pass ip any any -> any any (sid:1;)"}}}`))
	f.Add(1, []byte(`{"RuleGroup":{"RulesSource":{"StatefulRules":[{}],"RulesSourceList":{"Targets":["x"]}}}}`))
	f.Add(2, []byte(`{"Domains":["A."]}`))
	f.Add(3, []byte(`{"IpPermissions":[{"IpProtocol":"6","FromPort":1,"ToPort":2,"IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]}`))
	f.Add(4, []byte("a\na\n"))
	f.Fuzz(func(t *testing.T, at int, group []byte) {
		if at < 0 || at >= len(Formats) {
			return
		}
		if d, err := Compare(Formats[at].Name, group, group); err == nil && !d.Equal() {
			t.Fatalf("%v", d)
		}
	})
}
