package propose

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/publicsuffix"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// names are drawn for observations: shared hosts, public suffixes, deep names, and a zone of one's own.
var names = []string{
	"www.example.com", "api.example.com", "a.cdn.example.com", "b.cdn.example.com", "example.com", "www.example.co.uk", "mail.example.co.uk",
	"d1.cloudfront.net", "d2.cloudfront.net", "d3.cloudfront.net", "d4.cloudfront.net", "alice.github.io", "bob.github.io", "carol.github.io",
	"a.s3.amazonaws.com", "b.s3.amazonaws.com", "c.s3.amazonaws.com", "sqs.eu-west-1.amazonaws.com", "co.uk", "com", "host.corp", "a.host.corp",
	"iam.amazonaws.com", "sts.amazonaws.com", "amazonaws.com", "ec2.eu-west-1.amazonaws.com", "update.windows.net", "a.blob.core.windows.net",
	"b.host.corp", "c.host.corp", "a.kawasaki.jp", "b.kawasaki.jp", "localhost", "xn--bcher-kva.example", "_srv.example.net",
}

// drawTo draws what flows are judged by: clients may say any name.
var drawTo = rapid.OneOf(rapid.SampledFrom(names), rapid.Custom(func(t *rapid.T) string {
	said := rapid.OneOf(
		rapid.SampledFrom([]string{
			"any", "private", "ANY", "any.", "null", "true", "no", "1e3", "0x1f", "-", "--", "-a", "_", "12_3", "1.5", "123", "10.000.000.001", "0.0.0.0.0",
			"file", "aws", "a.b.", "xn--a", "xn--bcher-kva.example", "b\u00fccher.example", "a b", "a:b", "[::1]", "a\x00b", "a\"b", "a;b", "'", "*.example.com", "#a",
			"..", "%61", strings.Repeat("a.", 126) + "a", strings.Repeat("a", 64),
		}),
		rapid.StringMatching(`[-a-z0-9_.]{1,8}`), rapid.StringN(1, 8, 20),
	).Draw(t, "said")
	f := policy.Flow{Names: policy.Names{SNI: said}, Addr: netip.MustParseAddr("203.0.113.9")}
	to, by := f.Destination()
	if by != policy.BySNI {
		return "www.example.com"
	}
	return to
}))

var drawObservation = rapid.Custom(func(t *rapid.T) Observation {
	o := Observation{
		Workload: rapid.SampledFrom([]string{"", "web", "build"}).Draw(t, "workload"), Flows: uint64(rapid.IntRange(1, 9).Draw(t, "flows")),
		Days: rapid.IntRange(1, 3).Draw(t, "days"), Protocol: rapid.SampledFrom([]uint8{policy.TCP, policy.TCP, policy.UDP, 1}).Draw(t, "protocol"),
		Port: rapid.SampledFrom([]uint16{80, 443, 444, 53, 0, 65535}).Draw(t, "port"), First: 1e9, Last: 1e9 + 5,
	}
	o.To, o.By = drawTo.Draw(t, "name"), rapid.SampledFrom([]policy.Evidence{policy.BySNI, policy.ByHost, policy.ByLookup}).Draw(t, "by")
	if rapid.IntRange(0, 5).Draw(t, "kind") == 0 {
		o.To, o.By = rapid.SampledFrom([]string{"203.0.113.9", "2001:db8::9", "2001:db8::", "64:ff9b::"}).Draw(t, "address"), policy.ByAddress
	}
	return o
})

// flow returns a flow that an observation counts.
func (o *Observation) flow() *policy.Flow {
	f := &policy.Flow{
		Source: policy.Source{Workload: o.Workload}, Addr: netip.MustParseAddr("198.51.100.1"), Protocol: o.Protocol, Port: o.Port,
		Services: true, Opened: policy.OpenedHere,
	}
	switch o.By {
	case policy.BySNI:
		f.Names.SNI = o.To
	case policy.ByHost:
		f.Names.Host = o.To
	case policy.ByLookup:
		f.Names.Lookups = []string{o.To}
	case policy.ByAddress, policy.NoEvidence:
		f.Addr = netip.MustParseAddr(o.To)
	}
	return f
}

