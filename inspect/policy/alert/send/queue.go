package send

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert/message"
)

// receiver takes alerts to a service or a program. Its methods are safe for concurrent use.
type receiver interface {
	// send sends alerts and returns what became of each, in their order: nil, or a *spool.Failure. One of class spool.Refused is not tried
	// again.
	send(ctx context.Context, alerts []*alert.Alert) []error
}

// observer is a receiver that keeps state of its own.
type observer interface {
	// observe takes each alert once, before it is sent. It does not wait.
	observe(a *alert.Alert)
	// run works until ctx ends. report takes the result of each of its calls.
	run(ctx context.Context, report func(error))
}

// digester is a receiver whose messages are read by people. It takes many alerts as one message.
type digester interface {
	sendDigest(ctx context.Context, d *message.Digest) error
}

// queueConfig configures a Queue.
type queueConfig struct {
	receiver receiver
	name     string        // in metrics
	to       string        // in messages
	dir      string        // of the spool
	bytes    int64         // bound of the spool
	memory   int           // bound of the alerts that wait for the disk
	batch    int           // alerts that are sent at once
	strict   bool          // each alert waits for those before it
	every    time.Duration // the least time between two calls
	block    bool          // wait for room instead of dropping: for captures, which can wait
	backoff  spool.Backoff
	log      *slog.Logger
}

// Queue is one output of alerts. An alert goes into a file of the spool, milliseconds after it was given, and stays there until the receiver
// has it: it is sent at least once, though the process is killed meanwhile. If the disk takes no file the alert is sent from memory.
type Queue struct {
	cfg     queueConfig
	spool   *spool.Spool
	wake    chan struct{} // alerts wait, or the queue is closing
	hurry   chan struct{} // closed when no further alerts come: digests do not wait
	stop    context.CancelFunc
	workers sync.WaitGroup

	sending sync.Mutex // guards the following, which one delivery uses at a time; held while the queue opens
	pending pending
	last    time.Time // when the last call began
	storm   storm

	mu      sync.Mutex // guards the following
	room    sync.Cond  // alerts were saved, or the queue is closing
	waiting []*alert.Alert
	since   time.Time // when the first of waiting was given, about
	bytes   int       // of waiting
	closing bool
	counts  Counts // of alerts that are in no file, and of calls
}

// pending is what became so far of the alerts of a file that is delivered in parts.
type pending struct {
	key     string
	done    []bool
	refused uint64
}

var _ alert.Output = (*Queue)(nil)

// openQueue opens the spool, and begins to send the alerts that are in it. Close ends it.
func openQueue(cfg queueConfig) (*Queue, error) {
	cfg.log = cmp.Or(cfg.log, slog.Default())
	q := &Queue{cfg: cfg, wake: make(chan struct{}, 1), hurry: make(chan struct{})}
	q.storm.receiver, _ = cfg.receiver.(digester)
	q.room.L = &q.mu
	q.sending.Lock() // deliveries begin before the spool is known here
	defer q.sending.Unlock()
	var err error
	q.spool, err = spool.Open(spool.Config{
		Dir: cfg.dir, Bytes: cfg.bytes, Records: spool.CountLines, Numbered: ".alerts", Strict: cfg.strict, Parallel: 1, Deliver: q.deliver,
		Backoff: cfg.backoff, To: cfg.to, Log: cfg.log,
	})
	if err != nil {
		return nil, err
	}
	q.counts.Taken = q.spool.Counts().Spooled.Records
	ctx, stop := context.WithCancel(context.Background())
	q.stop = stop
	q.workers.Go(q.write)
	if o, ok := cfg.receiver.(observer); ok {
		q.workers.Go(func() { o.run(ctx, q.report) })
	}
	return q, nil
}

