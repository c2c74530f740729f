// Package capture reads the frames of capture files: pcap and pcapng, plain or compressed with gzip, from a file or a pipe. A
// Reader returns them as decap.Batch and keeps the contract of the sources of package rx. The package does not decode frames.
package capture

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/mirrorsink/mirrorsink/decap"
)

// A format splits the bytes of a capture into records. It is made from the capture's first bytes and keeps what later
// records refer to.
type format interface {
	// records decodes whole records from the front of b into out until that is full, and returns how many bytes it used.
	// If out is not full then, need is how many bytes the record at b[used:] has at least, more than there are. An error
	// is why that record is invalid. Datagrams alias b.
	records(b []byte, out *decap.Batch, times *timeline) (used, need int, err error)
}

// A Reader reads the frames of a pcap or pcapng file, plain or compressed with gzip. It keeps the package's contract
// for sources; its Offset and Size are safe for concurrent use too.
type Reader struct {
	name       string
	size       int64
	compressed bool
	mapping    []byte // of a plain regular file; released by the Read that fails, since datagrams alias it until then
	in         window
	format     format
	times      timeline
	kept       bool  // the mapping stays until Release
	err        error // what Read returns from now on

	file   *os.File // nil if mapped, or not ours
	closed atomic.Bool
	offset atomic.Int64
}

// Open opens a capture file; the name "-" stands for standard input. A plain regular file is mapped into memory
// where the system can do so: it must not be shortened while it is read, and what is appended meanwhile is not seen.
func Open(name string) (*Reader, error) {
	if name == "-" {
		return openStream(standardInput(), "standard input")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	mapping := mapFile(f)
	if mapping == nil || hasGzipMagic(mapping) {
		unmapFile(mapping)
		return openStream(f, name)
	}
	f.Close()
	c := &Reader{name: name, size: int64(len(mapping)), mapping: mapping, in: window{buf: mapping}}
	if err := c.detect(); err != nil {
		unmapFile(mapping)
		return nil, err
	}
	return c, nil
}

// openStream reads a capture from f, which it owns from here on.
func openStream(f *os.File, name string) (*Reader, error) {
	c, err := NewReader(f, name)
	if err != nil {
		f.Close()
		return nil, err
	}
	if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
		c.size = st.Size()
	}
	c.file = f
	return c, nil
}

// NewReader reads a capture from a stream, which stays the caller's to close; name stands in errors. A Read waits only
// for its first datagram, so that a capture that is still being made is passed on as it comes.
func NewReader(r io.Reader, name string) (*Reader, error) {
	c := &Reader{name: name}
	br := bufio.NewReaderSize(&countingReader{r: r, n: &c.offset}, readLen)
	c.in.src = br
	if magic, _ := br.Peek(len(gzipMagic)); hasGzipMagic(magic) {
		c.compressed = true
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, c.readError(err)
		}
		c.in.src = z
	}
	if err := c.detect(); err != nil {
		return nil, err
	}
	return c, nil
}

// detect finds out the format and uses up the file header.
func (c *Reader) detect() error {
	err := c.in.fill(magicLen)
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%s: empty file", c.name)
	case errors.Is(err, io.ErrUnexpectedEOF) && len(c.in.unread()) > 0:
		return fmt.Errorf("%s: %w", c.name, errNotCapture)
	case err != nil:
		return c.readError(err)
	}
	magic := c.in.unread()[:magicLen]
	if isPcapng(magic) {
		c.format = &pcapng{}
		return nil
	}
	p, ok := pcapOf(magic)
	if !ok {
		return fmt.Errorf("%s: %w", c.name, errNotCapture)
	}
	if err := c.fill(pcapHeaderLen); err != nil {
		return err
	}
	linkType := uint16(p.order.u32(c.in.unread()[pcapLinkOffset:]))
	if p.link = linkOf(linkType); p.link == decap.LinkUnsupported {
		return &LinkTypeError{Name: c.name, LinkType: linkType}
	}
	c.in.advance(pcapHeaderLen)
	c.format = p
	return nil
}

// Read fills b with the next frames, at least one; of a mapped file with as many as it takes. After the last it returns
// io.EOF, or a *CorruptError if the file is truncated or damaged from there on. It returns a *LinkTypeError instead of io.EOF if none of
// the frames was of a link type that is supported.
func (c *Reader) Read(b *decap.Batch) error {
	b.N = 0
	if c.closed.Load() {
		c.err = os.ErrClosed
	}
	for c.err == nil {
		used, need, err := c.format.records(c.in.unread(), b, &c.times)
		c.in.advance(used)
		c.publish()
		if err != nil {
			c.err = c.corrupt(err)
		}
		if b.N == len(b.D) || b.N > 0 && c.in.src != nil {
			return nil
		}
		if c.err == nil {
			c.err = c.fill(need)
		}
	}
	if b.N > 0 {
		return nil // what ends the capture is for the next Read
	}
	c.release()
	if ng, ok := c.format.(*pcapng); ok && errors.Is(c.err, io.EOF) && ng.onlyUnsupported() {
		c.err = &LinkTypeError{Name: c.name, LinkType: ng.unsupported}
	}
	return c.err
}

// publish makes known the offset of a mapped file; that of a stream is counted where it is read.
func (c *Reader) publish() {
	if c.in.src == nil {
		c.offset.Store(c.in.offset())
	}
}

// fill waits until need bytes of the next record are there. It must only be called when no datagram is handed out, unless the
// capture is mapped: then they stay where they are.
func (c *Reader) fill(need int) error {
	err := c.in.fill(need)
	if err == nil {
		return nil
	}
	if errors.Is(err, io.ErrUnexpectedEOF) && len(c.in.unread()) > 0 {
		if c.times.end() {
			return nil // a frame waited for what might follow it
		}
		return c.corrupt(fmt.Errorf("truncated: %d of at least %d bytes of a record are there", len(c.in.unread()), need))
	}
	return c.readError(err)
}

// Size returns the file's size in bytes, 0 if it is not known.
func (c *Reader) Size() int64 { return c.size }

// Offset returns how many bytes of the file were read, compressed ones if it is compressed. It never exceeds Size unless
// the file grows, and may run ahead of the frames that Read gave.
func (c *Reader) Offset() int64 { return c.offset.Load() }

// Close makes Read return os.ErrClosed.
func (c *Reader) Close() error {
	if c.closed.Swap(true) || c.file == nil {
		return nil
	}
	return c.file.Close()
}

// Keep makes datagrams stay valid until Release, and reports whether it can: those of a mapped file. It is called before the
// first Read.
func (c *Reader) Keep() bool {
	c.kept = c.mapping != nil
	return c.kept
}

// Release ends what Keep started, once the datagrams are no longer used.
func (c *Reader) Release() {
	c.kept = false
	c.release()
}

// release gives the memory back, unless it is kept.
func (c *Reader) release() {
	if c.kept {
		return
	}
	unmapFile(c.mapping)
	c.mapping = nil
	c.in.drop()
}

// readLen is how much of a stream is asked for at once: what a pipe holds.
const readLen = 64 << 10

// gzipMagic starts every gzip member (RFC 1952 section 2.3.1).
var gzipMagic = [2]byte{0x1f, 0x8b}

func hasGzipMagic(b []byte) bool { return len(b) >= 2 && [2]byte(b) == gzipMagic }

// A countingReader counts what was read, for others to look at meanwhile.
type countingReader struct {
	r io.Reader
	n *atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
