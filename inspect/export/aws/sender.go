package aws

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// deliver brings one file of a spool to AWS. It returns how many of its records were refused for good. It may be called again
// for the same file, in this process or the next.
type deliver func(ctx context.Context, f *spooled) (rejected uint64, err error)

// sender delivers the files of a spool for as long as it takes. While deliveries fail it tries one file at a time, with growing
// waits in between; what is wrong is said once, and once more when it works again.
type sender struct {
	spool    *spool
	deliver  deliver
	parallel int  // deliveries at once
	strict   bool // one after the other, in the spool's order
	backoff  Backoff
	log      *slog.Logger
	to       string // for messages

	wake chan struct{} // something changed
	done chan struct{} // closed when the run has ended
	stop context.CancelFunc

	mu       sync.Mutex // guards the following
	active   int
	failures int       // since the last success
	pause    time.Time // until then nothing is tried
	said     error     // what was said last, nil since it works
	closing  bool
	worked   time.Time // when something was delivered last, or closing began
	hopeless error     // after closing: what a person has to mend, or what went on for too long
}

// start makes the sender work.
func (s *sender) start() {
	s.wake, s.done = make(chan struct{}, 1), make(chan struct{})
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go s.run(ctx)
}

// poke says that something changed.
func (s *sender) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *sender) run(ctx context.Context) {
	defer close(s.done)
	var deliveries sync.WaitGroup
	defer deliveries.Wait()
	for ctx.Err() == nil {
		f, wait := s.next(time.Now())
		switch {
		case f != nil:
			deliveries.Go(func() { s.try(ctx, f) })
		case wait == ended:
			return
		default:
			s.sleep(ctx, wait)
		}
	}
}

// Waits that next returns besides lengths of time.
const (
	forever time.Duration = 0
	ended   time.Duration = -1
)

// next returns the file to be delivered now, or how long there is nothing to do.
func (s *sender) next(now time.Time) (*spooled, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hopeless != nil {
		return nil, ended
	}
	if s.active >= s.parallel || s.failures > 0 && s.active > 0 {
		return nil, forever
	}
	if now.Before(s.pause) {
		return nil, s.pause.Sub(now)
	}
	f := s.spool.take(s.strict)
	switch {
	case f != nil:
		s.active++
		return f, 0
	case s.closing && s.active == 0:
		return nil, ended
	}
	return nil, forever
}

func (s *sender) sleep(ctx context.Context, wait time.Duration) {
	var ring <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		ring = timer.C
	}
	select {
	case <-ctx.Done():
	case <-s.wake:
	case <-ring:
	}
}

// try delivers one file, and accounts for what came of it.
func (s *sender) try(ctx context.Context, f *spooled) {
	rejected, err := s.deliver(ctx, f)
	var why *failure
	switch {
	case err == nil:
		s.spool.delivered(f, rejected)
	case ctx.Err() != nil: // it is the next start's
	case errors.Is(err, fs.ErrNotExist):
		s.spool.vanished(f)
		s.log.Error("a file was removed from the spool by somebody else", "file", f.path)
	case errors.As(err, &why):
		s.spool.failed(why.class)
		if !s.isClosing() || !why.class.ofOneFile() {
			s.spool.untake(f)
		}
	}
	s.settle(ctx, why)
	s.poke()
}

// isClosing says whether there will be no other try of a file that is wrong itself.
func (s *sender) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// settle draws conclusions from a delivery for the next ones. A why of nil is for one that did not fail.
func (s *sender) settle(ctx context.Context, why *failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
	switch {
	case ctx.Err() != nil:
		return
	case why == nil:
		if s.said != nil {
			s.log.Info("delivering again", "to", s.to)
		}
		s.failures, s.pause, s.said, s.worked = 0, time.Time{}, nil, time.Now()
		return
	}
	s.failures++
	wait := min(s.backoff.First<<min(s.failures-1, 16), s.backoff.Longest)
	if !why.class.passes() {
		wait = s.backoff.Slow
	}
	if s.closing {
		wait = s.lastWait(wait, why)
	}
	s.pause = time.Now().Add(wait/2 + rand.N(wait/2+1))
	s.say(why)
}

// lastWait is the wait while the sender is being closed. It also decides that nothing is to be hoped for any more.
func (s *sender) lastWait(wait time.Duration, why *failure) time.Duration {
	switch {
	case why.class.ofOneFile():
		return 0 // the others may go
	case !why.class.passes(), time.Since(s.worked) > s.backoff.GiveUp:
		s.hopeless = why
	}
	return wait
}

// trouble returns where to the sender delivers, and why the last delivery failed, nil if it did not.
func (s *sender) trouble() (to string, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to, s.said
}

// say says what is wrong, unless it was said already.
func (s *sender) say(why *failure) {
	var last *failure
	if errors.As(s.said, &last) && last.class == why.class {
		return
	}
	s.said = why
	level := slog.LevelError
	if why.class.passes() {
		level = slog.LevelWarn
	}
	s.log.Log(context.Background(), level, "cannot deliver, files wait in the spool", "to", s.to, "spool", s.spool.cfg.dir, "error", why)
}

// close delivers what is in the spool until ctx ends, or there is nothing to be hoped for: somebody has to mend something first,
// or AWS has been away for too long. What is left stays on disk for the next start, and is the error.
func (s *sender) close(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	s.worked, s.pause = time.Now(), time.Time{} // whatever was wrong, it may be mended
	s.mu.Unlock()
	s.poke()
	defer s.spool.close()
	select {
	case <-s.done:
	case <-ctx.Done():
		s.stop()
		<-s.done
	}
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.spool.snapshot().Waiting
	why := s.hopeless
	if why == nil {
		why = s.said
	}
	switch {
	case left.Files == 0:
		return nil
	case why == nil && errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("%s: interrupted: %d files stay in %s for the next start", s.to, left.Files, s.spool.cfg.dir)
	case why == nil:
		return fmt.Errorf("%s: no time was left: %d files stay in %s for the next start", s.to, left.Files, s.spool.cfg.dir)
	}
	return fmt.Errorf("%s: %w: %d files stay in %s for the next start", s.to, why, left.Files, s.spool.cfg.dir)
}
