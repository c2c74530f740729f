package pcap

import (
	"fmt"
	"io"
	"testing"

	"github.com/mirrorsink/mirrorsink/decap/tx/internal/txtest"
)

// BenchmarkPcap measures the time that a frame into a discarded capture costs: the worker's copy and the writer's work.
func BenchmarkPcap(b *testing.B) {
	for _, classic := range []bool{false, true} {
		for _, size := range []int{102, 1442} {
			b.Run(fmt.Sprintf("classic=%v/%d", classic, size), func(b *testing.B) {
				p, err := Open(Config{To: io.Discard, Classic: classic, Wait: true})
				if err != nil {
					b.Fatal(err)
				}
				o, _ := p.Open()
				frames := txtest.Batch(size)
				b.ReportAllocs()
				b.SetBytes(int64(size * len(frames)))
				for b.Loop() {
					txtest.SendAll(o, frames)
				}
				if err := p.Close(); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(frames)), "ns/frame")
			})
		}
	}
}
