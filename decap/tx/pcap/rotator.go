package pcap

import (
	"fmt"
	"time"

	"github.com/mirrorsink/mirrorsink/decap/tx"
)

// A sink is where captures go: a folder or a stream.
type sink interface {
	// begin starts a file; nanos is the time of its first frame.
	begin(nanos int64) error
	// write writes the next bytes of the file and returns how many were written. After an error only finish may follow.
	write(p []byte) (int, error)
	// finish ends the file after its first n bytes, which hold complete frames. If n is 0 it removes the file.
	finish(n int64) error
	// String returns the name for messages.
	String() string
}

const (
	// writeSize is how many bytes are collected for one write.
	writeSize = 256 << 10
	// retryInterval is how long frames are dropped after a failure before the next attempt.
	retryInterval = time.Second
)

// A rotator writes frames into one file after another. Frames that cannot be written are counted, and once a second it tries again with
// a new file. It is for one goroutine.
type rotator struct {
	cfg      *Config
	to       sink
	counters *tx.Counters
	enc      encoder

	open    bool      // there is a current file
	first   int64     // the time of its first frame
	opened  time.Time // by the clock
	frames  int       // encoded into it
	written int64     // bytes of it that left enc, up to the end of a frame
	pending []pending // frames that wait in enc

	down    bool      // the last write failed, or no write has succeeded since
	retry   time.Time // when to try again
	dropped uint64    // frames dropped meanwhile that are not counted yet
}

// A pending frame is in the encoder's buffer.
type pending struct{ end, size int }

func newRotator(cfg *Config, to sink, c *tx.Counters) *rotator {
	return &rotator{cfg: cfg, to: to, counters: c, enc: encoder{cfg: cfg}}
}

// write takes the frames of a block.
func (r *rotator) write(b *block) {
	for i := range b.records {
		f := &b.records[i]
		if !r.add(f, b.bytes(f)) {
			r.dropped++
		}
	}
	r.commitDropped()
}

func (r *rotator) commitDropped() {
	if r.dropped > 0 {
		r.counters.Commit(&tx.Counts{Dropped: [tx.Losses]uint64{tx.Down: r.dropped}}, r.dropped)
		r.dropped = 0
	}
}

// add encodes a frame, in a new file if it does not belong into the current one. It reports false if there is no file.
func (r *rotator) add(f *record, frame []byte) bool {
	if r.open && (r.late(f) || r.enc.full(f.session)) {
		r.finish()
	}
	if !r.ready(f) {
		return false
	}
	start := r.enc.buf.Len()
	if !r.encode(f, frame) {
		return false
	}
	if r.cfg.Size > 0 && r.frames > 1 && r.written+int64(r.enc.buf.Len()) > r.cfg.Size {
		r.frames--
		r.pending = r.pending[:len(r.pending)-1]
		r.enc.buf.Truncate(start)
		r.finish()
		if !r.ready(f) || !r.encode(f, frame) {
			return false
		}
	}
	if r.enc.buf.Len() >= writeSize {
		r.flush()
	}
	return true
}

// late reports whether a frame belongs into a later file by its time.
func (r *rotator) late(f *record) bool {
	return r.cfg.Rotate > 0 && f.nanos-r.first >= int64(r.cfg.Rotate)
}

func (r *rotator) encode(f *record, frame []byte) bool {
	if err := r.enc.add(f, frame); err != nil {
		r.failed(0, err)
		return false
	}
	r.frames++
	r.pending = append(r.pending, pending{r.enc.buf.Len(), len(frame)})
	return true
}

// ready starts a file if there is none. It reports false if that fails, or failed less than retryInterval ago.
func (r *rotator) ready(f *record) bool {
	if r.open {
		return true
	}
	now := time.Now()
	if r.down && now.Before(r.retry) {
		return false
	}
	r.open, r.first, r.opened, r.frames, r.written = true, f.nanos, now, 0, 0
	err := r.to.begin(f.nanos)
	if err == nil {
		err = r.enc.begin(f.session)
	}
	if err != nil {
		r.failed(0, err)
	}
	return err == nil
}

// flush writes what was encoded.
func (r *rotator) flush() {
	if !r.open || r.enc.buf.Len() == 0 {
		return
	}
	n, err := r.to.write(r.enc.buf.Bytes())
	if err != nil {
		r.failed(n, err)
		return
	}
	r.sent(n)
	r.written += int64(n)
	r.enc.buf.Reset()
	if r.down && r.frames > 0 {
		r.down = false
		r.cfg.Log.Info("captures are written again", "to", r.to.String())
	}
}

// sent counts the frames that lie entirely in the first n bytes of the buffer, and returns where the last of them ends.
func (r *rotator) sent(n int) (end int) {
	var c tx.Counts
	for _, s := range r.pending {
		if s.end > n {
			break
		}
		c.Frames++
		c.Bytes += uint64(s.size)
		end = s.end
	}
	r.pending = r.pending[:copy(r.pending, r.pending[c.Frames:])]
	r.counters.Commit(&c, c.Frames)
	return end
}

// failed ends the file after a failure, with the frames that are complete. n bytes of the buffer were written. Since a file's header is
// written together with its first frame, there is nothing to keep before that.
func (r *rotator) failed(n int, err error) {
	complete := r.written + int64(r.sent(n))
	r.dropped += uint64(len(r.pending))
	r.drop()
	_ = r.to.finish(complete) // its failure has the same cause
	r.commitDropped()
	r.retry = time.Now().Add(retryInterval)
	if !r.down {
		r.down = true
		r.counters.Add(&tx.Counts{Outages: 1})
		r.cfg.Log.Error("captures cannot be written: frames for them are dropped until they can", "to", r.to.String(), "error", err)
	}
}

// drop abandons the current file.
func (r *rotator) drop() {
	r.open = false
	r.pending = r.pending[:0]
	r.enc.buf.Reset()
}

// finish finishes the file.
func (r *rotator) finish() {
	r.flush()
	if !r.open {
		return
	}
	written := r.written
	r.drop()
	if err := r.to.finish(written); err != nil {
		r.failed(0, err)
	}
}

// idle finishes a file whose time is over by the clock, so that its last frames do not wait for frames that do not arrive.
func (r *rotator) idle() {
	if r.open && !r.cfg.Wait && r.cfg.Rotate > 0 && time.Since(r.opened) >= r.cfg.Rotate {
		r.finish()
	}
}

// end finishes the last file. A stream that had no frames becomes an empty capture.
func (r *rotator) end() error {
	if s, ok := r.to.(*stream); ok && !s.begun {
		_ = r.enc.begin(session{}) // into memory
		if _, err := s.write(r.enc.buf.Bytes()); err != nil {
			return fmt.Errorf("pcap target: %w", err)
		}
		return nil
	}
	outages := r.counters.Counts().Outages
	r.finish()
	if r.counters.Counts().Outages > outages {
		return fmt.Errorf("pcap target %v: the last file could not be finished", r.to)
	}
	return nil
}
