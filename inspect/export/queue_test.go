package export_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/eve"
	"github.com/mirrorsink/mirrorsink/inspect/export/eventtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestQueueWritesEverythingInOrder(t *testing.T) {
	out := &memory{}
	q := newQueue(out, 1<<20)
	for range 50 {
		q.Events(eventtest.EveryKind())
	}
	lost, err := q.Close(t.Context())
	require.NoError(t, err)
	assert.Zero(t, lost)
	assert.True(t, out.closed)
	assert.Equal(t, strings.Repeat(string(encode(eventtest.EveryKind())), 50), out.text())
	c := q.Counts()
	assert.Equal(t, [event.Kinds]uint64{event.AppLayer: 100, event.Flow: 200, event.Stats: 50}, c.Written)
	assert.Equal(t, c.Produced, c.Written)
	assert.NoError(t, q.Err())
}

// Events does not wait for a slow output. Events without room are counted by kind, and all others are written.
func TestFullQueueDropsAndCounts(t *testing.T) {
	out := &memory{gate: make(chan struct{})}
	q := newQueue(out, 64<<10)
	produce(q, 4, 100)
	c := q.Counts()
	assert.EqualValues(t, 4*100*2, c.Produced[event.AppLayer])
	assert.Positive(t, c.Dropped[event.AppLayer])

	close(out.gate)
	lost, err := q.Close(t.Context())
	require.NoError(t, err)
	assert.Zero(t, lost)
	c = q.Counts()
	var written uint64
	for k := range event.Kinds {
		assert.Equal(t, c.Produced[k], c.Written[k]+c.Dropped[k], k)
		written += c.Written[k]
	}
	assert.EqualValues(t, written, strings.Count(out.text(), "\n"))
	assert.Positive(t, written)
}

func TestBlockingQueueLosesNothing(t *testing.T) {
	out := &memory{}
	q := export.NewQueue(export.QueueConfig{Output: out, Kinds: eve.Kinds, Encoder: &eve.Writer{}, Bytes: 8 << 10, Block: true})
	produce(q, 4, 100)
	_, err := q.Close(t.Context())
	require.NoError(t, err)
	c := q.Counts()
	assert.Zero(t, c.Dropped)
	assert.Equal(t, c.Produced, c.Written)
	assert.EqualValues(t, 400*len(eventtest.EveryKind().Events), strings.Count(out.text(), "\n"))
}

// After Wait, a queue that dropped events keeps all further ones.
func TestWaitEndsTheDropping(t *testing.T) {
	q := newQueue(&memory{}, 8<<10)
	produce(q, 4, 50)
	q.Wait()
	before := q.Counts().Dropped
	produce(q, 4, 50)
	_, err := q.Close(t.Context())
	require.NoError(t, err)
	assert.Equal(t, before, q.Counts().Dropped)
}

// Writes have a bounded size, however much is queued.
func TestWritesAreBounded(t *testing.T) {
	out := &memory{gate: make(chan struct{})}
	q := newQueue(out, 64<<20)
	produce(q, 1, 500)
	close(out.gate)
	_, err := q.Close(t.Context())
	require.NoError(t, err)
	assert.Greater(t, len(out.text()), 1<<20)
	assert.Greater(t, out.largest, 60<<10)
	assert.Less(t, out.largest, 80<<10)
}

// An empty queue takes a batch that is larger than the bound.
func TestLargeBatchPassesAnEmptyQueue(t *testing.T) {
	for _, block := range []bool{false, true} {
		q := export.NewQueue(export.QueueConfig{Output: &memory{}, Kinds: eve.Kinds, Encoder: &eve.Writer{}, Bytes: 1, Block: block})
		q.Events(eventtest.EveryKind())
		_, err := q.Close(t.Context())
		require.NoError(t, err)
		assert.Equal(t, q.Counts().Produced, q.Counts().Written)
	}
}

// Close returns when its context ends. Queued events are counted as lost once, also if the write returns later.
func TestCloseHonorsItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &memory{gate: make(chan struct{})}
		q := newQueue(out, 1<<20)
		for range 10 {
			q.Events(eventtest.EveryKind())
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		lost, err := q.Close(ctx)
		require.NoError(t, err)
		assert.EqualValues(t, 10*len(eventtest.EveryKind().Events), lost)
		before := q.Counts()
		assert.Equal(t, before.Produced, before.Dropped)

		close(out.gate)
		synctest.Wait()
		assert.Equal(t, before, q.Counts())
	})
}

func TestEventsAfterCloseAreDropped(t *testing.T) {
	out := &memory{}
	q := newQueue(out, 1<<20)
	_, err := q.Close(t.Context())
	require.NoError(t, err)
	q.Events(eventtest.EveryKind())
	c := q.Counts()
	assert.Equal(t, c.Produced, c.Dropped)
	assert.Empty(t, out.text())
}

