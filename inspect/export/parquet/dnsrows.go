package parquet

import (
	"cmp"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// dnsParser makes rows of events.
type dnsParser struct {
	cfg     DNSConfig
	rows    []dnsRow
	scratch []byte
}

// parse returns the rows of a DNS response, and none for any other event. They are valid until the next call.
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