const header = "workloads: {web: {vpc: vpc-1}, build: {vpc: vpc-2}}\nallow:\n"

// TestNothingIsBlocked: the policy that is proposed from observations parses, and allows each of them.
func TestNothingIsBlocked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seen := rapid.SliceOfN(drawObservation, 1, 40).Draw(t, "seen")
		head := header
		for i := range seen {
			if seen[i].Workload == "" { // a policy without workloads
				head = "allow:\n"
			}
		}
		if head != header {
			for i := range seen {
				seen[i].Workload = ""
			}
		}
		cfg := Config{Collapse: rapid.IntRange(0, 4).Draw(t, "collapse"), Rare: 3}
		text := string(AppendRules([]byte(head), Rules(seen, cfg), "  "))
		p, err := policy.Parse("p.yaml", []byte(text), policy.Config{})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for _, o := range seen {
			if v := p.Decide(o.flow()); v.Kind != policy.Allowed {
				t.Fatalf("%+v is %s by\n%s", o, v.Explain(), text)
			}
		}
		for i := range p.Allow {
			for k := range p.Allow[i].To {
				if d := &p.Allow[i].To[k]; d.Any || d.Private || d.Service != "" {
					t.Fatalf("%s allows more than names and addresses:\n%s", d, text)
				}
			}
		}
		shuffled := append([]Observation{}, seen...)
		rand.New(rand.NewPCG(1, uint64(len(seen)))).Shuffle(len(shuffled), func(i, k int) { shuffled[i], shuffled[k] = shuffled[k], shuffled[i] })
		if again := string(AppendRules([]byte(head), Rules(shuffled, cfg), "  ")); again != text {
			t.Fatalf("another order gives\n%s\ninstead of\n%s", again, text)
		}
	})
}

// strangers are names below suffixes of the public suffix list.
var strangers = []string{
	"stranger.co.uk", "d9.cloudfront.net", "stranger.github.io", "stranger.s3.amazonaws.com", "x.execute-api.eu-west-1.amazonaws.com",
	"stranger.blob.core.windows.net", "stranger.anything.kawasaki.jp",
}

// requireOwn fails if a wildcard of rules is at a public suffix or a shared host, or above one. It returns the number of wildcards.
func requireOwn(t require.TestingT, rules []Rule) (wildcards int) {
	for _, r := range rules {
		for _, e := range r.Entries {
			base := strings.TrimPrefix(strings.TrimPrefix(e.To, "*"), ".")
			if base == e.To {
				continue
			}
			wildcards++
			suffix, _ := publicsuffix.PublicSuffix(base)
			require.NotEqual(t, suffix, base)
			require.NotEmpty(t, policy.OwnDomain(base), e.To)
			for _, s := range strangers {
				require.False(t, strings.HasSuffix(s, "."+base), "%s allows %s", e.To, s)
			}
		}
	}
	return wildcards
}

// TestNoSharedWildcard: no wildcard is at a public suffix, nor at a host that many customers share, nor above one.
func TestNoSharedWildcard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		requireOwn(t, Rules(rapid.SliceOfN(drawObservation, 1, 60).Draw(t, "seen"), Config{Collapse: 2}))
	})
}

// TestPublicCaptures: nor is there one in the proposal for the names of public captures.
func TestPublicCaptures(t *testing.T) {
	files, _ := filepath.Glob("../../../../shared/corpus/*/oracle/*.jsonl")
	if len(files) == 0 {
		t.Skip("no public captures in ../shared/corpus")
	}
	var seen []Observation
	add := func(name string) {
		if p, err := policy.Parse("", []byte("allow: [{to: ["+strconv.Quote(name)+"]}]"), policy.Config{}); err == nil && p.Allow[0].To[0].Name != "" {
			seen = append(seen, Observation{To: p.Allow[0].To[0].Name, By: policy.BySNI, Protocol: policy.TCP, Port: 443, Flows: 9})
		}
	}
	known := map[string]bool{"": true}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for line := range bytes.Lines(text) {
			var e struct {
				SNI, Host string
				Queries   []struct{ RRName string }
			}
			if json.Unmarshal(line, &e) != nil {
				continue
			}
			host, _, _ := strings.Cut(e.Host, ":")
			list := []string{e.SNI, host}
			for _, q := range e.Queries {
				list = append(list, q.RRName)
			}
			for _, name := range list {
				if !known[name] {
					known[name] = true
					add(name)
				}
			}
		}
	}
	require.Greater(t, len(seen), 1500)
	for _, n := range []int{2, 3, 15} {
		require.Positive(t, requireOwn(t, Rules(seen, Config{Collapse: n})))
	}
}

