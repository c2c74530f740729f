package parquet_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/eventtest"
	"github.com/mirrorsink/mirrorsink/inspect/export/parquet"
	"github.com/mirrorsink/mirrorsink/inspect/export/records"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// intervalBatch returns the counts of n flows in one window.
func intervalBatch(n int) *event.Batch {
	b := new(event.Pool).New()
	for range n {
		e := eventtest.TCPFlow("10.0.1.7", "203.0.113.9")
		e.Kind, e.Owner, e.Direction = event.Interval, &eventtest.Owner, event.Egress
		e.Window.From, e.Window.To = 1_790_000_100, 1_790_000_160
		e.Window.First, e.Window.Last = [2]uint32{1_790_000_101, 1_790_000_102}, [2]uint32{1_790_000_103, 1_790_000_104}
		b.Events = append(b.Events, e)
	}
	return b
}

// flowQueue returns a queue of records that are written into files.
func flowQueue(t testing.TB, cfg parquet.Config) *export.Queue {
	w, err := parquet.NewFlowWriter(cfg)
	require.NoError(t, err)
	consumer := w.Consumer(records.NewBuilder(records.Config{}))
	return export.NewQueue(export.QueueConfig{Kinds: records.Kinds, Consumer: consumer, Bytes: 1 << 20, Block: true, Log: cfg.Log})
}

// TestQueueToParquet: every event is written, with a row for each direction of a flow.
func TestQueueToParquet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	q := flowQueue(t, config(dir))
	for range 50 {
		q.Events(intervalBatch(100))
	}
	lost, err := q.Close(t.Context())
	require.NoError(t, err)
	assert.Zero(t, lost)
	counts := q.Counts()
	assert.Equal(t, uint64(5000), counts.Written[event.Interval])
	assert.Equal(t, counts.Produced, counts.Written)
	rows := 0
	for _, key := range finished(t, dir) {
		some, _ := readParquet(t, filepath.Join(dir, key))
		rows += len(some)
	}
	assert.Equal(t, 10000, rows)
}

// TestQueueToParquetCountsLosses: events whose rows could not be written count as dropped.
func TestQueueToParquetCountsLosses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	q := flowQueue(t, config(dir))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "AWSLogs"), nil, 0o600))
	q.Events(intervalBatch(100))
	_, err := q.Close(t.Context())
	require.NoError(t, err)
	require.ErrorContains(t, q.Err(), "not a directory")
	counts := q.Counts()
	assert.Equal(t, uint64(100), counts.Dropped[event.Interval])
	assert.Zero(t, counts.Written)
}

// TestQueueToParquetDeadline: at the deadline of Close every event is counted as written or dropped.
func TestQueueToParquetDeadline(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	q := flowQueue(t, config(dir))
	q.Events(intervalBatch(100))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := q.Close(ctx)
	require.NoError(t, err)
	counts := q.Counts()
	assert.Equal(t, uint64(100), counts.Written[event.Interval]+counts.Dropped[event.Interval])
}

// TestParquetMemory: the writer's memory does not exceed its bound, except for the descriptions of files, whatever the number of
// accounts, names and hours.
func TestParquetMemory(t *testing.T) {
	const memory, slack = 8 << 20, 4 << 20
	p := openFlows(t, config(t.TempDir(), func(c *parquet.Config) { c.Memory = memory }))
	before := heap()
	var most uint64
	batch := make([]flowlog.Record, 1000)
	for n := range 30 {
		for i := range batch {
			unique := n*len(batch) + i
			batch[i] = flowlog.Record{
				AccountID: fmt.Sprint(unique % 5), Start: 1_790_000_100 + int64(unique%7)*3600, LogStatus: flowlog.OK,
				Name: fmt.Sprintf("%0100d", unique), CommunityID: fmt.Sprint(unique), Bytes: uint64(unique),
			}
		}
		p.write(batch)
		clear(batch)
		most = max(most, heap()-min(before, heap()))
	}
	require.NoError(t, p.close())
	assert.Less(t, most, uint64(memory+slack))
	assert.Equal(t, uint64(30_000), p.written)
}

// heap returns the bytes of memory on the heap.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
