package send

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/message"
)

// A person who gets ten messages within a minute reads no eleventh. Further alerts are gathered, and sent as one message a minute: a digest.
const (
	perMinute      = 10
	digestInterval = time.Minute
	digestBatch    = 256 // alerts in one file of the spool that are for a digest
)

// storm decides which alerts people get as messages of their own.
type storm struct {
	receiver digester  // nil if each alert is a message
	begin    time.Time // of the minute
	singles  int       // messages since then
}

// fate is how alerts are sent.
type fate uint8

const (
	single fate = iota // one by one
	gather             // with all that wait, as a digest
	later              // not yet
)

// decide returns how n alerts are to be sent now, or how long they are to wait. waiting counts all that wait. A minute in which no more
// than perMinute came ends a storm.
func (s *storm) decide(now time.Time, n int, waiting func() int, hurry bool) (how fate, wait time.Duration) {
	if s.receiver == nil {
		return single, 0
	}
	left := s.begin.Add(digestInterval).Sub(now)
	if left <= 0 {
		if waiting() > perMinute {
			return gather, 0
		}
		s.begin, s.singles = now, 0
	}
	switch {
	case s.singles+n <= perMinute:
		return single, 0
	case hurry:
		return gather, 0
	}
	return later, left
}

// waitingInFiles counts the alerts that wait in the spool.
func (q *Queue) waitingInFiles() (n int) {
	for _, f := range q.spool.Waiting() {
		n += int(f.Records)
	}
	return n
}

// gathered is a file of the spool whose alerts are in a digest.
type gathered struct {
	file    *spool.File
	alerts  uint64 // in the digest
	refused uint64 // before
}

// sendGathered sends all alerts of the spool as one message, and removes their files but the given one. It returns how many alerts of that
// one were refused.
func (q *Queue) sendGathered(ctx context.Context, given *spool.File) (refused uint64, err error) {
	var d message.Digest
	var files []gathered
	for _, f := range q.spool.Waiting() {
		if g, ok := q.gatherFile(&d, f); ok {
			files = append(files, g)
		}
	}
	var why *spool.Failure
	if d.Alerts > 0 {
		q.pace(ctx)
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		err := q.sendDigest(ctx, &d)
		if err != nil && (!errors.As(err, &why) || why.Class != spool.Refused) {
			return 0, err
		}
	}
	for _, g := range files {
		if why != nil {
			g.refused += g.alerts
		}
		if g.file == given {
			refused = g.refused
		} else {
			q.spool.Delivered(g.file, g.refused)
		}
	}
	return refused, nil
}

// gatherFile adds the alerts of a file that its receiver does not have. Files are read one by one, so that memory is bounded.
func (q *Queue) gatherFile(d *message.Digest, f *spool.File) (g gathered, ok bool) {
	text, err := f.Read()
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) { // dropped meanwhile, and counted
			q.cfg.log.Error("alerts are not in the digest", "to", q.cfg.to, "error", err)
		}
		return g, false
	}
	before := d.Alerts
	all, bad := decode(text)
	g = gathered{file: f, refused: uint64(bad)}
	if f.Key == q.pending.key {
		g.refused = q.pending.refused
	}
	for i, a := range all {
		if f.Key != q.pending.key || !q.pending.done[i] {
			d.Add(a)
		}
	}
	g.alerts = d.Alerts - before
	return g, true
}

// sendDigest sends a digest, and counts it. The next one is due a minute later.
func (q *Queue) sendDigest(ctx context.Context, d *message.Digest) error {
	err := q.storm.receiver.sendDigest(ctx, d)
	var why *spool.Failure
	refused := errors.As(err, &why) && why.Class == spool.Refused
	if err != nil && !refused {
		return err
	}
	q.storm.begin, q.storm.singles = time.Now(), perMinute
	q.mu.Lock()
	defer q.mu.Unlock()
	if refused {
		q.counts.Failed[spool.Refused]++
		q.cfg.log.Error("a digest of alerts is refused", "to", q.cfg.to, "alerts", d.Alerts, "error", why)
		return err
	}
	q.counts.Digests++
	q.counts.Digested += d.Alerts
	return nil
}
