package policy

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const example = `
workloads: {web: {tags: {role: web}}, build: {auto-scaling-group: builders}, office: {cidr: 10.9.0.0/16}}
allow:
  - {from: web, to: ["*.example.com", "api.payments.example"], ports: [443]}
  - {from: build, to: [aws:S3, 192.0.2.0/24, "file:allow.txt"]}
  - {name: ntp, to: [any], ports: [udp/123]}
alert:
  exfiltration: {bytes: 100kB, within: 5m, to: not-allowed}
  direct-to-address: {}
  new-name: {learn: 7d}
  beacon: {score: 0.8}
  long-connection: {over: 4h}
  dns-tunnel: {subdomains: 100}
  management-port:
  cleartext-credentials: {severity: low}
  resolver-bypass: {}
  listed: {in: ["file:allow.txt"]}
  any: {where: 'bytes > 5'}
tests:
  - {from: web, to: www.example.com:443, want: allowed}
  - {from: web, to: 203.0.113.9:22, want: blocked}
`

var files = Config{
	Open: func(path string) ([]byte, error) {
		if path != "allow.txt" {
			return nil, errors.New("no such file: " + path)
		}
		return []byte("# mirrors\ndeb.example.net  # Debian\n\n.pool.example.org\n2001:db8:1::/48\n"), nil
	},
	Check: func(expression string) error {
		if !strings.Contains(expression, ">") {
			return errors.New("no comparison")
		}
		return nil
	},
}

func parse(t *testing.T, text string) *Policy {
	t.Helper()
	p, err := Parse("p.yaml", []byte(text), files)
	require.NoError(t, err)
	return p
}

var (
	web   = Source{Tags: map[string]string{"role": "web", "x": "y"}, Instance: "i-1", Addr: netip.MustParseAddr("10.0.0.1")}
	build = Source{Tags: map[string]string{}, Group: "builders", Addr: netip.MustParseAddr("10.0.0.2")}
	other = Source{Tags: map[string]string{}, Group: "others", Addr: netip.MustParseAddr("10.0.0.3")}
)

func flow(src Source, addr string, port uint16, names Names) *Flow {
	return &Flow{Source: src, Addr: netip.MustParseAddr(addr), Protocol: TCP, Port: port, Services: true, Names: names, Opened: OpenedHere}
}

func with(f *Flow, change func(*Flow)) *Flow {
	change(f)
	return f
}

