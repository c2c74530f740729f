package parquet_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/eventtest"
	"github.com/mirrorsink/mirrorsink/inspect/export/parquet"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// answer is an answer of a DNS response. fields are its data if there are several.
type answer struct {
	name, kind, data string
	fields           []string
}

func dnsResponse(b *event.Batch, rcode string, answers ...answer) event.Event {
	e := eventtest.TCPFlow("10.0.1.7", "10.0.0.2")
	e.Kind, e.Proto, e.IPProto, e.DstPort, e.Nanos = event.AppLayer, l7.DNS, decap.UDP, 53, eventtest.Noon
	e.Owner = &event.Owner{ENI: "eni-1", Instance: "i-1", VPC: "vpc-1", Account: "111122223333", Region: "eu-west-1"}
	var h l7.Hint
	h.Str(eventtest.Key("type"), []byte("response"))
	h.Str(eventtest.Key("rcode"), []byte(rcode))
	h.Array(eventtest.Key("queries"))
	h.Object(0)
	h.Str(eventtest.Key("rrname"), []byte("www.example.com"))
	h.Str(eventtest.Key("rrtype"), []byte("A"))
	h.End()
	h.End()
	if len(answers) > 0 {
		h.Array(eventtest.Key("answers"))
	}
	for _, a := range answers {
		h.Object(0)
		h.Str(eventtest.Key("rrname"), []byte(a.name))
		h.Str(eventtest.Key("rrtype"), []byte(a.kind))
		h.Int(eventtest.Key("ttl"), 60)
		if a.data != "" {
			h.Str(eventtest.Key("rdata"), []byte(a.data))
		}
		if len(a.fields) > 0 {
			h.Object(eventtest.Key(strings.ToLower(a.kind)))
			for i, f := range a.fields {
				h.Str([...]l7.Key{eventtest.Key("priority"), eventtest.Key("target")}[i], []byte(f))
			}
			h.Int(eventtest.Key("port"), 5060)
			h.End()
		}
		h.End()
	}
	if len(answers) > 0 {
		h.End()
	}
	e.Fields = b.CopyFields(h.Fields)
	return e
}

// TestDNSTable: every answer is a row, with the name in the question and its own name. A response without answers is one row.
func TestDNSTable(t *testing.T) {
	t.Parallel()
	b := &event.Batch{}
	request := eventtest.DNS(b)
	var h l7.Hint
	h.Str(eventtest.Key("type"), []byte("request"))
	request.Fields = b.CopyFields(h.Fields)
	stranger := dnsResponse(b, "NXDOMAIN")
	stranger.Owner, stranger.Mirrored = nil, false
	b.Events = []event.Event{
		request,
		dnsResponse(b, "NOERROR", answer{name: "www.example.com", kind: "CNAME", data: "edge.example.net"}, answer{name: "edge.example.net", kind: "A", data: "203.0.113.20"}),
		eventtest.TLS(b),
		stranger,
		dnsResponse(b, "NOERROR", answer{name: "_sip._tcp.example.com", kind: "SRV", fields: []string{"10", "sip.example.com"}}),
	}
	dir := t.TempDir()
	table, err := parquet.NewDNSWriter(config(dir), parquet.DNSConfig{Region: "us-east-1"})
	require.NoError(t, err)
	q := export.NewQueue(export.QueueConfig{Kinds: parquet.DNSKinds, Consumer: table.Consumer, Bytes: 1 << 20})
	q.Events(b)
	lost, err := q.Close(t.Context())
	require.NoError(t, err)
	assert.Zero(t, lost)
	counts := q.Counts()
	assert.Equal(t, counts.Produced, counts.Written)
	assert.Equal(t, uint64(5), counts.Written[event.AppLayer])

	keys := finished(t, dir)
	require.Len(t, keys, 2)
	assert.Contains(t, keys[0], "AWSLogs/aws-account-id=111122223333/aws-service=mirrorsinkdns/aws-region=eu-west-1/year=2026/month=11/day=21/hour=12/111122223333_mirrorsinkdns_eu-west-1_fl-mirrorsink_20261121T1200Z_")
	assert.Contains(t, keys[1], "AWSLogs/aws-account-id=unknown/aws-service=mirrorsinkdns/aws-region=us-east-1/")
	rows, _ := readParquet(t, filepath.Join(dir, keys[0]))
	common := parquetRow{
		"time": eventtest.Noon / 1e9, "account_id": "111122223333", "region": "eu-west-1", "vpc_id": "vpc-1", "interface_id": "eni-1", "instance_id": "i-1",
		"client": "10.0.1.7", "resolver": "10.0.0.2", "query_name": "www.example.com", "query_type": "A", "rcode": "NOERROR", "ttl": int64(60), "vni": int64(9000001),
	}
	require.Len(t, rows, 3)
	for i, want := range []parquetRow{
		{"answer_name": "www.example.com", "answer_type": "CNAME", "answer": "edge.example.net"},
		{"answer_name": "edge.example.net", "answer_type": "A", "answer": "203.0.113.20"},
		{"answer_name": "_sip._tcp.example.com", "answer_type": "SRV", "answer": "10 sip.example.com 5060"},
	} {
		assertRow(t, rows[i], common)
		assertRow(t, rows[i], want)
		assert.Regexp(t, "^1:.+=$", rows[i]["community_id"])
	}
	rows, _ = readParquet(t, filepath.Join(dir, keys[1]))
	require.Len(t, rows, 1)
	assertRow(t, rows[0], parquetRow{
		"account_id": "unknown", "region": "us-east-1", "vpc_id": nil, "query_name": "www.example.com", "rcode": "NXDOMAIN",
		"answer_name": nil, "answer_type": nil, "answer": nil, "ttl": nil, "vni": nil,
	})
}
