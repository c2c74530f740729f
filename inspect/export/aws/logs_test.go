package aws_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/aws"
	"github.com/mirrorsink/mirrorsink/inspect/export/eve"
	"github.com/mirrorsink/mirrorsink/inspect/export/records"
	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// writer writes numbered lines to streams. Their times do not decrease.
type writer struct {
	start   time.Time
	streams map[string]int // the number of lines of each
}

var streamNames = []string{"eni-1-all", "eni-2-all", "unknown-all"}

func newWriter() *writer { return &writer{time.Now().Add(-time.Hour), map[string]int{}} }

// put writes a line to the output of a Logs, as an encoder does.
func put(t require.TestingT, l *aws.Logs, stream string, at time.Time, text string) {
	_, err := fmt.Fprintf(l.Output(), "%s %d %s\n", stream, at.UnixMilli(), text)
	require.NoError(t, err)
}

func (w *writer) put(t require.TestingT, l *aws.Logs, n int) {
	for i := range n {
		stream := streamNames[i%len(streamNames)]
		at := w.start.Add(time.Duration(w.streams[stream]/3) * time.Millisecond)
		put(t, l, stream, at, fmt.Sprintf("%s line %d", stream, w.streams[stream]))
		w.streams[stream]++
	}
}

// assertDelivered asserts that every line was delivered at least once, the first time in the order of its stream.
func (w *writer) assertDelivered(t require.TestingT, s *logServer, group string) {
	s.assertValid(t)
	for stream, n := range w.streams {
		next := 0
		for _, e := range s.streamOf(group, stream) {
			number, err := strconv.Atoi(e.Message[strings.LastIndexByte(e.Message, ' ')+1:])
			require.NoError(t, err)
			require.LessOrEqual(t, number, next, "line %d of %s is before line %d", number, stream, next)
			next = max(next, number+1)
		}
		assert.Equal(t, n, next, "lines of %s", stream)
	}
}

func logsTo(dir string) aws.LogsConfig {
	return aws.LogsConfig{Group: "flows", CreateGroup: true, Dir: dir, Bytes: 1 << 30, Log: slog.New(slog.DiscardHandler)}
}

func closeWithin(l *aws.Logs, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return l.Close(ctx)
}

// Whatever the faults of the calls, and however often the program restarts, every line is delivered, in the order of its stream.
func TestEveryLineIsDeliveredInOrder(t *testing.T) {
	server := newLogServer(t)
	client, patient := open(t, aws.Config{Timeout: 20 * time.Millisecond, Backoff: quick.Backoff}), open(t, quick)
	base := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		require.NoError(rt, err)
		cfg := logsTo(dir)
		cfg.Group = filepath.Base(dir) // a call of the last check may take effect after its client has gone
		w := newWriter()
		for range rapid.IntRange(1, 3).Draw(rt, "runs") {
			server.set(none, rapid.SliceOfN(rapid.Custom(drawFault), 0, 10).Draw(rt, "faults")...)
			cfg.Segment = rapid.IntRange(1, 2000).Draw(rt, "segment")
			l, err := client.NewLogs(cfg)
			require.NoError(rt, err)
			w.put(rt, l, rapid.IntRange(0, 60).Draw(rt, "lines"))
			_ = closeWithin(l, time.Duration(rapid.IntRange(0, 5).Draw(rt, "patience"))*time.Millisecond) // the next run delivers the rest
			assertBalanced(rt, l.Counts())
		}
		server.set(none)
		l, err := patient.NewLogs(cfg)
		require.NoError(rt, err)
		require.NoError(rt, l.Close(t.Context()))
		assertBalanced(rt, l.Counts())
		assert.Zero(rt, l.Counts().Dropped)
		assert.Zero(rt, l.Counts().Rejected)
		w.assertDelivered(rt, server, cfg.Group)
	})
}

