package rx

import (
	"errors"
	"io"
)

// windowLen is the size of a stream's buffer at first: some batches of full-sized frames, and no more than a second-level
// cache holds.
const windowLen = 256 << 10

// A window is the part of a capture that is in memory: the whole of a mapped file, or a buffer that moves over a stream.
type window struct {
	src  io.Reader // nil if buf is all there is
	buf  []byte
	r, w int   // buf[r:w] is not yet used
	base int64 // where buf starts in the capture
}

// unread returns what is in memory and not yet used, with its capacity capped. It is valid until the next fill.
func (w *window) unread() []byte { return w.buf[w.r:w.w:w.w] }

// offset returns where in the capture the first unread byte is.
func (w *window) offset() int64 { return w.base + int64(w.r) }

// advance uses up n bytes. They stay where they are until the next fill.
func (w *window) advance(n int) { w.r += n }

// fill reads until n bytes are unread. It returns io.EOF when the capture ends and none are, io.ErrUnexpectedEOF when it
// ends and too few are. The buffer grows only as far as data has come to fill it, whatever n is.
func (w *window) fill(n int) error {
	if w.src == nil {
		return w.ended(n)
	}
	w.base += int64(w.r)
	w.w = copy(w.buf, w.buf[w.r:w.w])
	w.r = 0
	for w.w < n {
		if w.w == len(w.buf) {
			w.buf = append(w.buf, make([]byte, max(windowLen, len(w.buf)))...)
		}
		got, err := io.ReadAtLeast(w.src, w.buf[w.w:], min(n, len(w.buf))-w.w)
		w.w += got
		if errors.Is(err, io.EOF) {
			return w.ended(n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ended returns what fill says at the end of the capture.
func (w *window) ended(n int) error {
	switch have := w.w - w.r; {
	case have >= n:
		return nil
	case have == 0:
		return io.EOF
	}
	return io.ErrUnexpectedEOF
}

// drop forgets everything in memory.
func (w *window) drop() {
	w.base += int64(w.r)
	w.buf, w.r, w.w = nil, 0, 0
}
