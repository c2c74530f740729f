package propose

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// importAll reads texts with one importer.
func importAll(t require.TestingT, text string, files ...string) (*Importer, error) {
	p, err := policy.Parse("p.yaml", []byte(text), policy.Config{})
	require.NoError(t, err)
	m := &Importer{Policy: p}
	for _, file := range files {
		if err := m.Read(strings.NewReader(file)); err != nil {
			return m, err
		}
	}
	c := m.Counts
	require.Equal(t, c.Rows, c.Taken+c.Allowed+c.NoName+c.Unusual+c.NoSource)
	return m, nil
}

const nothing = "allow: []\n"

const (
	csvReport = "\ufeffDomain,Protocol,First accessed,Last accessed,Hits,Unique sources\n" +
		"www.example.com,HTTPS,2026-11-01T10:00:00Z,2026-11-29 10:00:00,1200,3\n\"api.example.org\",HTTP,2026-11-01,2026-11-01,2,1\n$(id),HTTPS,,,1,1\n"
	jsonReport = `{"Status": "COMPLETED", "AnalysisReportResults": [
	  {"Protocol": "TLS_SNI", "FirstAccessed": "2026-11-01T10:00:00+00:00", "LastAccessed": 1796000000.5, "Domain": "www.example.com", "Hits": {"Count": 7}, "UniqueSources": {"Count": 1}}]}`
	observedDomains = `{"Domains": [{"DomainName": "cdn.example.net.", "DomainStatus": "OBSERVED", "Last24HourRequests": 3, "TotalRequests": 90, "AddedTime": "2026-11-20T00:00:00Z"},
	  {"DomainName": "bad.example.net.", "DomainStatus": "DENIED", "TotalRequests": 5}]}`
	queryLog = `{"version":"1.100000","account_id":"111122223333","region":"us-east-1","vpc_id":"vpc-1","query_timestamp":"2026-11-29T17:51:55Z","query_name":"WWW.example.com.","query_type":"A","query_class":"IN","rcode":"NOERROR","answers":[{"Rdata":"203.0.113.9","Type":"A","Class":"IN"}],"srcaddr":"10.0.0.5","srcport":"56067","transport":"UDP","srcids":{"instance":"i-1"}}
{"vpc_id":"vpc-2","query_timestamp":"2026-11-30T17:51:55Z","query_name":"www.example.com.","query_type":"AAAA","rcode":"NOERROR","srcaddr":"10.1.0.5","srcids":{}}
{"vpc_id":"vpc-1","query_name":"15.3.4.32.in-addr.arpa.","query_type":"PTR","rcode":"NOERROR","firewall_rule_action":"ALERT"}
{"vpc_id":"vpc-1","query_name":"gone.example.com.","query_type":"A","rcode":"NXDOMAIN"}
{"vpc_id":"vpc-1","query_name":"blocked.example.com.","query_type":"A","rcode":"NOERROR","firewall_rule_action":"BLOCK"}
`
)

// TestImports: each kind of file gives its names, with the ports, times and counts that it has.
func TestImports(t *testing.T) {
	m, err := importAll(t, nothing, csvReport)
	require.NoError(t, err)
	require.ElementsMatch(t, []Observation{
		{To: "www.example.com", By: policy.BySNI, Protocol: policy.TCP, Port: 443, First: 1793527200, Last: 1795946400, Days: 2, Accesses: 1200},
		{To: "api.example.org", By: policy.ByHost, Protocol: policy.TCP, Port: 80, First: 1793491200, Last: 1793491200, Days: 1, Accesses: 2},
	}, m.Observations())
	require.Equal(t, ImportCounts{Rows: 3, Taken: 2, NoName: 1}, m.Counts)

	m, err = importAll(t, nothing, jsonReport, csvReport)
	require.NoError(t, err)
	require.Len(t, m.Observations(), 2)

	m, err = importAll(t, nothing, observedDomains)
	require.NoError(t, err)
	require.Equal(t, []Observation{{To: "cdn.example.net", By: policy.ByLookup, First: 1795132800, Last: 1795132800, Days: 1, Accesses: 90}}, m.Observations())
	require.Equal(t, ImportCounts{Rows: 2, Taken: 1, Unusual: 1}, m.Counts)

	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write([]byte(queryLog))
	require.NoError(t, w.Close())
	var timed string
	for line := range strings.Lines(queryLog) {
		timed += "2026-11-30T17:51:55.000Z " + line
	}
	for _, text := range []string{queryLog, zipped.String(), timed} {
		m, err = importAll(t, nothing, text)
		require.NoError(t, err)
		require.Equal(t, ImportCounts{Rows: 5, Taken: 2, Unusual: 3}, m.Counts)
		require.Equal(t, []Observation{{To: "www.example.com", By: policy.ByLookup, First: 1795974715, Last: 1796061115, Days: 2, Accesses: 2}}, m.Observations())
	}
}

