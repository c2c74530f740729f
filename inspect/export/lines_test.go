package export_test

import (
	"log/slog"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/eventtest"
	"github.com/mirrorsink/mirrorsink/inspect/export/records"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// TestFlowLogFile: the first line of a file has the names of the fields. Events of other kinds are ignored.
func TestFlowLogFile(t *testing.T) {
	out := &memory{}
	f, err := flowlog.Parse("interface-id bytes")
	require.NoError(t, err)
	q := export.NewQueue(export.QueueConfig{
		Kinds: records.Kinds, Output: out, Encoder: &records.Encoder{Format: f, Builder: records.NewBuilder(records.Config{})},
		Bytes: 1 << 20, Block: true,
	})
	q.Events(eventtest.EveryKind())
	b, _ := eventtest.Interval()
	q.Events(b)
	b, _ = eventtest.Closed(eventtest.Window, 0)
	q.Events(b)
	_, err = q.Close(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "interface-id bytes\neni-0a1 400\neni-0a1 3000\n", out.text())
	want := [event.Kinds]uint64{event.Interval: 1, event.Closed: 1}
	assert.Equal(t, event.Counts{Produced: want, Written: want}, q.Counts())
}

// TestFlowLogAfterAFailedWrite: the header is written with the first successful write, and the lost record is reported as SKIPDATA.
func TestFlowLogAfterAFailedWrite(t *testing.T) {
	out := &memory{err: syscall.ENOSPC}
	f, err := flowlog.Parse("interface-id bytes log-status")
	require.NoError(t, err)
	q := export.NewQueue(export.QueueConfig{
		Kinds: records.Kinds, Output: out, Encoder: &records.Encoder{Format: f, Builder: records.NewBuilder(records.Config{})},
		Bytes: 1 << 20, Block: true, Log: slog.New(slog.DiscardHandler),
	})
	b, _ := eventtest.Interval()
	q.Events(b)
	require.Eventually(t, func() bool { return q.Err() != nil }, 2*time.Minute, time.Millisecond)
	out.recover()
	b, _ = eventtest.Interval()
	q.Events(b)
	b, _ = eventtest.Closed(eventtest.Window, 0)
	q.Events(b)
	_, err = q.Close(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "interface-id bytes log-status\neni-0a1 400 OK\neni-0a1 3000 OK\n- - SKIPDATA\n", out.text())
	assert.EqualValues(t, 1, q.Counts().Dropped[event.Interval])
}
