package tx

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// batchOf makes a batch of frames of many flows.
func batchOf(size int) []Frame {
	frames := make([]Frame, burst)
	for i := range frames {
		frames[i] = Frame{Tail: make([]byte, size), Hash: rand.Uint32(), VNI: uint32(i)}
	}
	return frames
}

func sendAll(o Out, frames []Frame) {
	for i := range frames {
		o.Add(&frames[i])
	}
	o.Flush()
}

// BenchmarkPcap measures frames on their way into a capture that goes nowhere: the worker's copy and the writer's work.
func BenchmarkPcap(b *testing.B) {
	for _, classic := range []bool{false, true} {
		for _, size := range []int{102, 1442} {
			b.Run(fmt.Sprintf("classic=%v/%d", classic, size), func(b *testing.B) {
				p, err := OpenPcap(PcapConfig{To: io.Discard, Classic: classic, Wait: true})
				if err != nil {
					b.Fatal(err)
				}
				o, _ := p.Open()
				frames := batchOf(size)
				b.ReportAllocs()
				b.SetBytes(int64(size * len(frames)))
				for b.Loop() {
					sendAll(o, frames)
				}
				if err := p.Close(); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(frames)), "ns/frame")
			})
		}
	}
}
