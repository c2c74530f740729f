package propose

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/policy"
)

// Importer reads what others have seen of names: the traffic analysis report of Network Firewall (CSV, or what get-analysis-report-results
// prints), the domains that DNS Firewall has observed (list-firewall-rule-domains), and query logs of Route 53 Resolver (one JSON object
// after the other, as in S3 or CloudWatch Logs; gzip too). The kind of a file is seen from its content.
type Importer struct {
	Policy   *policy.Policy // names that its rules have are skipped
	Workload string         // of what has no source

	Counts ImportCounts
	seen   map[importKey]*Observation
}

// ImportCounts say what became of the rows. Rows is the sum of the others.
type ImportCounts struct {
	Rows     uint64
	Taken    uint64 // in a proposal
	Allowed  uint64 // the policy has the name
	NoName   uint64 // what stands there is no name of a host
	Unusual  uint64 // not looked up to connect: of a type such as PTR, without an answer, blocked or denied
	NoSource uint64 // of no workload of the policy, or it cannot be said of which
}

type importKey struct {
	workload, name string
	port           uint16
}

// maxImported bounds the names and ports that are kept.
const maxImported = 1_000_000

// access is a row: a name that was used some times.
type access struct {
	name        string
	by          policy.Evidence
	port        uint16 // 0 is not known
	count       uint64
	first, last int64
	source      *policy.Source // nil is not known
}

// Read reads a file.
func (m *Importer) Read(r io.Reader) error {
	in := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		in = bufio.NewReaderSize(unzipped, 64<<10)
	}
	start, err := in.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	start = bytes.TrimLeft(bytes.TrimPrefix(start, []byte("\ufeff")), " \t\r\n")
	line, _, _ := bytes.Cut(start, []byte("\n"))
	switch {
	case len(start) == 0:
		return nil
	case start[0] == '{' || start[0] == '[':
		return m.readJSON(in)
	case start[0] >= '0' && start[0] <= '9' && bytes.IndexByte(line, '{') > 0: // lines of CloudWatch Logs with their times
		return m.readLogLines(in)
	default:
		return m.readCSV(in)
	}
}

// Observations returns what was read, in any order.
func (m *Importer) Observations() (all []Observation) {
	for _, o := range m.seen {
		all = append(all, *o)
	}
	return all
}

// take counts a row, and keeps it.
func (m *Importer) take(a access) error {
	m.Counts.Rows++
	name := policy.Observed(strings.TrimPrefix(a.name, "*."))
	workload := m.Workload
	if a.source != nil {
		var ok bool
		if workload, ok = m.Policy.WorkloadOf(a.source); !ok {
			m.Counts.NoSource++
			return nil
		}
	}
	switch {
	case name == "" || !strings.Contains(name, "."):
		m.Counts.NoName++
		return nil
	case m.Policy.HasName(workload, name):
		m.Counts.Allowed++
		return nil
	}
	a.first = cmp.Or(a.first, a.last)
	k := importKey{workload, name, a.port}
	o := m.seen[k]
	if o == nil {
		if len(m.seen) == maxImported {
			return fmt.Errorf("more than %d names", maxImported)
		}
		if m.seen == nil {
			m.seen = map[importKey]*Observation{}
		}
		o = &Observation{Workload: workload, To: name, By: a.by, Port: a.port, First: a.first, Last: a.last}
		if a.port != 0 {
			o.Protocol = policy.TCP
		}
		m.seen[k] = o
	}
	m.Counts.Taken++
	o.Accesses += max(a.count, 1)
	if a.first != 0 {
		o.First = min(cmp.Or(o.First, a.first), a.first)
	}
	o.Last = max(o.Last, a.last)
	o.Days = DaysOf(o.First, o.Last)
	return nil
}

// imported is any of the JSON objects.
type imported struct {
	AnalysisReportResults []struct {
		Protocol, Domain            string
		FirstAccessed, LastAccessed moment
		Hits                        struct{ Count uint64 }
	}
	Domains []struct {
		DomainName, DomainStatus string
		TotalRequests            uint64
		AddedTime                moment
	}

	Query  string            `json:"query_name"`
	Type   string            `json:"query_type"`
	At     moment            `json:"query_timestamp"`
	Code   string            `json:"rcode"`
	Action string            `json:"firewall_rule_action"`
	VPC    string            `json:"vpc_id"`
	Owner  string            `json:"account_id"`
	Addr   string            `json:"srcaddr"`
	IDs    map[string]string `json:"srcids"`
}

func (m *Importer) readJSON(r io.Reader) error {
	d := json.NewDecoder(r)
	for {
		var o imported
		switch err := d.Decode(&o); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("byte %d: %w", d.InputOffset(), err)
		}
		if err := m.takeObject(&o); err != nil {
			return err
		}
	}
}