// Lines that AWS refuses are counted, and the others are delivered.
func TestRejectedLinesAreCounted(t *testing.T) {
	server, logged := newLogServer(t), &logBuffer{}
	cfg := logsTo(t.TempDir())
	cfg.Log, cfg.Segment = logged.logger(), 1<<30
	l, err := open(t, quick).NewLogs(cfg)
	require.NoError(t, err)
	now := time.Now()
	put := func(at time.Time, text string) { put(t, l, "eni-1-all", at, text) }
	put(now, "now")
	put(now.Add(-15*24*time.Hour), "too old")
	put(now.Add(-16*24*time.Hour), "too old as well")
	put(now.Add(-13*24*time.Hour), "old, and a day's span away from the others")
	put(now.Add(3*time.Hour), "too new")
	put(now, "")
	put(now, strings.Repeat("x", 1<<20))
	put(now, strings.Repeat("y", 1<<20-26))
	put(now, "not UTF-8: \xff")
	put(now.Add(time.Millisecond), "a moment later")
	require.NoError(t, l.Close(t.Context()))

	server.assertValid(t)
	var texts []string
	for _, e := range server.stream("eni-1-all") {
		texts = append(texts, e.Message[:min(20, len(e.Message))])
	}
	assert.Equal(t, []string{"old, and a day's spa", "now", "yyyyyyyyyyyyyyyyyyyy", "not UTF-8: \uFFFD", "a moment later"}, texts)
	c := l.Counts()
	assertBalanced(t, c)
	assert.Equal(t, uint64(5), c.Rejected)
	assert.Equal(t, uint64(5), c.Delivered.Records)
	assert.Equal(t, 1, strings.Count(logged.String(), "\n"), logged.String())
}

// Many lines of one stream are sent in batches of the maximal size.
func TestBatchesAreLarge(t *testing.T) {
	server := newLogServer(t)
	l, err := open(t, quick).NewLogs(logsTo(t.TempDir()))
	require.NoError(t, err)
	at := time.Now()
	for range 25_000 {
		put(t, l, "eni-1-all", at, "short")
	}
	for range 30 {
		put(t, l, "eni-2-all", at, strings.Repeat("x", 100_000-26))
	}
	require.NoError(t, l.Close(t.Context()))
	server.assertValid(t)
	assert.Len(t, server.stream("eni-1-all"), 25_000)
	assert.Len(t, server.stream("eni-2-all"), 30)
	assert.LessOrEqual(t, server.batches, 3+3+1, "batches, with one more where a segment ends")
}

// A group is created only if that is configured; otherwise a missing group is logged, and lines wait.
func TestLogGroupIsMissing(t *testing.T) {
	newLogServer(t)
	logged := &logBuffer{}
	cfg := logsTo(t.TempDir())
	cfg.CreateGroup, cfg.Log = false, logged.logger()
	l, err := open(t, quick).NewLogs(cfg)
	require.NoError(t, err)
	put(t, l, "eni-1-all", time.Now(), "line")
	require.NoError(t, l.Flush())
	require.Eventually(t, func() bool { return l.Counts().Failures[spool.Missing] >= 2 }, 2*time.Minute, time.Millisecond)
	assert.Equal(t, uint64(1), l.Counts().Waiting.Records)
	assert.Equal(t, 1, strings.Count(logged.String(), "\n"), logged.String())
	err = l.Close(t.Context())
	assert.ErrorContains(t, err, "log group flows: CreateLogStream: ResourceNotFoundException: The specified log group does not exist: "+
		"create it, or check the name and AWS_REGION, which is eu-west-1: 1 files stay in "+cfg.Dir+" for the next start")
}