// Alert implements alert.Output.
func (q *Queue) Alert(a *alert.Alert) {
	if o, ok := q.cfg.receiver.(observer); ok {
		o.observe(a)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	n := sizeOf(a)
	fits := func() bool { return len(q.waiting) == 0 || q.bytes+n <= q.cfg.memory }
	for q.cfg.block && !q.closing && !fits() {
		q.room.Wait()
	}
	q.counts.Taken++
	if !q.closing && fits() {
		if len(q.waiting) == 0 {
			q.since = time.Now()
		}
		q.waiting = append(q.waiting, a)
		q.bytes += n
		q.notify()
		return
	}
	q.counts.Dropped++
}

// Restore takes an alert that was open when an earlier process ended. It is not sent, but a receiver that repeats open alerts repeats it.
func (q *Queue) Restore(a *alert.Alert) {
	if o, ok := q.cfg.receiver.(observer); ok {
		o.observe(a)
	}
}

func (q *Queue) notify() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// sizeOf is how much memory an alert takes, about.
func sizeOf(a *alert.Alert) int {
	return 512 + len(a.Rule) + len(a.Workload) + len(a.Source) + len(a.To) + len(a.Evidence) + 64*len(a.Flows)
}

// diskRetry is how long alerts wait after neither the disk nor the receiver took them.
const diskRetry = time.Second

// write puts the alerts that wait into files, until the queue is closed and none is left.
func (q *Queue) write() {
	for {
		all, closing := q.take()
		if len(all) == 0 {
			if closing {
				return
			}
			<-q.wake
			continue
		}
		err := q.spool.Append(encode(all), len(all))
		if err != nil {
			all = q.orAll(all)
			err = q.sendNow(all, err)
		}
		switch {
		case err == nil:
			q.took(len(all))
		case closing:
			q.cfg.log.Error("alerts are lost", "to", q.cfg.to, "alerts", q.giveUp(), "error", err)
			return
		default:
			time.Sleep(diskRetry)
		}
	}
}

// giveUp drops all alerts that wait.
func (q *Queue) giveUp() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(q.waiting)
	q.counts.Dropped += uint64(n)
	q.waiting, q.bytes = nil, 0
	return n
}

// take returns the alerts for the next file, which stay with those that wait.
func (q *Queue) take() (all []*alert.Alert, closing bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.cfg.batch
	if q.storm.receiver != nil && len(q.waiting) > perMinute {
		n = max(n, digestBatch) // they are part of a digest
	}
	return q.waiting[:min(len(q.waiting), n)], q.closing
}

// orAll returns all alerts that wait if those of a file are for a digest: without a disk they are gathered in memory.
func (q *Queue) orAll(some []*alert.Alert) []*alert.Alert {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.storm.receiver != nil && len(some) > perMinute {
		return q.waiting
	}
	return some
}

// took removes the first alerts that wait.
func (q *Queue) took(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, a := range q.waiting[:n] {
		q.bytes -= sizeOf(a)
	}
	q.waiting = slices.Clone(q.waiting[n:])
	q.room.Broadcast()
}

// sendNow sends alerts that the disk did not take. Its error is that of the disk.
func (q *Queue) sendNow(all []*alert.Alert, disk error) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	q.sending.Lock()
	defer q.sending.Unlock()
	fate, _ := q.storm.decide(time.Now(), len(all), func() int { return len(all) }, q.isClosing())
	if fate == later {
		return disk
	}
	q.pace(ctx)
	for _, err := range q.sendAs(ctx, fate, all) {
		if err != nil {
			q.cfg.log.Error("alerts wait in memory", "to", q.cfg.to, "alerts", len(all), "spool", disk, "error", err)
			return disk
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.counts.Sent += uint64(len(all))
	return nil
}

// sendAs sends alerts one by one, or as a digest, and returns what became of each.
func (q *Queue) sendAs(ctx context.Context, how fate, all []*alert.Alert) []error {
	if how == gather {
		var d message.Digest
		for _, a := range all {
			d.Add(a)
		}
		return fill(make([]error, len(all)), q.sendDigest(ctx, &d))
	}
	errs := q.cfg.receiver.send(ctx, all)
	for _, err := range errs {
		if err == nil {
			q.storm.singles++
		}
	}
	return errs
}

func (q *Queue) isClosing() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closing
}