func TestDecide(t *testing.T) {
	p := parse(t, example)
	sni := func(name string) Names { return Names{SNI: name} }
	looked := func(names ...string) Names { return Names{Lookups: names} }
	for name, c := range map[string]struct {
		flow *Flow
		want Verdict
	}{
		"below a wildcard":            {flow(web, "203.0.113.1", 443, sni("a.b.Example.com.")), Verdict{Allowed, 0, "web", "allow-1", BySNI, "a.b.example.com"}},
		"not the wildcard's apex":     {flow(web, "203.0.113.1", 443, sni("example.com")), Verdict{NotAllowed, NoRule, "web", "", BySNI, "example.com"}},
		"not a longer label":          {flow(web, "203.0.113.1", 443, sni("badexample.com")), Verdict{NotAllowed, NoRule, "web", "", BySNI, "badexample.com"}},
		"another port":                {flow(web, "203.0.113.1", 8443, sni("www.example.com")), Verdict{NotAllowed, WrongPort, "web", "", BySNI, "www.example.com"}},
		"another workload's rule":     {flow(build, "203.0.113.1", 443, sni("www.example.com")), Verdict{NotAllowed, NoRule, "build", "", BySNI, "www.example.com"}},
		"HTTP host":                   {flow(web, "203.0.113.1", 443, Names{Host: "api.payments.example"}), Verdict{Allowed, 0, "web", "allow-1", ByHost, "api.payments.example"}},
		"by lookup":                   {flow(web, "203.0.113.1", 443, looked("cdn.test", "www.example.com")), Verdict{Allowed, 0, "web", "allow-1", ByLookup, "www.example.com"}},
		"by a lookup elsewhere":       {flow(web, "203.0.113.1", 443, looked("cdn.test")), Verdict{NotAllowed, NoRule, "web", "", ByLookup, "cdn.test"}},
		"a name before lookups":       {flow(web, "203.0.113.1", 443, Names{SNI: "evil.test", Lookups: []string{"www.example.com"}}), Verdict{NotAllowed, NoRule, "web", "", BySNI, "evil.test"}},
		"by nothing":                  {flow(web, "203.0.113.9", 22, Names{}), Verdict{NotAllowed, NoRule, "web", "", ByAddress, "203.0.113.9"}},
		"a name that is an address":   {flow(build, "192.0.2.7", 22, sni("192.0.2.7")), Verdict{Allowed, 0, "build", "allow-2", ByAddress, "192.0.2.7"}},
		"a network, whatever name":    {flow(build, "192.0.2.7", 22, sni("evil.test")), Verdict{Allowed, 0, "build", "allow-2", ByAddress, "192.0.2.7"}},
		"a mapped address":            {flow(build, "::ffff:192.0.2.7", 22, Names{}), Verdict{Allowed, 0, "build", "allow-2", ByAddress, "192.0.2.7"}},
		"a network of a file":         {flow(build, "2001:db8:1::5", 22, Names{}), Verdict{Allowed, 0, "build", "allow-2", ByAddress, "2001:db8:1::5"}},
		"a service":                   {with(flow(build, "203.0.113.1", 443, Names{}), func(f *Flow) { f.Service = "S3" }), Verdict{Allowed, 0, "build", "allow-2", ByAddress, "203.0.113.1"}},
		"a service, ranges unknown":   {with(flow(build, "203.0.113.1", 443, sni("evil.test")), func(f *Flow) { f.Services = false }), Verdict{Inconclusive, NoRanges, "build", "", BySNI, "evil.test"}},
		"apex of a dot":               {flow(build, "203.0.113.1", 443, sni("pool.example.org")), Verdict{Allowed, 0, "build", "allow-2", BySNI, "pool.example.org"}},
		"everyone":                    {with(flow(web, "203.0.113.1", 123, Names{}), func(f *Flow) { f.Protocol = UDP }), Verdict{Allowed, 0, "web", "ntp", ByAddress, "203.0.113.1"}},
		"private":                     {flow(web, "10.3.3.3", 443, Names{}), Verdict{Exempt, ExemptTo, "web", "", ByAddress, "10.3.3.3"}},
		"multicast":                   {flow(web, "224.0.0.251", 5353, Names{}), Verdict{Exempt, NotEgress, "", "", ByAddress, "224.0.0.251"}},
		"no workload":                 {flow(other, "203.0.113.1", 443, Names{}), Verdict{Exempt, NoWorkload, "", "", ByAddress, "203.0.113.1"}},
		"inbound":                     {with(flow(web, "203.0.113.1", 443, Names{}), func(f *Flow) { f.Opened = OpenedThere }), Verdict{}},
		"unknown initiator":           {with(flow(web, "203.0.113.1", 443, Names{}), func(f *Flow) { f.Opened = OpenedUnknown }), Verdict{Inconclusive, Initiator, "web", "", ByAddress, "203.0.113.1"}},
		"unknown workload":            {flow(Source{}, "203.0.113.1", 443, Names{}), Verdict{Inconclusive, Workloads, "", "", ByAddress, "203.0.113.1"}},
		"recorded workload":           {flow(Source{Workload: "build"}, "192.0.2.1", 443, Names{}), Verdict{Allowed, 0, "build", "allow-2", ByAddress, "192.0.2.1"}},
		"began before":                {with(flow(web, "203.0.113.1", 443, looked("www.example.com")), func(f *Flow) { f.Late = true }), Verdict{Inconclusive, BeganBefore, "web", "", ByLookup, "www.example.com"}},
		"began before, allowed":       {with(flow(build, "192.0.2.1", 443, Names{}), func(f *Flow) { f.Late = true }), Verdict{Allowed, 0, "build", "allow-2", ByAddress, "192.0.2.1"}},
		"began before, name seen":     {with(flow(web, "203.0.113.1", 443, sni("www.example.com")), func(f *Flow) { f.Late = true }), Verdict{Allowed, 0, "web", "allow-1", BySNI, "www.example.com"}},
		"encrypted name":              {with(flow(web, "203.0.113.1", 443, sni("www.example.com")), func(f *Flow) { f.Hidden = true }), Verdict{Inconclusive, EncryptedName, "web", "", BySNI, "www.example.com"}},
		"disputed name":               {with(flow(web, "203.0.113.1", 443, sni("www.example.com")), func(f *Flow) { f.Disputed = true }), Verdict{Inconclusive, DisputedName, "web", "", BySNI, "www.example.com"}},
		"no DNS seen":                 {with(flow(web, "203.0.113.1", 443, Names{}), func(f *Flow) { f.NoDNS = true }), Verdict{Inconclusive, NoDNSSeen, "web", "", ByAddress, "203.0.113.1"}},
		"no DNS seen, name not on it": {with(flow(web, "203.0.113.1", 443, sni("evil.test")), func(f *Flow) { f.NoDNS = true }), Verdict{NotAllowed, NoRule, "web", "", BySNI, "evil.test"}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, p.Decide(c.flow)) })
	}
}