// While the folder cannot be written, lines wait in memory, up to a segment, and further ones are refused. The waiting lines are
// delivered when the folder can be written again.
func TestSpoolThatCannotBeWritten(t *testing.T) {
	server := newLogServer(t)
	cfg := logsTo(filepath.Join(t.TempDir(), "spool"))
	cfg.Segment, cfg.Every = 100, time.Hour
	l, err := open(t, quick).NewLogs(cfg)
	require.NoError(t, err)
	require.NoError(t, os.Rename(cfg.Dir, cfg.Dir+".away"))
	taken := 0
	out := l.Output()
	for i := range 10 {
		n, err := out.Write(fmt.Appendf(nil, "eni-1-all %d line %d\neni-1-all %d line %d\n", time.Now().UnixMilli(), 2*i, time.Now().UnixMilli(), 2*i+1))
		taken += n
		if err != nil {
			assert.EqualError(t, err, "spool "+cfg.Dir+": no such file or directory")
		}
	}
	assert.Less(t, taken, 101)
	assert.Positive(t, taken)
	assert.Equal(t, uint64(20), l.Counts().Unspooled+uint64(strings.Count(strings.Repeat("x\n", taken/31), "\n")))
	require.NoError(t, os.Rename(cfg.Dir+".away", cfg.Dir))
	require.NoError(t, l.Close(t.Context()))
	assert.Len(t, server.stream("eni-1-all"), taken/31)
}

// Events of a queue are delivered to the streams of their interfaces, with their own times.
func TestEventsGoToTheStreamOfTheirInterface(t *testing.T) {
	server := newLogServer(t)
	l, err := open(t, quick).NewLogs(logsTo(t.TempDir()))
	require.NoError(t, err)
	q := export.NewQueue(export.QueueConfig{
		Kinds: eve.Kinds, Output: l.Output(), Encoder: new(aws.EVE), Bytes: 1 << 20, Block: true,
	})
	at := time.Now().Truncate(time.Millisecond)
	b := new(event.Pool).New()
	b.Events = append(b.Events,
		event.Event{Kind: event.Flow, Nanos: at.UnixNano(), Owner: &event.Owner{ENI: "eni-1"}},
		event.Event{Kind: event.Flow, Nanos: at.UnixNano()},
		event.Event{Kind: event.Stats, Nanos: at.UnixNano(), Stats: new(event.Totals)})
	q.Events(b)
	lost, err := q.Close(t.Context())
	require.NoError(t, err)
	assert.Zero(t, lost)
	require.NoError(t, l.Close(t.Context()))
	server.assertValid(t)
	for _, stream := range []string{"eni-1-all", "unknown-all", "stats"} {
		events := server.stream(stream)
		if assert.Len(t, events, 1, stream) {
			assert.Equal(t, at.UnixMilli(), events[0].Timestamp)
			assert.True(t, strings.HasPrefix(events[0].Message, "{") && strings.HasSuffix(events[0].Message, "}"), events[0].Message)
		}
	}
}

// Flow log lines are delivered to the streams of the records' interfaces, with the records' start, and are the lines of a file.
func TestFlowLogLinesGoToTheStreamOfTheirInterface(t *testing.T) {
	server := newLogServer(t)
	l, err := open(t, quick).NewLogs(logsTo(t.TempDir()))
	require.NoError(t, err)
	encoder := aws.FlowLog{Format: flowlog.Default, Builder: records.NewBuilder(records.Config{})}
	q := export.NewQueue(export.QueueConfig{Kinds: records.Kinds, Output: l.Output(), Encoder: encoder, Bytes: 1 << 20, Block: true})
	from := time.Now().Add(-time.Minute).Unix()
	b := new(event.Pool).New()
	e := event.Event{Kind: event.Interval, Owner: &event.Owner{ENI: "eni-1", Account: "123456789012"}}
	e.Window.First, e.Window.Last = [2]uint32{uint32(from), uint32(from + 1)}, [2]uint32{uint32(from + 2), uint32(from + 3)}
	e.Flow.Packets = [2]uint64{4, 5}
	b.Events = append(b.Events, e)
	q.Events(b)
	_, err = q.Close(t.Context())
	require.NoError(t, err)
	require.NoError(t, l.Close(t.Context()))
	server.assertValid(t)
	events := server.stream("eni-1-all")
	require.Len(t, events, 2)
	for i, e := range events {
		assert.Equal(t, (from+int64(i))*1000, e.Timestamp)
		assert.Regexp(t, "^2 123456789012 eni-1 .* OK$", e.Message)
	}
}