// deliver sends the alerts of a file that its receiver does not have yet. In a storm of alerts it waits until those of a minute can be sent
// as one message.
func (q *Queue) deliver(ctx context.Context, f *spool.File) (refused uint64, err error) {
	for {
		refused, wait, err := q.tryDeliver(ctx, f)
		if wait == 0 {
			return refused, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-q.hurry:
		case <-timer.C:
		}
		timer.Stop()
		if err != nil {
			return 0, err
		}
	}
}

// tryDeliver sends the alerts of a file. If they are to wait, it returns how long.
func (q *Queue) tryDeliver(ctx context.Context, f *spool.File) (refused uint64, wait time.Duration, err error) {
	q.sending.Lock()
	defer q.sending.Unlock()
	text, err := f.Read()
	if err != nil {
		return 0, 0, err
	}
	all, bad := decode(text)
	if q.pending.key != f.Key {
		q.pending = pending{key: f.Key, done: make([]bool, len(all)), refused: uint64(bad)}
	}
	hurry := false
	select {
	case <-q.hurry:
		hurry = true
	default:
	}
	fate, wait := q.storm.decide(time.Now(), len(all), q.waitingInFiles, hurry)
	switch fate {
	case later:
		return 0, wait, nil
	case gather:
		if refused, err = q.sendGathered(ctx, f); err != nil {
			return 0, 0, err
		}
	case single:
		if err := q.sendRest(ctx, all, f.Tries > 0); err != nil {
			return 0, 0, err
		}
		refused = q.pending.refused
	}
	q.pending = pending{}
	return refused, 0, nil
}

// sendRest sends the alerts of a file that are not done. It returns the first failure.
func (q *Queue) sendRest(ctx context.Context, all []*alert.Alert, again bool) error {
	var rest []*alert.Alert
	var at []int
	for i, a := range all {
		if !q.pending.done[i] {
			rest, at = append(rest, a), append(at, i)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	if again {
		q.mu.Lock()
		q.counts.Retried += uint64(len(rest))
		q.mu.Unlock()
	}
	q.pace(ctx)
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var first error
	for i, err := range q.sendAs(ctx, single, rest) {
		var why *spool.Failure
		switch {
		case err == nil:
		case errors.As(err, &why) && why.Class == spool.Refused:
			q.pending.refused++
			q.refused(rest[i], why)
		default:
			first = cmp.Or(first, err)
			continue
		}
		q.pending.done[at[i]] = true
	}
	return first
}

// refused counts and logs an alert that is not sent again.
func (q *Queue) refused(a *alert.Alert, why *spool.Failure) {
	q.mu.Lock()
	q.counts.Failed[spool.Refused]++
	q.mu.Unlock()
	q.cfg.log.Error("an alert is refused", "to", q.cfg.to, "rule", a.Rule, "error", why)
}

// pace waits until the next call may begin.
func (q *Queue) pace(ctx context.Context) {
	if wait := q.cfg.every - time.Since(q.last); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
	q.last = time.Now()
}

// report counts the result of a call that a receiver made by itself.
func (q *Queue) report(err error) {
	var why *spool.Failure
	if !errors.As(err, &why) {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.counts.Failed[why.Class]++
}

// Close sends the alerts until ctx ends, a failure needs a person, or the receiver is unavailable for too long. The rest stays in the spool
// for the next start; the error has its number and the reason. Alerts that are given after it has begun are dropped.
func (q *Queue) Close(ctx context.Context) error {
	q.mu.Lock()
	q.closing = true
	q.room.Broadcast()
	q.mu.Unlock()
	q.notify()
	q.stop()
	q.workers.Wait()
	close(q.hurry)
	return q.spool.Close(ctx)
}

// LastError returns the receiver, and why the last delivery failed, nil if it did not.
func (q *Queue) LastError() (to string, why error) { return q.spool.LastError() }

// Name returns the name of the output, as metrics show it.
func (q *Queue) Name() string { return q.cfg.name }