func TestParse(t *testing.T) {
	p := parse(t, example)
	require.Len(t, p.Alerts, 11)
	require.EqualValues(t, 100000, p.Alerts[0].Bytes)
	require.Equal(t, []Finding(nil), p.Check())
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"":                                                 `p.yaml:1:1: the file is empty: want allow, and workloads that its rules are for`,
		"allow: []\nalow: 1":                               `p.yaml:2:1: unknown key "alow" in the policy; did you mean "allow"?`,
		"allow: [{to: [*.example.com]}]":                   `p.yaml:1:1: a value begins with * or &: put it in quotes`,
		"allow: [{to: ['*.com']}]":                         `p.yaml:1:15: to: "*.com" would allow everyone's names under the public suffix com: want a registered domain, such as *.example.com`,
		"allow: [{to: ['*.co.uk']}]":                       `p.yaml:1:15: to: "*.co.uk" would allow everyone's names under the public suffix co.uk: want a registered domain, such as *.example.co.uk`,
		"allow: [{to: a.*.test}]":                          `p.yaml:1:14: to: "a.*.test": a wildcard stands for whole labels at the front: want such as *.example.com`,
		"allow: [{to: 10.0.0.1/8}]":                        `p.yaml:1:14: to: "10.0.0.1/8" has bits behind its length: want 10.0.0.0/8`,
		"allow: [{to: 10.0.0}]":                            `p.yaml:1:14: to: "10.0.0" is neither a network nor an address: want such as 192.0.2.0/24 or 2001:db8::/32`,
		"allow: [{to: 'https://a.test/'}]":                 `p.yaml:1:14: to: "https://a.test/" is a URL: want the name alone, and ports under ports`,
		"allow: [{to: 'a.test:443'}]":                      `p.yaml:1:14: to: "a.test:443" has a port: want the name or address alone, and ports under ports`,
		"allow: [{to: 'a b.test'}]":                        `p.yaml:1:14: to: "a b.test" is neither a name, a network, aws:SERVICE nor file:PATH: a name has letters, digits, dashes, underscores and dots`,
		"allow: [{from: wbe, to: a.test}]":                 `p.yaml:1:16: from: there is no workload "wbe"; there are none`,
		"allow: [{to: a.test, ports: 70000}]":              `p.yaml:1:29: ports: "70000" is no port: want such as 443, 8000-8080 or udp/53`,
		"allow: [{to: 'file:no.txt'}]":                     `p.yaml:1:14: no such file: no.txt`,
		"allow: []\nworkloads: {w: {}}":                    `p.yaml:2:13: workload "w" chooses nothing: want tags, auto-scaling-group, instance, interface, subnet, vpc, account, cidr or vni`,
		"allow: []\nalert: {exfiltration: {bytes: much}}":  `p.yaml:2:31: bytes: want a number of bytes such as 100kB or 5MiB, found "much"`,
		"allow: []\nalert: {beacon: {score: NaN}}":         `p.yaml:2:25: score: want a number above 0 and up to 1, found "NaN"`,
		"allow: []\nalert: {long-connection: {over: 1e3}}": `p.yaml:2:33: over: want a duration of one unit, at most a year: 30s, 5m, 4h or 7d, found "1e3"`,
		"allow: []\nalert: {any: {where: 'x'}}":            `p.yaml:2:22: where: no comparison`,
		"allow: []\nalert: {any: {}}":                      `p.yaml:2:14: alert any: where is missing`,
		"allow: []\nalert: {beacon: [{}, {}]}":             `p.yaml:2:22: the name "beacon" is that of the alert in line 2 already: give each of several of a kind a name`,
		"allow: []\ntests: [{to: a.test, want: allowed}]":  `p.yaml:2:9: to: "a.test" has no port: want host:port, such as www.example.com:443 or udp/192.0.2.1:53`,
		"allow: []\ntests: [{to: 'a.test:1', want: yes}]":  `p.yaml:2:32: want: want allowed, blocked (or not-allowed), exempt or inconclusive, found "yes"`,
	} {
		t.Run(text, func(t *testing.T) {
			p, err := Parse("p.yaml", []byte(text), files)
			require.EqualError(t, err, want)
			require.Nil(t, p)
		})
	}
}

