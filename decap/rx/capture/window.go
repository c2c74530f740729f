package capture

import (
	"errors"
	"io"
)

// windowLen is how much of a capture is brought close at a time: some batches of full-sized frames, and a part of a
// second-level cache. A stream's buffer starts with it.
const windowLen = 256 << 10

// cacheLine is the distance of two bytes that are fetched apart. Where lines are longer, some are touched twice.
const cacheLine = 64

// A window is the part of a capture that is in the cache: a part of a mapped file, or a buffer that moves over a stream.
type window struct {
	src     io.Reader // nil if the whole capture is in buf
	buf     []byte
	r, w    int   // buf[r:w] is within the window and not yet used
	base    int64 // where buf starts in the capture
	touched byte  // what reveal read, so that it does read
}

// unread returns what is within the window and not yet used, with its capacity capped. It is valid until the next fill.
func (w *window) unread() []byte { return w.buf[w.r:w.w:w.w] }

// offset returns where in the capture the first unread byte is.
func (w *window) offset() int64 { return w.base + int64(w.r) }

// advance uses up n bytes. They stay where they are until the next fill.
func (w *window) advance(n int) { w.r += n }

// fill reads until n bytes are unread. It returns io.EOF when the capture ends and none are, io.ErrUnexpectedEOF when it
// ends and too few are. The buffer grows only as far as data has come to fill it, whatever n is.
func (w *window) fill(n int) error {
	if w.src == nil {
		w.reveal(n)
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

// reveal advances the window over a mapped file, by at least n bytes, and touches every cache line on the way. The end of a frame is in
// its header, so reading frames waits for memory once per frame; these reads do not wait for one another. On a mapped file of 330 MB
// (550 bytes per frame) it takes 32 ns per frame, against 121 without, and 55 when the file is read into a buffer of the same size.
func (w *window) reveal(n int) {
	end := min(max(w.r+n, w.w+windowLen), len(w.buf))
	sum := w.touched
	for i := w.w; i < end; i += cacheLine {
		sum += w.buf[i]
	}
	w.touched, w.w = sum, end
}

// ended returns the error of fill at the end of the capture.
func (w *window) ended(n int) error {
	switch have := w.w - w.r; {
	case have >= n:
		return nil
	case have == 0:
		return io.EOF
	}
	return io.ErrUnexpectedEOF
}

// drop releases what the window is over.
func (w *window) drop() {
	w.base += int64(w.r)
	w.buf, w.r, w.w = nil, 0, 0
}
