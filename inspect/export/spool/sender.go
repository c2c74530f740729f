package spool

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

// sender delivers the files of a folder, with retries. While deliveries fail it tries one file at a time, with growing delays. It logs
// the first failure of a kind and the recovery.
type sender struct {
	cfg    *Config
	folder *folder

	wake chan struct{} // something changed
	done chan struct{} // closed when the run has ended
	stop context.CancelFunc

	mu       sync.Mutex // guards the following
	active   int
	failures int       // since the last success
	pause    time.Time // no attempts until then
	lastErr  error     // of the last delivery; nil if it succeeded
	closing  bool
	worked   time.Time // the time of the last success, or of close
	fatal    error     // after closing: what a person has to fix, or a failure that lasted too long
}

// start starts the sender.
func (s *sender) start() {
	s.wake, s.done = make(chan struct{}, 1), make(chan struct{})
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go s.run(ctx)
}

// notify wakes the sender after a change.
func (s *sender) notify() {
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

// Special results of next.
const (
	forever time.Duration = 0
	ended   time.Duration = -1
)

// next returns the file to be delivered now, or how long to wait.
func (s *sender) next(now time.Time) (*File, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fatal != nil {
		return nil, ended
	}
	if s.active >= s.cfg.Parallel || s.failures > 0 && s.active > 0 {
		return nil, forever
	}
	if now.Before(s.pause) {
		return nil, s.pause.Sub(now)
	}
	f := s.folder.take(s.cfg.Strict)
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
func (s *sender) try(ctx context.Context, f *File) {
	rejected, err := s.cfg.Deliver(ctx, f)
	var why *Failure
	switch {
	case err == nil:
		s.folder.delivered(f, rejected)
	case ctx.Err() != nil: // it is the next start's
	case errors.Is(err, fs.ErrNotExist):
		s.folder.missing(f)
		s.cfg.Log.Error("a file was removed from the spool by another program", "file", f.Path)
	case errors.As(err, &why):
		s.folder.failed(why.Class)
		if !s.isClosing() || !why.Class.fileOnly() {
			s.folder.putBack(f)
		}
	}
	s.update(ctx, why)
	s.notify()
}

// isClosing reports whether the sender is being closed: a file with an error of its own is not retried then.
func (s *sender) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// update adjusts the delay after a delivery. why is nil if it succeeded.
func (s *sender) update(ctx context.Context, why *Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
	switch {
	case ctx.Err() != nil:
		return
	case why == nil:
		if s.lastErr != nil {
			s.cfg.Log.Info("delivering again", "to", s.cfg.To)
		}
		s.failures, s.pause, s.lastErr, s.worked = 0, time.Time{}, nil, time.Now()
		return
	}
	s.failures++
	wait := min(s.cfg.Backoff.First<<min(s.failures-1, 16), s.cfg.Backoff.Longest)
	if !why.Class.retryable() {
		wait = s.cfg.Backoff.Slow
	}
	if s.closing {
		wait = s.lastWait(wait, why)
	}
	wait = wait/2 + rand.N(wait/2+1)
	s.pause = time.Now().Add(max(wait, why.Wait))
	s.logFailure(why)
}

// lastWait returns the delay while the sender is being closed. It also decides whether to give up.
func (s *sender) lastWait(wait time.Duration, why *Failure) time.Duration {
	switch {
	case why.Class.fileOnly():
		return 0 // try the other files
	case !why.Class.retryable(), time.Since(s.worked) > s.cfg.Backoff.GiveUp:
		s.fatal = why
	}
	return wait
}

// lastError returns the destination, and the error of the last delivery; nil if it succeeded.
func (s *sender) lastError() (to string, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg.To, s.lastErr
}

// logFailure logs a failure, unless the last one was of the same class.
func (s *sender) logFailure(why *Failure) {
	var last *Failure
	if errors.As(s.lastErr, &last) && last.Class == why.Class {
		return
	}
	s.lastErr = why
	level := slog.LevelError
	if why.Class.retryable() {
		level = slog.LevelWarn
	}
	s.cfg.Log.Log(context.Background(), level, "cannot deliver, files wait in the spool", "to", s.cfg.To, "spool", s.cfg.Dir, "error", why)
}

// close delivers the files in the spool until ctx ends, a failure needs a person, or nothing was delivered for Backoff.GiveUp. The
// remaining files stay on disk for the next start; the error has their number.
func (s *sender) close(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	s.worked, s.pause = time.Now(), time.Time{} // whatever was wrong may be fixed by now
	s.mu.Unlock()
	s.notify()
	defer s.folder.close()
	select {
	case <-s.done:
	case <-ctx.Done():
		s.stop()
		<-s.done
	}
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.folder.snapshot().Waiting
	why := s.fatal
	if why == nil {
		why = s.lastErr
	}
	switch {
	case left.Files == 0:
		return nil
	case why == nil && errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("%s: interrupted: %d files stay in %s for the next start", s.cfg.To, left.Files, s.cfg.Dir)
	case why == nil:
		return fmt.Errorf("%s: no time was left: %d files stay in %s for the next start", s.cfg.To, left.Files, s.cfg.Dir)
	}
	return fmt.Errorf("%s: %w: %d files stay in %s for the next start", s.cfg.To, why, left.Files, s.cfg.Dir)
}