// Close releases a worker that waits for room.
func TestCloseReleasesABlockedWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &memory{gate: make(chan struct{})}
		q := export.NewQueue(export.QueueConfig{Output: out, Kinds: eve.Kinds, Encoder: &eve.Writer{}, Bytes: 1, Block: true})
		q.Events(eventtest.EveryKind())
		go q.Events(eventtest.EveryKind())
		synctest.Wait()
		go close(out.gate)
		_, err := q.Close(t.Context())
		require.NoError(t, err)
		synctest.Wait()
		c := q.Counts()
		for k := range event.Kinds {
			assert.Equal(t, c.Produced[k], c.Written[k]+c.Dropped[k], k)
		}
	})
}

// After a partial write, the whole lines count as written and the others as dropped.
func TestShortWriteIsCountedByLine(t *testing.T) {
	text := encode(eventtest.EveryKind())
	second := bytes.IndexByte(text, '\n') + 1 + bytes.IndexByte(text[bytes.IndexByte(text, '\n')+1:], '\n') + 1
	for taken, written := range map[int]uint64{0: 0, second - 1: 1, second: 2, second + 1: 2} {
		q := newQueue(&memory{room: taken, err: syscall.ENOSPC}, 1<<20)
		q.Events(eventtest.EveryKind())
		_, err := q.Close(t.Context())
		require.NoError(t, err)
		c := q.Counts()
		assert.Equal(t, [event.Kinds]uint64{event.AppLayer: written}, c.Written)
		assert.Equal(t, [event.Kinds]uint64{event.AppLayer: 2 - written, event.Flow: 4, event.Stats: 1}, c.Dropped)
		assert.ErrorIs(t, q.Err(), syscall.ENOSPC)
	}
}

func TestFailuresAreLoggedSparingly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		out := &memory{err: errors.New("no space")}
		q := export.NewQueue(export.QueueConfig{
			Output: out, Kinds: eve.Kinds, Encoder: &eve.Writer{}, Bytes: 1 << 20, Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		write := func() { q.Events(eventtest.EveryKind()); synctest.Wait() }
		for range 20 {
			write()
		}
		assert.Equal(t, 1, strings.Count(log.String(), "fails"))
		assert.Contains(t, log.String(), "output=memory")
		time.Sleep(11 * time.Second)
		write()
		assert.Equal(t, 2, strings.Count(log.String(), "fails"))
		assert.NotContains(t, log.String(), "works again")
		out.recover()
		write()
		write()
		assert.Equal(t, 1, strings.Count(log.String(), "works again"))
		_, err := q.Close(t.Context())
		require.NoError(t, err)
		assert.EqualError(t, q.Err(), "no space")
	})
}

func BenchmarkQueue(b *testing.B) {
	q := export.NewQueue(export.QueueConfig{Output: discard{}, Kinds: eve.Kinds, Encoder: &eve.Writer{}, Bytes: 1 << 20, Block: true})
	batch := eventtest.EveryKind()
	b.ReportAllocs()
	for b.Loop() {
		q.Events(batch)
	}
	_, err := q.Close(b.Context())
	require.NoError(b, err)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(batch.Events)), "ns/event")
}

// encode returns the lines of a batch.
func encode(b *event.Batch) (out []byte) {
	var enc eve.Writer
	for i := range b.Events {
		out = enc.Append(out, b, &b.Events[i])
	}
	return out
}

var quiet = slog.New(slog.DiscardHandler)

func newQueue(out export.Output, bytes int) *export.Queue {
	return export.NewQueue(export.QueueConfig{Output: out, Kinds: eve.Kinds, Encoder: &eve.Writer{}, Bytes: bytes, Log: quiet})
}

// produce passes batches to a queue from several workers, and returns when all were taken or dropped.
func produce(q *export.Queue, workers, batches int) {
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range batches {
				q.Events(eventtest.EveryKind())
			}
		})
	}
	wg.Wait()
}

// memory is an output that keeps all lines. It can wait, and fail after some bytes.
type memory struct {
	discard
	gate chan struct{} // if not nil, writes wait until it is closed

	mu      sync.Mutex
	b       bytes.Buffer
	largest int // write, in bytes
	room    int // bytes that are taken before err is returned
	err     error
	closed  bool
}

func (m *memory) Write(p []byte) (int, error) {
	if m.gate != nil {
		<-m.gate
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.largest = max(m.largest, len(p))
	if m.err != nil {
		n := min(m.room, len(p))
		m.room -= n
		m.b.Write(p[:n])
		return n, m.err
	}
	return m.b.Write(p)
}

func (m *memory) recover() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = nil
}

func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

func (m *memory) String() string { return "memory" }

// text returns what was written so far.
func (m *memory) text() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.b.String()
}

// discard takes everything.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Reopen() error               { return nil }
func (discard) Close() error                { return nil }
func (discard) String() string              { return "discard" }
