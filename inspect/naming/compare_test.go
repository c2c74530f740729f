package naming

import (
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// TestServerNamesInDNS: a name in a hello that is, or leads to, what the client looked up is no conflict; another one is.
func TestServerNamesInDNS(t *testing.T) {
	for name, c := range map[string]struct {
		asked, hello string
		conflict     bool
	}{
		"the same":                    {"www.example.com", "www.example.com", false},
		"case":                        {"wWw.eXaMPlE.cOm", "Www.Example.Com", false},
		"a dot at the end":            {"www.example.com", "www.example.com.", false},
		"another name":                {"www.example.com", "www.example.org", true},
		"a part of the name":          {"www.example.com", "example.com", true},
		"more labels":                 {"example.com", "www.example.com", true},
		"a service of a cluster":      {"api.team-a.svc.cluster.local", "api.team-a.svc", false},
		"a service's short name":      {"api.team-a.svc.cluster.local", "api", false},
		"a namespace like a country":  {"web.qa.svc.cluster.local", "web.qa", false},
		"another domain of clusters":  {"web.qa.svc.k8s.example.com", "web.qa", false},
		"all labels but one":          {"api.team-a.svc.cluster.local", "API.team-a.svc.cluster.", false},
		"a host of a company":         {"db.prod.corp.example.com", "db.prod", false},
		"one label":                   {"printer.example.com", "printer", false},
		"a private domain":            {"ip-10-0-0-1.eu-west-1.compute.internal", "ip-10-0-0-1", false},
		"one label was looked up":     {"intranet", "intranet.corp.example.com", false},
		"not the labels in front":     {"api.team-ab.svc.cluster.local", "api.team-a", true},
		"a public name made relative": {"www.example.com.evil.example", "www.example.com", true},
		"of a country":                {"www.bbc.co.uk.evil.example", "www.bbc.co.uk", true},
		"fronting":                    {"front.example", "hidden.example", true},
		"the address itself":          {"www.example.com", server.String(), false},
		"another address":             {"www.example.com", "192.0.2.81", true},
		"a wire form":                 {"b\u00fccher.example", "xn--bcher-kva.example", false},
		"a wire form in capitals":     {"XN--BCHER-KVA.example", "B\u00dcCHER.example", false},
		"another wire form":           {"xn--bcher-kva.example", "xn--bcher-kvb.example", true},
		"an underscore":               {"my_host.example.com", "MY_HOST.example.com", false},
		"a port in the question":      {"_8443._https.www.example.com", "www.example.com", false},
	} {
		n, _ := newNamer(64 << 10)
		answer(n, c.asked, 60, 0)
		r := connection(second)
		n.Opened(r, true)
		n.Message(r, sni(c.hello, l7.ECHNone), second)
		require.Equal(t, c.conflict, r.NameFlags.Conflicts() != 0, name)
		require.Equal(t, strings.TrimSuffix(c.hello, "."), string(n.Names.Append(nil, r.Name)), name)
	}
}

// TestAliasesInDNS: a hello may have any name of a chain, whichever of them was looked up for the address.
func TestAliasesInDNS(t *testing.T) {
	for name, c := range map[string]struct {
		asked, target, resolved, hello string
		conflict                       bool
	}{
		"the end of the chain":        {"www.example.com", "cdn.example.net", "www.example.com", "CDN.example.net.", false},
		"the resolver follows itself": {"www.example.com", "cdn.example.net", "cdn.example.net", "www.example.com", false},
		"a service":                   {"_xmpp._tcp.example.com", "chat.example.net", "chat.example.net", "example.com", false},
		"a port":                      {"_8443._https.example.com", "pool.example.net", "pool.example.net", "example.com", false},
		"no alias":                    {"www.example.com", "cdn.example.net", "www.example.com", "cdn.example.org", true},
		"of another name":             {"other.example.com", "cdn.example.net", "www.example.com", "cdn.example.net", true},
	} {
		n, _ := newNamer(64 << 10)
		aliases := []l7.Alias{{Name: []byte(c.asked), Target: []byte(c.target), TTL: 60}}
		n.Message(connection(0), &l7.Hint{Role: l7.Response, Aliases: aliases}, 0)
		answer(n, c.resolved, 60, 0)
		r := connection(second)
		n.Opened(r, true)
		n.Message(r, sni(c.hello, l7.ECHNone), second)
		require.Equal(t, c.conflict, r.NameFlags.Conflicts() != 0, name)
	}
}

// TestHostsAndServerNames: the host that a proxy was asked for and the name inside differ only if both are names.
func TestHostsAndServerNames(t *testing.T) {
	for name, c := range map[string]struct {
		host, hello string
		conflict    bool
	}{
		"the same":            {"www.example.com.", "WWW.example.com", false},
		"relative":            {"api.team-a", "api.team-a.svc.cluster.local", false},
		"an address":          {"192.0.2.1", "www.example.com", false},
		"an address of IPv6":  {"[2001:db8::1]", "www.example.com", false},
		"two forms of one":    {"[2001:DB8::0:1]", "2001:db8::1", true},
		"another name":        {"www.example.com", "www.example.org", true},
		"an address and port": {"[2001:db8::1]:443", "www.example.com", false},
	} {
		n, _ := newNamer(64 << 10)
		r := connection(second)
		n.Opened(r, false)
		n.Message(r, &l7.Hint{Role: l7.Request, Name: []byte(c.host), NameSource: l7.HTTPHost}, second)
		n.Message(r, sni(c.hello, l7.ECHNone), second)
		require.Equal(t, c.conflict, r.NameFlags.Conflicts() != 0, name)
	}
}

// TestAddressAsServerName: a client that connects to an address, and sends that as the server name, needs no lookup for it.
func TestAddressAsServerName(t *testing.T) {
	for _, name := range []string{server.String(), "::ffff:" + server.String()} {
		n, _ := newNamer(64 << 10)
		answer(n, "a.example.com", 60, 0)
		r := connection(second)
		r.Key.Hi = netip.MustParseAddr("192.0.2.99").As16()
		n.Opened(r, true)
		n.Message(r, sni("192.0.2.99", l7.ECHNone), second)
		require.Zero(t, r.NameFlags.Conflicts())
		require.Equal(t, "no_lookup", r.NameFlags.Direct().String())
		other := connection(second)
		other.Key.Hi = r.Key.Hi
		n.Opened(other, true)
		n.Message(other, sni(name, l7.ECHNone), second)
		require.NotZero(t, other.NameFlags.Conflicts())
	}
	var r flow.Record
	require.False(t, isAddress([]byte("www.example.com"), r.Key.Hi))
}

// TestPunycode has the examples of RFC 3492 section 7.1 that have no ASCII in capitals.
func TestPunycode(t *testing.T) {
	for text, want := range map[string]string{
		"egbpdaj6bu4bxfgehfvwxn":           "\u0644\u064a\u0647\u0645\u0627\u0628\u062a\u0643\u0644\u0645\u0648\u0634\u0639\u0631\u0628\u064a\u061f",
		"ihqwcrb4cv8a8dqg056pqjye":         "\u4ed6\u4eec\u4e3a\u4ec0\u4e48\u4e0d\u8bf4\u4e2d\u6587",
		"4dbcagdahymbxekheh6e0a7fei0b":     "\u05dc\u05de\u05d4\u05d4\u05dd\u05e4\u05e9\u05d5\u05d8\u05dc\u05d0\u05de\u05d3\u05d1\u05e8\u05d9\u05dd\u05e2\u05d1\u05e8\u05d9\u05ea",
		"d9juau41awczczp":                  "\u305d\u306e\u30b9\u30d4\u30fc\u30c9\u3067",
		"bcher-kva":                        "b\u00fccher",
		"-> $1.00 <--":                     "-> $1.00 <-",
		"b1abfaaepdrnnbgefbaDotcwatmq2g4l": "\u043f\u043e\u0447\u0435\u043c\u0443\u0436\u0435\u043e\u043d\u0438\u043d\u0435\u0433\u043e\u0432\u043e\u0440\u044f\u0442\u043f\u043e\u0440\u0443\u0441\u0441\u043a\u0438",
	} {
		got, ok := decodePunycode(nil, []byte(text))
		require.True(t, ok, text)
		require.Equal(t, want, string(got))
	}
}

// FuzzSameName: names of any bytes are compared within bounds, and the order does not matter.
func FuzzSameName(f *testing.F) {
	f.Add("www.example.com.", "WWW.example.com")
	f.Add("xn--bcher-kva.example", "b\u00fccher.example")
	f.Add("xn--99999999999999999999999999999999999999999999999999999999999", "[::1]:443")
	f.Fuzz(func(t *testing.T, a, b string) {
		one, two := []byte(a), []byte(b)
		require.Equal(t, sameName(one, two), sameName(two, one))
		require.Equal(t, agree(one, two), agree(two, one))
		require.True(t, sameName(one, one))
		require.False(t, completed(one, one))
		withoutService(one)
	})
}

// TestNamesOfResolvers: what a resolver makes of a name is the name: other case, a dot at the end, a domain of a search list, and the
// form of labels on the wire.
func TestNamesOfResolvers(t *testing.T) {
	label := rapid.StringMatching(`[a-z][a-z0-9_-]{2,8}[a-z0-9]`).Filter(func(s string) bool { return !isPublicDomain([]byte(s)) })
	rapid.Check(t, func(t *rapid.T) {
		name := strings.Join(rapid.SliceOfN(label, 1, 4).Draw(t, "name"), ".")
		full := name
		if rapid.Bool().Draw(t, "relative") {
			full += "." + strings.Join(rapid.SliceOfN(label, 1, 3).Draw(t, "domain"), ".")
		}
		upper := func(s string) []byte {
			b := []byte(s)
			for i := range b {
				if rapid.Bool().Draw(t, "upper") {
					b[i] = strings.ToUpper(s)[i]
				}
			}
			return append(b, strings.Repeat(".", rapid.IntRange(0, 1).Draw(t, "dot"))...)
		}
		n, _ := newNamer(64 << 10)
		answer(n, strings.TrimSuffix(string(upper(full)), "."), 60, 0)
		r := connection(second)
		n.Opened(r, true)
		n.Message(r, sni(string(upper(name)), l7.ECHNone), second)
		require.Zero(t, r.NameFlags.Conflicts(), "%s %s", full, name)
		require.True(t, utf8.ValidString(name))
	})
}
