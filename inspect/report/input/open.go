package input

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// A Reader reads the records of one file.
type Reader interface {
	// Read overwrites r. It returns io.EOF at the end, and a *flowlog.LineError for a malformed line, after which the caller
	// may go on reading.
	Read(r *flowlog.Record) error
	// Has reports whether the records can have a field.
	Has(field string) bool
	Close() error
}

// ErrNoRecords is returned by Open for a file of none of the known formats.
var ErrNoRecords = errors.New("neither Parquet of flow logs, nor flow log lines, nor EVE")

// Opener opens files.
type Opener struct {
	Stdin     io.Reader
	Format    *flowlog.Format // of lines without a header; nil is AWS's default
	Fields    []string        // the columns of Parquet to read; other formats are read whole
	BytesRead *atomic.Int64   // counts the bytes of files read, for progress
}

// Open detects a file's format from its content.
func (o *Opener) Open(file File) (Reader, error) {
	if file.Name == "-" {
		return o.openLines(io.NopCloser(o.Stdin))
	}
	f, err := os.Open(file.Name)
	if err != nil {
		return nil, err
	}
	r, err := o.openFile(f, file.Size)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

// openFile detects the format of a file. The reader closes it.
func (o *Opener) openFile(f *os.File, size int64) (Reader, error) {
	var magic [4]byte
	if _, err := f.ReadAt(magic[:], 0); err == nil && string(magic[:]) == "PAR1" {
		return openParquet(f, size, o.Fields, o.BytesRead)
	}
	return o.openLines(f)
}

// maxLine bounds a line. EVE lines are long.
const maxLine = 1 << 20

// openLines opens a file of lines, compressed with gzip or not.
func (o *Opener) openLines(f io.ReadCloser) (Reader, error) {
	in := bufio.NewReaderSize(&countingReader{f, o.BytesRead}, 256<<10)
	if magic, _ := in.Peek(2); string(magic) == "\x1f\x8b" {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		in = bufio.NewReaderSize(z, maxLine)
	} else {
		in = bufio.NewReaderSize(in, maxLine)
	}
	in, err := unwrapped(in)
	if err != nil {
		return nil, err
	}
	start, err := peek(in)
	if err != nil {
		return nil, err
	}
	switch trimmed := bytes.TrimLeft(start, " \t\r\n"); {
	case string(start[:min(len(start), 4)]) == "PAR1":
		return nil, errors.New("standard input cannot be Parquet: name the file")
	case len(trimmed) > 0 && trimmed[0] == '{':
		if first, _, _ := bytes.Cut(trimmed, []byte("\n")); !bytes.Contains(first, []byte(`"event_type"`)) && len(first) < maxPeek/2 {
			return nil, ErrNoRecords // lines of JSON, but no EVE
		}
		return &eveReader{in: in, file: f}, nil
	case bytes.IndexByte(start, 0) >= 0:
		return nil, ErrNoRecords
	}
	format := o.Format
	if hasHeader(start) {
		format = nil // the header line names the fields
	}
	r, err := flowlog.NewReader(in, format)
	if err != nil {
		return nil, err
	}
	return inferStatus(&lineReader{r, f}), nil
}

// maxPeek is how much of a file's beginning tells its format.
const maxPeek = 64 << 10

// peek returns the beginning of a file, empty at its end.
func peek(in *bufio.Reader) ([]byte, error) {
	start, err := in.Peek(maxPeek)
	if len(start) == 0 && err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return start, nil
}

// hasHeader reports whether the first word of a file is the name of a field.
func hasHeader(start []byte) bool {
	first, _, _ := bytes.Cut(bytes.TrimLeft(start, "\r\n"), []byte(" "))
	return flowlog.Lookup(string(bytes.TrimSpace(first))) != nil
}

// lineReader reads flow log lines.
type lineReader struct {
	lines *flowlog.Reader
	file  io.Closer
}

func (l *lineReader) Read(r *flowlog.Record) error { return l.lines.Read(r) }

func (l *lineReader) Has(field string) bool { return l.lines.Has(field) }

func (l *lineReader) Close() error { return l.file.Close() }

// countingReader counts the bytes read.
type countingReader struct {
	r io.Reader
	n *atomic.Int64
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	return n, err
}
