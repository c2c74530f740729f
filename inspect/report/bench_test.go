package report_test

import (
	"fmt"
	"math"
	"net/netip"
	"testing"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/report/inputtest"
)

// BenchmarkTop reads 20,000 records of 200 names.
func BenchmarkTop(b *testing.B) {
	var all []flowlog.Record
	for i := range 20_000 {
		all = append(all, flowlog.Record{
			AccountID: "123456789010", InterfaceID: "eni-1235b8ca123456789", FlowDirection: "egress", Initiator: "src", LogStatus: flowlog.OK, Action: flowlog.Accept,
			SrcAddr: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), DstAddr: netip.MustParseAddr("203.0.113.9"), SrcPort: uint16(1024 + i%50_000),
			DstPort: 443, Protocol: 6, Packets: 10, Bytes: 1000, Start: 1764057600 + int64(i/100), End: 1764057650 + int64(i/100),
			Name: fmt.Sprintf("host-%d.example.com", i%200), AppProto: "tls", Completeness: math.NaN(),
		})
	}
	for format, data := range map[string][]byte{"lines": inputtest.Lines(all), "parquet": inputtest.Parquet(b, all)} {
		b.Run(format, func(b *testing.B) {
			name := inputtest.File(b, b.TempDir(), data)
			b.ReportAllocs()
			for b.Loop() {
				run(b, top(b, "bytes", 20, "name"), 256<<20, name)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(all)), "ns/record")
		})
	}
}
