package export

import (
	"cmp"
	"net/netip"
	"strconv"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// DNSTable writes DNS answers into Parquet files of their own: one row an answer, one without an answer for a response that
// has none. Behind a load balancer the answers of a resolver may reach another machine than the flows that they explain, so
// that only a query can join the two.
type DNSTable struct {
	files *parquetWriter[dnsRow]
	cfg   DNSConfig
}

// DNSConfig says what rows say that events do not: whose interfaces are of which the inventory does not know it.
type DNSConfig struct{ Account, Region string }

// dnsRow is one answer to a question.
type dnsRow struct {
	time              int64 // Unix seconds
	owner             *event.Owner
	account, region   string
	client, resolver  netip.Addr
	question, asked   string // the name and the type that were asked for
	name, kind, value string // of the answer, whose name is another one behind an alias
	ttl               int64  // seconds; -1 without an answer
	rcode             string
	vni               uint32
	mirrored          bool
	communityID       string
}

// NewDNSTable opens the folder, which may be that of a Parquet. The configuration's schema does not matter.
func NewDNSTable(cfg ParquetConfig, dns DNSConfig) (*DNSTable, error) {
	dns.Account = cmp.Or(dns.Account, "unknown")
	files, err := newParquetWriter(cfg, dnsTable(), naming{service: "mirrorsinkdns"})
	if err != nil {
		return nil, err
	}
	return &DNSTable{files, dns}, nil
}

// DNSKinds are the kinds of events that DNS answers are among.
var DNSKinds = event.KindsOf(event.AppLayer)

// Consumer is for a queue of DNSKinds. The queue closes what it is of.
func (t *DNSTable) Consumer(settle Settle) Consumer {
	p := dnsParser{cfg: t.cfg}
	return &parquetConsumer[dnsRow]{kinds: DNSKinds, files: t.files, settle: settle, rows: p.parse}
}

// Counts returns what became of the rows so far.
func (t *DNSTable) Counts() ParquetCounts { return t.files.counted() }

func dnsTable() *table[dnsRow] {
	owned := func(name string, of func(*event.Owner) string) column[dnsRow] {
		return textColumn(name, func(r *dnsRow) string {
			if r.owner == nil {
				return ""
			}
			return of(r.owner)
		})
	}
	return &table[dnsRow]{
		sorted: "time",
		at:     func(r *dnsRow) int64 { return r.time },
		where:  func(r *dnsRow) locality { return locality{r.account, r.region} },
		columns: []column[dnsRow]{
			intColumn("time", parquetInt64, func(r *dnsRow) (int64, bool) { return r.time, true }),
			textColumn("account_id", func(r *dnsRow) string { return r.account }),
			textColumn("region", func(r *dnsRow) string { return r.region }),
			owned("vpc_id", func(o *event.Owner) string { return o.VPC }),
			owned("interface_id", func(o *event.Owner) string { return o.ENI }),
			owned("instance_id", func(o *event.Owner) string { return o.Instance }),
			addrColumn("client", func(r *dnsRow) netip.Addr { return r.client }),
			addrColumn("resolver", func(r *dnsRow) netip.Addr { return r.resolver }),
			textColumn("query_name", func(r *dnsRow) string { return r.question }),
			textColumn("query_type", func(r *dnsRow) string { return r.asked }),
			textColumn("answer_name", func(r *dnsRow) string { return r.name }),
			textColumn("answer_type", func(r *dnsRow) string { return r.kind }),
			textColumn("answer", func(r *dnsRow) string { return r.value }),
			intColumn("ttl", parquetInt64, func(r *dnsRow) (int64, bool) { return r.ttl, r.ttl >= 0 }),
			textColumn("rcode", func(r *dnsRow) string { return r.rcode }),
			intColumn("vni", parquetInt32, func(r *dnsRow) (int64, bool) { return int64(r.vni), r.mirrored }),
			textColumn("community_id", func(r *dnsRow) string { return r.communityID }),
		},
	}
}

// dnsParser reads rows from the fields of events.
type dnsParser struct {
	cfg     DNSConfig
	rows    []dnsRow
	scratch []byte
}

// parse returns the rows of a DNS response; none of any other event. They are valid until the next call.
func (p *dnsParser) parse(b *event.Batch, e *event.Event) []dnsRow {
	p.rows = p.rows[:0]
	if e.Kind != event.AppLayer || e.Proto != l7.DNS {
		return nil
	}
	m := dnsFields{b: b, fields: b.Fields(e)}
	if m.text(dnsType) != "response" {
		return nil
	}
	row := p.common(e)
	row.rcode = m.text(dnsRcode)
	if questions := m.list(dnsQueries); len(questions) > 0 {
		q := dnsFields{b, questions[0]}
		row.question, row.asked = q.text(dnsName), q.text(dnsRRType)
	}
	answers := m.list(dnsAnswers)
	for _, fields := range answers {
		a := dnsFields{b, fields}
		r := row
		r.name, r.kind, r.ttl = a.text(dnsName), a.text(dnsRRType), a.int(dnsTTL, -1)
		p.scratch = a.data(p.scratch[:0])
		r.value = string(p.scratch)
		p.rows = append(p.rows, r)
	}
	if len(answers) == 0 {
		p.rows = append(p.rows, row)
	}
	return p.rows
}

func (p *dnsParser) common(e *event.Event) dnsRow {
	r := dnsRow{
		time: floorDiv(e.Nanos, int64(time.Second)), owner: e.Owner, account: p.cfg.Account, region: p.cfg.Region, ttl: -1, vni: e.VNI, mirrored: e.Mirrored,
	}
	if e.Owner != nil {
		r.account, r.region = cmp.Or(e.Owner.Account, r.account), cmp.Or(e.Owner.Region, r.region)
	}
	r.client, r.resolver = e.Addrs()
	p.scratch = e.AppendCommunityID(p.scratch[:0])
	r.communityID = string(p.scratch)
	return r
}

// Keys of the fields that the table has columns for, and of one that answers have besides.
var (
	dnsType     = l7.KeyOf("type")
	dnsRcode    = l7.KeyOf("rcode")
	dnsQueries  = l7.KeyOf("queries")
	dnsAnswers  = l7.KeyOf("answers")
	dnsName     = l7.KeyOf("rrname")
	dnsRRType   = l7.KeyOf("rrtype")
	dnsTTL      = l7.KeyOf("ttl")
	dnsRDLength = l7.KeyOf("rdlength")
)

// dnsFields is the fields of a message, or of one question or answer in it.
type dnsFields struct {
	b      *event.Batch
	fields []event.Field
}

// find returns the value of a key: a single field, or those of an object or array with the brackets around them.
func (m *dnsFields) find(key l7.Key) []event.Field {
	for rest := m.fields; len(rest) > 0; {
		n := extent(rest)
		if rest[0].Key == key {
			return rest[:n]
		}
		rest = rest[n:]
	}
	return nil
}

func (m *dnsFields) text(key l7.Key) string {
	if f := m.find(key); len(f) == 1 && f[0].Kind == l7.String {
		return string(m.b.Text(f[0].Text))
	}
	return ""
}

func (m *dnsFields) int(key l7.Key, otherwise int64) int64 {
	if f := m.find(key); len(f) == 1 && f[0].Kind == l7.Int {
		return f[0].Num()
	}
	return otherwise
}

// list returns the objects of an array, without their brackets.
func (m *dnsFields) list(key l7.Key) (objects [][]event.Field) {
	f := m.find(key)
	if len(f) < 2 {
		return nil
	}
	for rest := f[1 : len(f)-1]; len(rest) > 0; {
		n := extent(rest)
		if n >= 2 {
			objects = append(objects, rest[1:n-1])
		}
		rest = rest[n:]
	}
	return objects
}

// data appends an answer's data: the address or name, or with blanks between them the fields of which it has several, as
// zone files show them.
func (m *dnsFields) data(dst []byte) []byte {
	start := len(dst)
	for i := range m.fields {
		f := &m.fields[i]
		switch f.Key {
		case dnsName, dnsRRType, dnsTTL, dnsRDLength:
			continue
		}
		switch f.Kind {
		case l7.String:
			dst = append(blank(dst, start), m.b.Text(f.Text)...)
		case l7.Int:
			dst = strconv.AppendInt(blank(dst, start), f.Num(), 10)
		case l7.Bool, l7.Object, l7.Array, l7.End:
		}
	}
	return dst
}

func blank(dst []byte, start int) []byte {
	if len(dst) > start {
		return append(dst, ' ')
	}
	return dst
}
