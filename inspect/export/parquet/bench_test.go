package parquet_test

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/export/parquet"
)

// BenchmarkQueueToParquet measures the path of an interval event from the queue to a file, with two records for each event.
func BenchmarkQueueToParquet(b *testing.B) {
	rows := 0
	q := flowQueue(b, config(b.TempDir(), func(c *parquet.Config) {
		c.Memory, c.Done = 64<<20, func(f parquet.File) { rows += f.Rows }
	}))
	r := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	before := processTime()
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
	b.ReportMetric(float64(rows)/(processTime()-before).Seconds(), "records/cpu-s")
}

func processTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
