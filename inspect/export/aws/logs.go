package aws

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
)

// LogsConfig configures a Logs.
type LogsConfig struct {
	Group       string
	CreateGroup bool          // create the group if it does not exist; otherwise that is an error
	Dir         string        // the spool: a folder for this output only
	Bytes       int64         // bound of all segments in it together
	Every       time.Duration // how long a line waits for others at most; 0 is 5 s, since a call for each line would be throttled
	Segment     int           // bytes of lines gathered in memory; 0 is 4 MiB
	Parallel    int           // concurrent calls, of different streams; 0 is 4
	Log         *slog.Logger  // slog's default if nil
}

// defaultSegment fills several batches of CloudWatch Logs, of 1 MiB each, even if one stream has most of the lines.
const (
	defaultEvery   = 5 * time.Second
	defaultSegment = 4 << 20
)

// diskRetry is the delay after a segment could not be written, as on a full disk. Lines are refused meanwhile.
const diskRetry = time.Second

// Logs delivers lines to streams of one log group. It gathers lines in memory and writes them to the spool in segments. A segment
// stays there until CloudWatch Logs has all of its lines. Each line is delivered at least once, and the lines of a stream in order.
// The methods are safe for concurrent use. They wait for the disk, and never for AWS.
type Logs struct {
	cfg     LogsConfig
	spool   *spool.Spool
	closing chan struct{}
	ticking sync.WaitGroup

	mu    sync.Mutex // guards the following
	buf   []byte     // the segment being gathered: lines with their addresses, see appendAddress
	lines int        // in it
	retry time.Time  // no segment is written before, after a failure
	err   error      // of that failure

	unspooled uint64
}

// NewLogs opens the folder, creates it if necessary, and begins to deliver the segments in it. Close ends it.
func (c *Client) NewLogs(cfg LogsConfig) (*Logs, error) {
	cfg.Every, cfg.Segment = cmp.Or(cfg.Every, defaultEvery), cmp.Or(cfg.Segment, defaultSegment)
	cfg.Log = cmp.Or(cfg.Log, slog.Default())
	d := &dispatch{Client: c, group: cfg.Group, create: cfg.CreateGroup, parallel: cmp.Or(cfg.Parallel, defaultParallel), log: cfg.Log}
	s, err := spool.Open(spool.Config{
		Dir: cfg.Dir, Bytes: cfg.Bytes, Records: spool.CountLines, Numbered: ".log", Strict: true, Parallel: 1, Deliver: d.deliver,
		Backoff: c.backoff, To: "log group " + cfg.Group, Log: cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	l := &Logs{cfg: cfg, spool: s, closing: make(chan struct{})}
	l.ticking.Go(l.tick)
	return l, nil
}

// write takes whole lines with their addresses, as EVE and FlowLog encode them, and returns how many bytes it took.
func (l *Logs) write(p []byte) (n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n < len(p) {
		end := bytes.IndexByte(p[n:], '\n') + 1
		if end == 0 {
			end = len(p) - n
		}
		if err := l.room(end); err != nil {
			l.unspooled += uint64(bytes.Count(p[n:], []byte{'\n'}))
			return n, err
		}
		l.buf = append(l.buf, p[n:n+end]...)
		l.lines++
		n += end
	}
	return n, nil
}

// room makes room for n more bytes.
func (l *Logs) room(n int) error {
	if len(l.buf) == 0 || len(l.buf)+n <= l.cfg.Segment {
		return nil
	}
	return l.flush()
}

// flush writes the gathered lines to the spool as a segment. If that fails they stay in memory.
func (l *Logs) flush() error {
	if l.lines == 0 {
		return nil
	}
	now := time.Now()
	if l.err != nil && now.Before(l.retry) {
		return l.err
	}
	if l.err = l.spool.Append(l.buf, l.lines); l.err != nil {
		l.retry = now.Add(diskRetry)
		return l.err
	}
	l.buf, l.lines = l.buf[:0], 0
	return nil
}

// tick flushes regularly.
func (l *Logs) tick() {
	ticker := time.NewTicker(l.cfg.Every)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-l.closing:
			return
		case <-ticker.C:
		}
		err := l.Flush()
		if err != nil && !failing {
			l.cfg.Log.Error("lines for CloudWatch Logs cannot be written to the spool; they wait in memory, and further ones are lost", "error", err)
		}
		failing = err != nil
	}
}

// Flush writes the gathered lines to the spool, for delivery now.
func (l *Logs) Flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flush()
}

// Counts returns the outcome of the segments and their lines so far.
func (l *Logs) Counts() spool.Counts {
	c := l.spool.Counts()
	l.mu.Lock()
	defer l.mu.Unlock()
	c.Unspooled = l.unspooled
	return c
}

// LastError returns the destination, and the error of the last delivery; nil if it succeeded.
func (l *Logs) LastError() (to string, why error) { return l.spool.LastError() }

// Close delivers all lines until ctx ends, a failure needs a person, or CloudWatch Logs is unavailable for too long. The remaining
// segments stay in the folder for the next start; the error has their number and the reason. No line may be written after Close.
func (l *Logs) Close(ctx context.Context) error {
	close(l.closing)
	l.ticking.Wait()
	lost := l.flushLast()
	if err := l.spool.Close(ctx); err != nil {
		return err
	}
	return lost
}

// flushLast flushes, and counts the lines as lost if that fails.
func (l *Logs) flushLast() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retry = time.Time{}
	err := l.flush()
	if err == nil {
		return nil
	}
	l.unspooled += uint64(l.lines)
	return fmt.Errorf("%d lines for CloudWatch Logs are lost: %w", l.lines, err)
}

// Output returns an output for a queue whose encoder is EVE or FlowLog. Closing the output does not close the Logs.
func (l *Logs) Output() export.Output { return logsOutput{l} }

type logsOutput struct{ l *Logs }

func (o logsOutput) Write(p []byte) (int, error) { return o.l.write(p) }
func (o logsOutput) Reopen() error               { return nil }
func (o logsOutput) Close() error                { return o.l.Flush() }
func (o logsOutput) String() string              { return "log group " + o.l.cfg.Group }