// longestLine bounds a line of a log: a query with its answers is at most some 64 KiB.
const longestLine = 1 << 20

func (m *Importer) readLogLines(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	for number := 1; lines.Scan(); number++ {
		_, text, ok := bytes.Cut(lines.Bytes(), []byte("{"))
		if !ok {
			continue
		}
		var o imported
		if err := json.Unmarshal(append([]byte("{"), text...), &o); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		if err := m.takeObject(&o); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (m *Importer) takeObject(o *imported) error {
	for _, r := range o.AnalysisReportResults {
		if err := m.take(reported(r.Domain, r.Protocol, r.Hits.Count, r.FirstAccessed, r.LastAccessed)); err != nil {
			return err
		}
	}
	for _, d := range o.Domains {
		if d.DomainStatus == "DENIED" {
			m.unusual()
			continue
		}
		if err := m.take(access{name: d.DomainName, by: policy.ByLookup, count: d.TotalRequests, first: int64(d.AddedTime), last: int64(d.AddedTime)}); err != nil {
			return err
		}
	}
	switch {
	case o.Query != "":
		return m.takeQuery(o)
	case o.AnalysisReportResults == nil && o.Domains == nil:
		return errors.New("no traffic analysis report, no list of domains and no query log")
	}
	return nil
}

// connecting are the types of lookups that come before connections.
var connecting = map[string]bool{"A": true, "AAAA": true, "CNAME": true, "HTTPS": true, "SVCB": true}

func (m *Importer) takeQuery(o *imported) error {
	if !connecting[o.Type] || o.Code != "" && o.Code != "NOERROR" || o.Action == "BLOCK" {
		m.unusual()
		return nil
	}
	addr, _ := netip.ParseAddr(o.Addr) // the zero address is of no network
	return m.take(access{
		name: o.Query, by: policy.ByLookup, count: 1, first: int64(o.At), last: int64(o.At),
		source: &policy.Source{Instance: o.IDs["instance"], VPC: o.VPC, Account: o.Owner, Addr: addr},
	})
}

func (m *Importer) unusual() {
	m.Counts.Rows++
	m.Counts.Unusual++
}

// reported is a row of a traffic analysis report. Its protocols are TLS_SNI and HTTP_HOST, or HTTPS and HTTP.
func reported(domain, protocol string, hits uint64, first, last moment) access {
	a := access{name: domain, by: policy.BySNI, port: 443, count: hits, first: int64(first), last: int64(last)}
	if p := strings.ToUpper(protocol); p == "HTTP" || p == "HTTP_HOST" {
		a.by, a.port = policy.ByHost, 80
	}
	return a
}

// readCSV reads the report as the console downloads it. Columns are found by their names, whatever their case and spaces.
func (m *Importer) readCSV(r io.Reader) error {
	c := csv.NewReader(r)
	c.FieldsPerRecord, c.ReuseRecord, c.TrimLeadingSpace = -1, true, true
	header, err := c.Read()
	if err != nil {
		return err
	}
	at := map[string]int{}
	for i, name := range header {
		at[columnName(name)] = i
	}
	if _, ok := at["domain"]; !ok {
		return errors.New("no traffic analysis report, no list of domains and no query log: its first line has no column Domain")
	}
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		field := func(names ...string) string {
			for _, name := range names {
				if i, ok := at[name]; ok && i < len(row) {
					return row[i]
				}
			}
			return ""
		}
		hits, _ := strconv.ParseUint(field("hits", "hitscount", "accessattempts"), 10, 64) // one at least
		err = m.take(reported(field("domain"), field("protocol", "traffictype"), hits, parseMoment(field("firstaccessed")), parseMoment(field("lastaccessed"))))
		if err != nil {
			return err
		}
	}
}

// columnName returns the letters of a name, in lower case.
func columnName(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z':
			return r
		default:
			return -1
		}
	}, text)
}

// moment is a time in Unix seconds, 0 if it is not known. In JSON it is a text or a number, as AWS's command lines print either.
type moment int64

// UnmarshalJSON reads a time. One that cannot be read is not known.
func (t *moment) UnmarshalJSON(text []byte) error {
	var s string
	var n float64
	switch {
	case json.Unmarshal(text, &s) == nil:
		*t = parseMoment(s)
	case json.Unmarshal(text, &n) == nil && n > 0 && n < 1e11:
		*t = moment(n)
	}
	return nil
}

// layouts are the forms of times in reports and logs.
var layouts = []string{time.RFC3339, time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05.999999999Z0700", time.DateOnly}

func parseMoment(text string) moment {
	for _, layout := range layouts {
		if at, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return moment(at.Unix())
		}
	}
	return 0
}