func TestRules(t *testing.T) {
	seen := []Observation{
		{"web", "www.example.com", policy.BySNI, policy.TCP, 443, 5e6, 40, 1796000000, 1796100000, 2, 0},
		{"web", "api.example.com", policy.BySNI, policy.TCP, 443, 500, 4, 1796000000, 1796000001, 1, 0},
		{"web", "api.example.com", policy.BySNI, policy.UDP, 443, 500, 4, 1796000000, 1796000001, 1, 0},
		{"web", "img.example.com", policy.BySNI, policy.TCP, 443, 1, 9, 1796000000, 1796000001, 1, 0},
		{"web", "d1.cloudfront.net", policy.ByLookup, policy.TCP, 443, 9, 9, 1796000000, 1796000001, 1, 0},
		{"web", "once.example.net", policy.BySNI, policy.TCP, 443, 9, 1, 1796000000, 1796000001, 1, 0},
		{"web", "203.0.113.9", policy.ByAddress, policy.TCP, 22, 9, 100, 1796000000, 1796000001, 3, 0},
	}
	require.Equal(t, `- from: web
  to:
    - "*.example.com" # 5.0 MB in 57 flows, 2026-11-30 to 2026-12-01, 3 names
  ports: [443]
- from: web
  to:
    - d1.cloudfront.net # 9 B in 9 flows, 2026-11-30 to 2026-11-30, named by lookups
  ports: [tcp/443]
# To review: seen rarely, or an address that no name explains.
- from: web
  to:
    - 203.0.113.9 # 9 B in 100 flows, 2026-11-30 to 2026-11-30, no name
  ports: [tcp/22]
# To review: seen rarely, or an address that no name explains.
- from: web
  to:
    - once.example.net # 9 B in 1 flow, 2026-11-30 to 2026-11-30
  ports: [tcp/443]
`, string(AppendRules(nil, Rules(seen, Defaults), "")))
}

// TestNarrowest: a wildcard is as narrow as the names permit.
func TestNarrowest(t *testing.T) {
	for want, list := range map[string]string{
		"*.cdn.example.com":             "a.cdn.example.com b.cdn.example.com c.cdn.example.com",
		".cdn.example.com":              "cdn.example.com b.cdn.example.com c.cdn.example.com",
		"*.example.com":                 "a.cdn.example.com b.cdn.example.com www.example.com",
		".example.com":                  "example.com b.cdn.example.com www.example.com",
		"*.alice.github.io":             "a.alice.github.io b.alice.github.io c.alice.github.io",
		"*.b.s3.amazonaws.com":          "x.b.s3.amazonaws.com y.b.s3.amazonaws.com z.b.s3.amazonaws.com",
		"*.ec2.eu-west-1.amazonaws.com": "a.ec2.eu-west-1.amazonaws.com b.ec2.eu-west-1.amazonaws.com c.ec2.eu-west-1.amazonaws.com",
		"ec2.amazonaws.com":             "ec2.amazonaws.com iam.amazonaws.com sts.amazonaws.com",
		"*.example.co.uk":               "a.example.co.uk b.example.co.uk c.example.co.uk",
	} {
		var seen []Observation
		for _, name := range strings.Fields(list) {
			seen = append(seen, Observation{To: name, By: policy.BySNI, Protocol: policy.TCP, Port: 443, Flows: 9})
		}
		rules := Rules(seen, Defaults)
		require.Equal(t, want, rules[0].Entries[0].To, fmt.Sprint(rules))
	}
}
