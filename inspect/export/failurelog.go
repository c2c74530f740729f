package export

import (
	"log/slog"
	"time"
)

// failureInterval bounds how often a failing output is logged: a full disk fails thousands of times a second.
const failureInterval = 10 * time.Second

// A FailureLog logs when an output begins to fail, that it still does, at most every 10 seconds, and when it works again. It is
// not safe for concurrent use.
type FailureLog struct {
	Log       *slog.Logger
	Output    string // its name
	Failed    string // the message of a failure, which has the error as an attribute
	Recovered string // the message of the first success after a failure

	failing bool
	quiet   time.Time // until then failures are not logged
}

// Report takes the result of a write: nil if it succeeded.
func (l *FailureLog) Report(err error) {
	if now := time.Now(); err != nil && now.After(l.quiet) {
		l.quiet = now.Add(failureInterval)
		l.Log.Error(l.Failed, "output", l.Output, "error", err)
	}
	if err == nil && l.failing {
		l.Log.Info(l.Recovered, "output", l.Output)
	}
	l.failing = err != nil
}
