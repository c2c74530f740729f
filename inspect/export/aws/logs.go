package aws

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/export"
)

// LogsConfig says what a Logs does.
type LogsConfig struct {
	Group       string
	CreateGroup bool          // if it is not there; otherwise that is an error
	Dir         string        // the spool: a folder of this output alone
	Bytes       int64         // bound of all segments in it together
	Every       time.Duration // how long a line waits for others at most; 0 is 5 s, as a call for each line would be throttled
	Segment     int           // bytes of lines that are gathered in memory; 0 is 4 MiB
	Parallel    int           // calls at once, of different streams; 0 is 4
	Log         *slog.Logger  // slog's default if nil
}

// Four megabytes fill the batches of CloudWatch Logs, of one each, when one stream has most of the lines.
const (
	defaultEvery   = 5 * time.Second
	defaultSegment = 4 << 20
)

// diskPatience is how long a segment waits that could not be written, as to a full disk, while lines are refused.
const diskPatience = time.Second

// Logs delivers lines to streams of one log group. Lines are gathered in memory, in segments, and a segment is a file in the
// spool until CloudWatch Logs has all of its lines: each line at least once, and those of a stream in their order. Its methods are
// safe for concurrent use. They wait for the disk, and never for AWS.
type Logs struct {
	cfg     LogsConfig
	spool   *spool
	sender  *sender
	closing chan struct{}
	ticking sync.WaitGroup

	mu    sync.Mutex // guards the following
	buf   []byte     // the segment being gathered: see appendLine
	lines int        // in it
	seq   uint64     // of the segment written last
	retry time.Time  // not before is a segment written again that could not be
	err   error      // why it could not

	unspooled uint64
}

// NewLogs takes over the folder, making it if need be, and begins with what is in it. Close ends it.
func (c *Client) NewLogs(cfg LogsConfig) (*Logs, error) {
	cfg.Every, cfg.Segment = cmp.Or(cfg.Every, defaultEvery), cmp.Or(cfg.Segment, defaultSegment)
	cfg.Log = cmp.Or(cfg.Log, slog.Default())
	spool, err := openSpool(spoolConfig{dir: cfg.Dir, bytes: cfg.Bytes, records: countLines, before: byKey, log: cfg.Log})
	if err != nil {
		return nil, err
	}
	d := &dispatch{Client: c, group: cfg.Group, create: cfg.CreateGroup, parallel: cmp.Or(cfg.Parallel, defaultParallel), log: cfg.Log}
	l := &Logs{cfg: cfg, spool: spool, closing: make(chan struct{}), sender: &sender{
		spool: spool, deliver: d.deliver, parallel: 1, strict: true, backoff: c.backoff, log: cfg.Log, to: "log group " + cfg.Group,
	}}
	if n := len(spool.files); n > 0 {
		l.seq = sequence(spool.files[n-1].key)
	}
	l.sender.start()
	l.ticking.Go(l.tick)
	return l, nil
}

// Put takes a line for a stream. Its time is in milliseconds since 1970; the line has no newline, and is copied. An error means
// that the line is lost, since the spool cannot be written and as much as may be waits for it already.
func (l *Logs) Put(stream string, millis int64, line []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.room(len(line)); err != nil {
		l.unspooled++
		return err
	}
	l.buf = append(append(appendAddress(l.buf, stream, millis), line...), '\n')
	l.lines++
	return nil
}

// write takes whole lines with their addresses, as EVE and FlowLog make them. It returns how many bytes of them it took.
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

// room makes room for n bytes more.
func (l *Logs) room(n int) error {
	if len(l.buf) == 0 || len(l.buf)+n <= l.cfg.Segment {
		return nil
	}
	return l.flush()
}

// flush makes what was gathered a file of the spool. If that cannot be, it stays in memory.
func (l *Logs) flush() error {
	if l.lines == 0 {
		return nil
	}
	now := time.Now()
	if l.err != nil && now.Before(l.retry) {
		return l.err
	}
	seq := max(l.seq+1, uint64(now.UnixNano())) // the clock may be set back
	path := filepath.Join(l.cfg.Dir, fmt.Sprintf("%020d.log", seq))
	if l.err = l.save(path); l.err != nil {
		l.retry = now.Add(diskPatience)
		return l.err
	}
	l.spool.add(path, l.lines)
	l.sender.poke()
	l.seq, l.buf, l.lines = seq, l.buf[:0], 0
	return nil
}

// save writes a file that is there as a whole or not at all.
func (l *Logs) save(path string) error {
	tmp := path + ".tmp"
	err := os.WriteFile(tmp, l.buf, 0o640)
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp)
		return diskError("spool", l.cfg.Dir, err)
	}
	return nil
}

// tick ends segments when their time is over.
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
			l.cfg.Log.Error("lines for CloudWatch Logs cannot be spooled, and are lost when there are too many", "error", err)
		}
		failing = err != nil
	}
}

// Flush makes what was gathered a file of the spool, to be delivered now.
func (l *Logs) Flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flush()
}

// Counts returns what became of the lines so far, and of the segments that they are in.
func (l *Logs) Counts() Counts {
	c := l.spool.snapshot()
	l.mu.Lock()
	defer l.mu.Unlock()
	c.Unspooled = l.unspooled
	return c
}

// Trouble returns where to lines go, and why the last ones failed to, nil if they did not.
func (l *Logs) Trouble() (to string, why error) { return l.sender.trouble() }

// Close delivers what was gathered and what is in the folder, until ctx ends, CloudWatch Logs says something that only a
// person can mend, or it is away for too long. What is left stays in the folder for the next start; the error says how much it
// is, and why. No line may come any more.
func (l *Logs) Close(ctx context.Context) error {
	close(l.closing)
	l.ticking.Wait()
	lost := l.flushLast()
	if err := l.sender.close(ctx); err != nil {
		return err
	}
	return lost
}

// flushLast flushes, and counts as lost what cannot be.
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

// Output is the Logs as an output of a queue whose encoder is EVE or FlowLog. Closing it leaves the Logs open.
func (l *Logs) Output() export.Output { return logsOutput{l} }

type logsOutput struct{ l *Logs }

func (o logsOutput) Write(p []byte) (int, error) { return o.l.write(p) }
func (o logsOutput) Reopen() error               { return nil }
func (o logsOutput) Close() error                { return o.l.Flush() }
func (o logsOutput) String() string              { return o.l.sender.to }

// sequence is the number in a segment's name.
func sequence(key string) uint64 {
	n, err := strconv.ParseUint(key[:max(0, len(key)-len(".log"))], 10, 64)
	if err != nil || n == math.MaxUint64 {
		return 0
	}
	return n
}

func countLines(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	return bytes.Count(text, []byte{'\n'})
}
