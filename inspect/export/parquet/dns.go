package parquet

import (
	"cmp"
	"net/netip"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export"
)

// DNSWriter writes DNS answers into Parquet files: one row for each answer, and one for a response without answers. Behind a load
// balancer the answers of a resolver may be received by another machine than the flows that they explain. Only a query can join
// the two.
type DNSWriter struct {
	files *writer[dnsRow]
	cfg   DNSConfig
}

// DNSConfig has the account and region of interfaces for which the inventory does not know them.
type DNSConfig struct{ Account, Region string }

// dnsRow is one answer to a question.
type dnsRow struct {
	time              int64 // Unix seconds
	owner             *event.Owner
	account, region   string
	client, resolver  netip.Addr
	question, asked   string // the name and the type in the question
	name, kind, value string // of the answer; its name differs from the question's after an alias
	ttl               int64  // seconds; -1 without an answer
	rcode             string
	vni               uint32
	mirrored          bool
	communityID       string
}

// NewDNSWriter opens the folder, which may be that of a FlowWriter. It does not use the configuration's schema.
func NewDNSWriter(cfg Config, dns DNSConfig) (*DNSWriter, error) {
	dns.Account = cmp.Or(dns.Account, "unknown")
	files, err := newWriter(cfg, answerTable(), naming{service: "mirrorsinkdns"})
	if err != nil {
		return nil, err
	}
	return &DNSWriter{files, dns}, nil
}

// DNSKinds are the kinds of events that have DNS answers.
var DNSKinds = event.KindsOf(event.AppLayer)

// Consumer makes the consumer for a queue of DNSKinds. The queue closes the consumer, and the consumer the writer.
func (w *DNSWriter) Consumer(commit export.Commit) export.Consumer {
	p := dnsParser{cfg: w.cfg}
	return &consumer[dnsRow]{kinds: DNSKinds, files: w.files, commit: commit, rows: p.parse}
}

func answerTable() *table[dnsRow] {
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
			intColumn("time", int64Type, func(r *dnsRow) (int64, bool) { return r.time, true }),
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
			intColumn("ttl", int64Type, func(r *dnsRow) (int64, bool) { return r.ttl, r.ttl >= 0 }),
			textColumn("rcode", func(r *dnsRow) string { return r.rcode }),
			intColumn("vni", int32Type, func(r *dnsRow) (int64, bool) { return int64(r.vni), r.mirrored }),
			textColumn("community_id", func(r *dnsRow) string { return r.communityID }),
		},
	}
}
