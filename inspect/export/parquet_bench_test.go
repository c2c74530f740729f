package export_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

func BenchmarkParquet(b *testing.B) {
	for _, c := range []struct {
		name   string
		schema export.ParquetSchema
	}{{"aws", export.AWSSchema}, {"ocsf", export.OCSFSchema}} {
		b.Run(c.name, func(b *testing.B) { benchmarkParquet(b, c.schema) })
	}
}

// benchmarkParquet writes records of a busy hour, a batch an operation, and says what it cost in CPU time, all of it: the
// collector's goroutines and the kernel's too.
func benchmarkParquet(b *testing.B, schema export.ParquetSchema) {
	p, err := export.NewParquet(export.ParquetConfig{
		Dir: b.TempDir(), Schema: schema, Rotate: 5 * time.Minute, MaxBytes: 128 << 20, Memory: 64 << 20,
	})
	require.NoError(b, err)
	const batch = 1024
	records := busyRecords(1 << 18)
	b.ReportAllocs()
	n, before := 0, cpuTime()
	for b.Loop() {
		p.Write(records[n%len(records):][:batch])
		n += batch
	}
	require.NoError(b, p.Close())
	spent := cpuTime() - before
	b.ReportMetric(float64(n)/spent.Seconds(), "records/cpu-s")
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(p.Counts().Bytes)/float64(n), "bytes/record")
}

// BenchmarkQueueToParquet is the way of a flow's counts from the queue to a file: two records an event.
func BenchmarkQueueToParquet(b *testing.B) {
	q, p := parquetQueue(b, config(b.TempDir(), func(c *export.ParquetConfig) { c.Memory = 64 << 20 }))
	r := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	before := cpuTime()
	for b.Loop() {
		batch := intervalBatch(64)
		for i := range batch.Events {
			e := &batch.Events[i]
			e.SrcPort, e.Dst[15], e.Dst[14] = uint16(r.IntN(1<<16)), byte(r.IntN(256)), byte(r.IntN(256))
			e.Flow.Bytes = [2]uint64{r.Uint64N(1 << 20), r.Uint64N(1 << 20)}
		}
		q.Events(batch)
	}
	_, err := q.Close(b.Context())
	require.NoError(b, err)
	b.ReportMetric(float64(p.Counts().Written)/(cpuTime()-before).Seconds(), "records/cpu-s")
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// busyRecords are records of a few hundred interfaces that speak with ten thousand addresses under three thousand names, in
// windows of a minute.
func busyRecords(n int) []flowlog.Record {
	r := rand.New(rand.NewPCG(1, 2))
	names := make([]string, 3000)
	for i := range names {
		names[i] = fmt.Sprintf("host-%d.service-%d.example.com", i, i%40)
	}
	out := make([]flowlog.Record, 0, n)
	for i := range n / 2 {
		host, peer, name := r.IntN(300), r.IntN(10000), names[r.IntN(len(names))]
		start := int64(1_790_000_000) + int64(i/4000*60)
		rec := flowlog.Record{
			AccountID: "123456789012", InterfaceID: fmt.Sprintf("eni-%017x", host), InstanceID: fmt.Sprintf("i-%017x", host),
			VPCID: "vpc-0a1b2c3d4e5f60718", SubnetID: fmt.Sprintf("subnet-%017x", host%6), Region: "eu-west-1", AZID: "euw1-az1",
			SrcAddr: netip.AddrFrom4([4]byte{10, 0, byte(host >> 8), byte(host)}),
			DstAddr: netip.AddrFrom4([4]byte{203, 0, byte(peer >> 8), byte(peer)}),
			SrcPort: uint16(32768 + r.IntN(28000)), DstPort: 443, Protocol: 6,
			Packets: uint64(4 + r.IntN(40)), Bytes: uint64(400 + r.IntN(60000)),
			Start: start + int64(r.IntN(60)), Action: flowlog.Accept, LogStatus: flowlog.OK, TCPFlags: 3,
			FlowDirection: "egress", Name: name, NameSource: "sni", SNI: name, AppProto: "tls", JA4: "t13d1516h2_8daaf6152771_b186095e22b6",
			Initiator: "src", InitiatorReason: "syn", DirectToAddress: "no", Completeness: 1, VNI: uint32(1000 + host), Mirrored: true,
			CommunityID: fmt.Sprintf("1:%024x=", r.Uint64()),
		}
		rec.End = rec.Start + int64(r.IntN(20))
		rec.PktSrcAddr, rec.PktDstAddr = rec.SrcAddr, rec.DstAddr
		back := rec
		back.SrcAddr, back.DstAddr, back.PktSrcAddr, back.PktDstAddr = rec.DstAddr, rec.SrcAddr, rec.DstAddr, rec.SrcAddr
		back.SrcPort, back.DstPort, back.FlowDirection, back.Initiator, back.TCPFlags = rec.DstPort, rec.SrcPort, "ingress", "dst", 19
		out = append(out, rec, back)
	}
	return out
}
