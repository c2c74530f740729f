package export

import "github.com/mirrorsink/mirrorsink/inspect/event"

// A Consumer writes the events of a queue. All methods but Close are called by the queue's one goroutine.
type Consumer interface {
	// Consume takes a batch, which it does not keep. It commits each event of the queue's kinds, now or later. lost is how many such
	// events the queue dropped since the last call.
	Consume(b *event.Batch, lost uint64)
	// Flush writes what was gathered, as far as the reason calls for it.
	Flush(reason FlushReason)
	// Close closes the consumer's files and connections. It may be called while another method is running, and ends that where the
	// system allows it.
	Close() error
}

// Commit reports the outcome of events that a consumer took, and the first error among them. A consumer commits each event once,
// from the queue's goroutine, at the latest during Flush(Finish).
type Commit func(written, dropped *[event.Kinds]uint64, err error)

// FlushReason is a reason to write what was gathered.
type FlushReason uint8

// Reasons to flush.
const (
	Idle   FlushReason = iota // nothing is queued at the moment
	Rotate                    // go on in a new file, after the old one was moved away
	Finish                    // no more events will come
)
