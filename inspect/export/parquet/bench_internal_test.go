package parquet

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export/eventtest"
)

func BenchmarkParquet(b *testing.B) {
	for _, c := range []struct {
		name   string
		schema Schema
	}{{"aws", AWS}, {"ocsf", OCSF}} {
		b.Run(c.name, func(b *testing.B) { benchmarkParquet(b, c.schema) })
	}
}

// benchmarkParquet writes records of a busy hour, a batch an operation. It reports the cost in CPU time, including that of the
// garbage collector and the kernel.
func benchmarkParquet(b *testing.B, schema Schema) {
	size := int64(0)
	w, err := NewFlowWriter(Config{
		Dir: b.TempDir(), Schema: schema, Rotate: 5 * time.Minute, MaxBytes: 128 << 20, Memory: 64 << 20,
		Done: func(f File) { size += f.Bytes },
	})
	require.NoError(b, err)
	const batch = 1024
	records, marks := eventtest.BusyRecords(1<<18), [batch]uint8{batch - 1: lastOf(event.Interval)}
	b.ReportAllocs()
	n, before := 0, cpuTime()
	for b.Loop() {
		w.files.write(records[n%len(records):][:batch], marks[:])
		n += batch
	}
	w.files.finish()
	_, err = w.files.drain()
	require.NoError(b, err)
	w.files.close()
	spent := cpuTime() - before
	b.ReportMetric(float64(n)/spent.Seconds(), "records/cpu-s")
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(size)/float64(n), "bytes/record")
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
