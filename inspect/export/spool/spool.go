// Package spool delivers files of a folder on the local disk: each waits there until its receiver has it, across restarts. During an
// outage the folder grows to a bound. Past the bound the oldest files are dropped and counted. The package does not know the contents of
// files, nor their receivers.
package spool

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"
)

// Config configures a Spool.
type Config struct {
	Dir      string                // a folder for this spool only; it is created if necessary
	Bytes    int64                 // bound of all finished files together
	Records  func(path string) int // counts the records of a file found at the start; nil if they are not known
	Numbered string                // what follows the number in names of files that Append writes: names are the order. "" for an order by age
	Strict   bool                  // one file after the other, in their order, whatever fails
	Parallel int                   // deliveries at once, at least 1
	Deliver  Deliver
	Backoff  Backoff
	To       string       // the receiver, for messages
	Log      *slog.Logger // slog's default if nil
}

// Deliver delivers one file of a spool. It returns how many of its records the receiver refused for good. It may be called again for the
// same file, in this process or the next. Its error is a *Failure, or one of a file that does not exist.
type Deliver func(ctx context.Context, f *File) (refused uint64, err error)

// Backoff sets the delay between two attempts while deliveries fail.
type Backoff struct {
	First   time.Duration // after the first failure, doubled after each further one; 0 is half a second
	Longest time.Duration // at most; 0 is 30 s
	Slow    time.Duration // after failures that only a person can fix, such as a missing permission; 0 is a minute
	GiveUp  time.Duration // Close returns when nothing was delivered for this long; 0 is a minute
}

const (
	defaultFirst   = 500 * time.Millisecond
	defaultLongest = 30 * time.Second
	defaultSlow    = time.Minute
	defaultGiveUp  = time.Minute
)

// OrDefaults returns b with the defaults in the place of zeros.
func (b Backoff) OrDefaults() Backoff {
	return Backoff{
		First: cmp.Or(b.First, defaultFirst), Longest: cmp.Or(b.Longest, defaultLongest), Slow: cmp.Or(b.Slow, defaultSlow),
		GiveUp: cmp.Or(b.GiveUp, defaultGiveUp),
	}
}

// A Spool is a folder of files and their delivery. Its methods are safe for concurrent use.
type Spool struct {
	cfg    Config
	folder *folder
	sender *sender

	mu   sync.Mutex // guards the following
	last uint64     // the number of the last file
}

// Open opens the folder, and begins to deliver the files in it. Close ends it.
func Open(cfg Config) (*Spool, error) {
	cfg.Backoff, cfg.Log = cfg.Backoff.OrDefaults(), cmp.Or(cfg.Log, slog.Default())
	f, err := openFolder(cfg)
	if err != nil {
		return nil, err
	}
	s := &Spool{cfg: cfg, folder: f, last: numberOf(f.newest(), cfg.Numbered)}
	s.sender = &sender{cfg: &s.cfg, folder: f}
	s.sender.start()
	return s, nil
}

// Add takes a finished file of the folder. A file for which it is not called is found at the next start.
func (s *Spool) Add(path string, records int) {
	s.folder.add(path, records)
	s.sender.notify()
}

// Counts returns the outcome of the files so far.
func (s *Spool) Counts() Counts { return s.folder.snapshot() }

// Waiting returns the files that wait for delivery, those that are being delivered included, in the order in which they are due. A file may
// be delivered or dropped at any time after.
func (s *Spool) Waiting() []*File { return s.folder.waiting() }

// Delivered removes a file of Waiting that was delivered together with the one that Deliver was called for. refused is how many of its
// records the receiver refused for good. It must not be called with several deliveries at once.
func (s *Spool) Delivered(f *File, refused uint64) { s.folder.delivered(f, refused) }

// LastError returns the receiver, and the error of the last delivery; nil if it succeeded.
func (s *Spool) LastError() (to string, why error) { return s.sender.lastError() }

// Close delivers the files in the folder until ctx ends, a failure needs a person, or nothing was delivered for Backoff.GiveUp. The
// remaining files stay in the folder for the next start; the error has their number and the reason. Nothing may be added after
// Close.
func (s *Spool) Close(ctx context.Context) error { return s.sender.close(ctx) }