func TestCheck(t *testing.T) {
	p := parse(t, `
workloads: {web: {vpc: vpc-1}, idle: {vpc: vpc-2}}
allow:
  - {from: web, to: .example.com}
  - {from: web, to: ["*.www.example.com", example.com], ports: [443]}
  - {from: web, to: "*.cloudfront.net"}
  - {from: web, to: [10.0.0.0/8, a.test]}
  - {from: web, to: [10.1.0.0/16], ports: [tcp/1]}
tests: [{from: web, to: b.test:443, want: allowed}, {from: web, to: "a.test:1", want: allowed}]
`)
	var got []string
	for _, f := range p.Check() {
		got = append(got, f.Text)
	}
	require.Equal(t, []string{
		`no rule allows workload "idle" anything`,
		`allow-2 has no effect: allow-1 allows all of it already`,
		`allow-3: *.cloudfront.net is shared by many customers of one provider, so this allows strangers' hosts too: name yours`,
		`allow-5 has no effect: allow-4 allows all of it already`,
		`from web to b.test:443: want allowed, and it is not-allowed: no rule has the destination`,
	}, got)
}

// randomPolicy draws a policy of up to six rules for sets of three workloads.
func randomPolicy(t *rapid.T) *Policy {
	destinations := []string{"any", "private", "aws:S3", "aws:ANY", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "'*.a.test'", ".a.test", "a.test", "b.a.test", "'*.b.a.test'", ".b.a.test"}
	text := "workloads: {u: {vpc: vpc-u}, v: {vpc: vpc-v}, w: {vpc: vpc-w}}\nallow:\n"
	for range rapid.IntRange(1, 6).Draw(t, "rules") {
		from := rapid.SampledFrom([]string{"any", "u", "v", "w", "[u, v]", "[w, v]", "[w, u, v]"}).Draw(t, "from")
		to := rapid.SliceOfN(rapid.SampledFrom(destinations), 1, 3).Draw(t, "to")
		ports := rapid.SampledFrom([]string{"443", "1-500", "tcp/443"}).Draw(t, "ports")
		text += "  - {from: " + from + ", to: [" + strings.Join(to, ", ") + "], ports: [" + ports + "]}\n"
	}
	p, err := Parse("p.yaml", []byte(text), files)
	require.NoError(t, err)
	return p
}

// TestUnreachable: a rule has no effect if earlier rules with its workloads and ports cover all that it has, by comparing every pair.
func TestUnreachable(t *testing.T) {
	covers := func(a, b *Rule) bool {
		return a.coversPorts(b) && (len(a.From) == 0 || len(b.From) > 0 && !slices.ContainsFunc(b.From, func(w string) bool { return !slices.Contains(a.From, w) }))
	}
	rapid.Check(t, func(t *rapid.T) {
		p := randomPolicy(t)
		for i := range p.Allow {
			for k := range p.Allow[i].To {
				want := ""
				for _, earlier := range p.Allow[:i] {
					if want == "" && covers(&earlier, &p.Allow[i]) && slices.ContainsFunc(earlier.To, func(e Destination) bool { return e.Covers(&p.Allow[i].To[k]) }) {
						want = earlier.Name
					}
				}
				require.Equal(t, want, p.coveredBy(i, &p.Allow[i].To[k]))
			}
		}
	})
}

