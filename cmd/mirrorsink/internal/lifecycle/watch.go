package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"
)

// every is how often the metadata service is asked. AWS recommends it for spot interruptions.
const every = 5 * time.Second

// Ending is why the instance ends, as the cause of a context.
type Ending struct {
	Why   string
	Drain time.Duration // how long to go on receiving
}

func (e *Ending) Error() string { return e.Why }

// Watcher watches one instance. Its methods are called in the order Watch, Finish.
type Watcher struct {
	log      *slog.Logger
	metadata *metadata
	hook     *hook
	times    Times

	stop func()        // ends the watching and the heartbeats
	done chan struct{} // closed when both have ended
}

// Open finds the instance, its group, and the group's hook.
func Open(ctx context.Context, o Options, times Times, log *slog.Logger) (*Watcher, error) {
	m, h, err := find(ctx, o.Hook)
	if err != nil {
		return nil, err
	}
	log.Info("watching the lifecycle of this instance", "instance", h.instance, "group", h.group, "hook", h.name, "timeout", h.timeout)
	return &Watcher{log: log, metadata: m, hook: h, times: times}, nil
}

// Watch returns a context that ends, with an *Ending as its cause, when the instance is to be terminated. It calls quiet with true while the
// instance waits in a warm pool, where it is to receive nothing. From the end on, it keeps the group waiting until Finish.
func (w *Watcher) Watch(parent context.Context, quiet func(bool)) context.Context {
	watching, stop := context.WithCancel(context.WithoutCancel(parent))
	ctx, end := context.WithCancelCause(parent)
	w.stop, w.done = stop, make(chan struct{})
	go func() {
		defer close(w.done)
		e := w.await(watching, quiet)
		if e == nil {
			return
		}
		w.log.Warn(e.Why, "drain", e.Drain)
		end(e)
		w.keepWaiting(watching)
	}()
	return ctx
}

// await asks the metadata service until the instance is to be terminated. It returns nil if ctx ends before.
func (w *Watcher) await(ctx context.Context, quiet func(bool)) *Ending {
	warm, failing := false, false
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		state, interruption, err := w.metadata.state(ctx)
		if failed := err != nil && ctx.Err() == nil; failed != failing {
			failing = failed
			if failed {
				w.log.Warn("the instance's metadata service does not answer: a termination goes unnoticed until it does", "error", err)
			}
		}
		switch now := strings.HasPrefix(state, "Warmed:"); {
		case state == "Terminated":
			return &Ending{"the Auto Scaling group terminates this instance", w.times.drain(w.hook.timeout)}
		case !interruption.IsZero():
			return &Ending{"EC2 takes this spot instance back at " + interruption.UTC().Format(time.RFC3339), w.times.drainUntil(interruption)}
		case now != warm && err == nil:
			warm = now
			quiet(now)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// keepWaiting sends heartbeats until ctx ends, so that the group does not go on before everything is written.
func (w *Watcher) keepWaiting(ctx context.Context) {
	tick := time.NewTicker(w.hook.timeout / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := w.hook.heartbeat(ctx); err != nil && ctx.Err() == nil {
				w.log.Warn("the Auto Scaling group has no heartbeat of this instance", "hook", w.hook.name, "error", err)
			}
		}
	}
}

// Finish stops watching. If the context that Watch returned ended since the instance is to be terminated, it tells the group that it may go
// on.
func (w *Watcher) Finish(ctx context.Context, why error) {
	w.stop()
	<-w.done
	var e *Ending
	if !errors.As(why, &e) {
		return
	}
	if err := w.hook.complete(ctx); err != nil {
		w.log.Warn("the lifecycle hook is not completed: the Auto Scaling group goes on when it times out", "hook", w.hook.name, "error", err)
		return
	}
	w.log.Info("the lifecycle hook is completed", "hook", w.hook.name)
}
