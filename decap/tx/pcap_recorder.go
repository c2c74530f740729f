package tx

import (
	"fmt"
	"time"
)

// An outlet is where captures go: a folder or a stream.
type outlet interface {
	// begin begins a file; nanos is the time of its first frame.
	begin(nanos int64) error
	// write writes the next bytes of the file and returns how many were written. After an error only finish may follow.
	write(p []byte) (int, error)
	// finish ends the file after its first n bytes, which hold frames; if n is 0 there is to be none.
	finish(n int64) error
	// String is how the outlet is called.
	String() string
}

const (
	// spoolSize is how many bytes are gathered for one write.
	spoolSize = 256 << 10
	// retryEvery is how long frames are dropped after a failure before it is tried again.
	retryEvery = time.Second
)

// A recorder writes frames into one file after another. What could not be written is counted, and tried again with a new file once a
// second. It is for one goroutine.
type recorder struct {
	cfg   *PcapConfig
	to    outlet
	tally *tally
	enc   encoder

	open    bool      // a file is
	first   int64     // the time of its first frame
	opened  time.Time // by the clock
	frames  int       // encoded into it
	written int64     // bytes of it that left enc, up to the end of a frame
	spooled []spooled // frames that wait in enc

	down  bool      // the last write failed, or the first one after a failure has not succeeded yet
	retry time.Time // when to try again
	dead  uint64    // frames that were dropped meanwhile, and not settled
}

// spooled is a frame in an encoder's buffer.
type spooled struct{ end, size int }

func newRecorder(cfg *PcapConfig, to outlet, t *tally) *recorder {
	return &recorder{cfg: cfg, to: to, tally: t, enc: encoder{cfg: cfg}}
}

// write takes the frames of a block.
func (r *recorder) write(b *block) {
	for i := range b.records {
		f := &b.records[i]
		if !r.add(f, b.bytes(f)) {
			r.dead++
		}
	}
	r.settleDead()
}

func (r *recorder) settleDead() {
	if r.dead > 0 {
		r.tally.settled(&Counts{Dropped: [Losses]uint64{Down: r.dead}}, r.dead)
		r.dead = 0
	}
}

// add encodes a frame, in a new file if it does not belong into the old one. It reports false if there is none.
func (r *recorder) add(f *record, frame []byte) bool {
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
		r.spooled = r.spooled[:len(r.spooled)-1]
		r.enc.buf.Truncate(start)
		r.finish()
		if !r.ready(f) || !r.encode(f, frame) {
			return false
		}
	}
	if r.enc.buf.Len() >= spoolSize {
		r.flush()
	}
	return true
}

// late says whether a frame belongs into a later file by its time.
func (r *recorder) late(f *record) bool {
	return r.cfg.Rotate > 0 && f.nanos-r.first >= int64(r.cfg.Rotate)
}

func (r *recorder) encode(f *record, frame []byte) bool {
	if err := r.enc.add(f, frame); err != nil {
		r.failed(0, err)
		return false
	}
	r.frames++
	r.spooled = append(r.spooled, spooled{r.enc.buf.Len(), len(frame)})
	return true
}

// ready begins a file if there is none. It reports false if that fails, or failed less than a moment ago.
func (r *recorder) ready(f *record) bool {
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
func (r *recorder) flush() {
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

// sent counts the frames that lie wholly in the first n bytes of the buffer, and returns where the last of them ends.
func (r *recorder) sent(n int) (end int) {
	var c Counts
	for _, s := range r.spooled {
		if s.end > n {
			break
		}
		c.Frames++
		c.Bytes += uint64(s.size)
		end = s.end
	}
	r.spooled = r.spooled[:copy(r.spooled, r.spooled[c.Frames:])]
	r.tally.settled(&c, c.Frames)
	return end
}

// failed ends the file after a failure, with what is whole of it: n bytes of the buffer were written. As a file's header is written
// together with its first frame, there is nothing to keep before that.
func (r *recorder) failed(n int, err error) {
	whole := r.written + int64(r.sent(n))
	r.dead += uint64(len(r.spooled))
	r.drop()
	_ = r.to.finish(whole) // its failure has the same cause
	r.settleDead()
	r.retry = time.Now().Add(retryEvery)
	if !r.down {
		r.down = true
		r.tally.add(&Counts{Outages: 1})
		r.cfg.Log.Error("captures cannot be written: frames for them are dropped until they can", "to", r.to.String(), "error", err)
	}
}

// drop forgets the file.
func (r *recorder) drop() {
	r.open = false
	r.spooled = r.spooled[:0]
	r.enc.buf.Reset()
}

// finish finishes the file.
func (r *recorder) finish() {
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

// idle finishes a file whose time is over by the clock, so that its last frames do not wait for others that do not come.
func (r *recorder) idle() {
	if r.open && !r.cfg.Wait && r.cfg.Rotate > 0 && time.Since(r.opened) >= r.cfg.Rotate {
		r.finish()
	}
}

// end finishes the last file. A stream that had no frames becomes an empty capture.
func (r *recorder) end() error {
	if s, ok := r.to.(*stream); ok && !s.begun {
		_ = r.enc.begin(session{}) // into memory
		if _, err := s.write(r.enc.buf.Bytes()); err != nil {
			return fmt.Errorf("pcap target: %w", err)
		}
		return nil
	}
	outages := r.tally.counts().Outages
	r.finish()
	if r.tally.counts().Outages > outages {
		return fmt.Errorf("pcap target %v: the last file could not be finished", r.to)
	}
	return nil
}