// TestImportsByWorkload: queries belong to the workload of their source, and what a policy has is not proposed again.
func TestImportsByWorkload(t *testing.T) {
	const file = "workloads: {web: {vpc: vpc-1}, build: {vpc: vpc-2}, ops: {instance: i-9}}\nallow: [{from: build, to: .example.com, ports: [8443]}]\n"
	m, err := importAll(t, file, queryLog)
	require.NoError(t, err)
	require.Equal(t, ImportCounts{Rows: 5, Taken: 1, Allowed: 1, Unusual: 3}, m.Counts)
	require.Equal(t, "web", m.Observations()[0].Workload)
	m, err = importAll(t, "workloads: {web: {tags: {role: web}}}\nallow: []\n", queryLog)
	require.NoError(t, err)
	require.EqualValues(t, 2, m.Counts.NoSource, "the log has no tags")
}

// TestImportsWithRecords: a lookup does not widen the ports that records show.
func TestImportsWithRecords(t *testing.T) {
	m, err := importAll(t, nothing, queryLog, observedDomains)
	require.NoError(t, err)
	seen := append(m.Observations(), Observation{To: "www.example.com", By: policy.BySNI, Protocol: policy.TCP, Port: 443, Flows: 9, Bytes: 7, First: 1796000000, Last: 1796000000, Days: 1})
	text := string(Policy(Rules(seen, Defaults), "x"))
	require.Contains(t, text, "www.example.com # 7 B in 9 flows, 2 accesses imported, 2026-11-29 to 2026-11-30\n    ports: [tcp/443]\n")
	require.Contains(t, text, "cdn.example.net # 90 accesses imported, 2026-11-20 to 2026-11-20, named by lookups\n")
	_, err = policy.Parse("p", []byte(text), policy.Config{})
	require.NoError(t, err)
}

// TestImportsRefuse: what is none of the files is an error in one line.
func TestImportsRefuse(t *testing.T) {
	for _, text := range []string{"{", "{}", "[]", `{"a": 1}`, "name,port\n1,2\n", "Domain,Hits\n\"x\n", "\x1f\x8bnot zipped", "2026-11-30T17:51:55.000Z {\n"} {
		_, err := importAll(t, nothing, text)
		require.Error(t, err, text)
		require.NotContains(t, err.Error(), "\n")
	}
	_, err := importAll(t, nothing, "", " \n")
	require.NoError(t, err)
}

// TestImportsAreAllowed: a policy proposed from what was imported has each name, whatever stands in the files.
func TestImportsAreAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.StringMatching(`[a-z]{1,3}\.[ab]\.example\.(com|co\.uk)`), rapid.SampledFrom([]string{"d1.cloudfront.net", "any", "\"; drop", "a.b\x00", "10.0.0.1", "private"}), rapid.String())
		text := "Domain,Protocol,Hits\n"
		for range rapid.IntRange(0, 30).Draw(t, "rows") {
			text += fmt.Sprintf("%q,HTTPS,%d\n", name.Draw(t, "name"), rapid.IntRange(0, 9).Draw(t, "hits"))
		}
		m, err := importAll(t, nothing, text)
		if err != nil {
			return // quotes of Go are not those of CSV
		}
		p, err := policy.Parse("p", Policy(Rules(m.Observations(), Defaults), "x"), policy.Config{})
		require.NoError(t, err)
		again := &Importer{Policy: p}
		require.NoError(t, again.Read(strings.NewReader(text)))
		require.Zero(t, again.Counts.Taken)
		require.Equal(t, m.Counts.Taken, again.Counts.Allowed)
	})
}

// FuzzImport: no file does more than fail with an error, and the counts agree.
func FuzzImport(f *testing.F) {
	for _, text := range []string{csvReport, jsonReport, observedDomains, queryLog, "2026-11-30T17:51:55.000Z {\"query_name\":\"a.test\",\"query_type\":\"A\"}\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := importAll(t, nothing, string(text))
		if err == nil {
			_, err = policy.Parse("p", Policy(Rules(m.Observations(), Defaults), "x"), policy.Config{})
			require.NoError(t, err)
		}
	})
}