// firstRule returns the first rule of a policy for which a condition holds and that has a destination, by looking at every one; "" for none.
func firstRule(p *Policy, of func(*Rule) bool, has func(*Destination) bool) string {
	for i := range p.Allow {
		r := &p.Allow[i]
		if of(r) && slices.ContainsFunc(r.To, func(d Destination) bool { return has(&d) }) {
			return r.Name
		}
	}
	return ""
}

// hasName reports whether a destination has a name.
func hasName(name string) func(*Destination) bool {
	return func(d *Destination) bool {
		return d.Name != "" && (d.Apex && d.Name == name || d.Below && below(name, d.Name))
	}
}

// hasAddr reports whether a destination has a flow's address.
func hasAddr(f *Flow) func(*Destination) bool {
	return func(d *Destination) bool {
		switch {
		case d.Any:
			return true
		case d.Private:
			return f.Addr.IsPrivate()
		case d.Network.IsValid():
			return d.Network.Contains(f.Addr)
		default:
			return d.Service != "" && f.Service != "" && (d.Service == f.Service || d.Service == anyService)
		}
	}
}

// TestFirstRule: the rule that the index finds for a name or an address is the first that has it, by looking at every rule.
func TestFirstRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := randomPolicy(t)
		f := flow(Source{}, rapid.SampledFrom([]string{"10.1.2.3", "10.1.0.1", "10.9.9.9", "203.0.113.1"}).Draw(t, "addr"), rapid.SampledFrom([]uint16{443, 80, 600}).Draw(t, "port"), Names{})
		workload := rapid.SampledFrom([]string{"u", "v", "w", "none"}).Draw(t, "workload")
		f.Source.VPC = "vpc-" + workload
		f.Service, f.Protocol = rapid.SampledFrom([]string{"", "S3", "EC2"}).Draw(t, "service"), rapid.SampledFrom([]uint8{TCP, UDP}).Draw(t, "protocol")
		name := rapid.SampledFrom([]string{"a.test", "b.a.test", "c.b.a.test", "test"}).Draw(t, "name")
		mine := func(r *Rule) bool { return len(r.From) == 0 || slices.Contains(r.From, workload) }
		fits := func(r *Rule) bool {
			return mine(r) && slices.ContainsFunc(r.Ports, func(w Ports) bool { return w.contains(f.Protocol, f.Port) })
		}
		byName, _ := p.AllowsName(f, name)
		byAddr, _ := p.AllowsAddress(f)
		require.Equal(t, []string{firstRule(p, fits, hasName(name)), firstRule(p, fits, hasAddr(f))}, []string{byName, byAddr})
		require.Equal(t, firstRule(p, mine, hasName(name)) != "", p.HasName(workload, name))
		require.Equal(t, firstRule(p, func(*Rule) bool { return true }, hasName(name)) != "", p.ListsName(name))
	})
}

// TestPlainNames: a name that is taken as it is, is what the long way makes of it.
func TestPlainNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOfN(rapid.RuneFrom([]rune("aZ0-_.xné")), 1, 70, -1).Draw(t, "name")
		ascii, err := canonical(name)
		if isPlain(name) {
			require.NoError(t, err)
			require.Equal(t, name, ascii)
		}
		require.True(t, isPlain(name) || err != nil || ascii != name || strings.Contains(name, "xn--"))
	})
}

// TestHyphens: names with hyphens anywhere are names, in policies as in traffic, whatever their case.
func TestHyphens(t *testing.T) {
	for _, name := range []string{
		"r3---sn-4g5e6nsz.googlevideo.com", "ab--cd.example.com", "a--.example.com", "-a.example.com", "a-.example.com", "www.a--b.example.com",
	} {
		p, err := Parse("p.yaml", []byte("allow: [{to: "+strconv.Quote(strings.ToUpper(name))+"}]\nexempt: []\n"), files)
		require.NoError(t, err, name)
		for _, seen := range []string{name, strings.ToUpper(name), name + "."} {
			v := p.Decide(&Flow{Addr: netip.MustParseAddr("203.0.113.9"), Protocol: TCP, Port: 443, Services: true, Names: Names{SNI: seen}, Opened: OpenedHere})
			require.Equal(t, Allowed, v.Kind, seen)
			require.Equal(t, name, v.To)
		}
	}
	for _, name := range []string{"xn--a.example.com", "xn--\u00fc.example.com"} {
		require.Empty(t, observed(name), name)
	}
}
