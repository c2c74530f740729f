package flowlog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// Reader reads flow log lines, ours and AWS's, plain or compressed with gzip.
type Reader struct {
	in     *bufio.Reader
	line   int
	fields []*Field // by column; nil for unknown names
	header []byte   // skipped on every line, since files may be concatenated
	first  []byte   // the first line, if it is not a header
	intern intern
}

// A LineError is the error of one line. The lines after it can be read.
type LineError struct {
	Line int // from 1
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns the error of the line.
func (e *LineError) Unwrap() error { return e.Err }

// bufferSize bounds a line. A name has at most 255 bytes, each encoded as up to three.
const bufferSize = 64 << 10

// NewReader makes a reader. The format determines the fields of a line; without one the first line does. A file without a header is
// read in the default format if its first line has as many fields. Unknown fields of a header are skipped.
func NewReader(r io.Reader, format *Format) (*Reader, error) {
	in := bufio.NewReaderSize(r, bufferSize)
	if magic, _ := in.Peek(2); string(magic) == "\x1f\x8b" {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		in = bufio.NewReaderSize(z, bufferSize)
	}
	rd := &Reader{in: in}
	if format != nil {
		rd.fields = format.fields
		rd.header = bytes.TrimSuffix(format.AppendHeader(nil), []byte("\n"))
		return rd, nil
	}
	return rd, rd.open()
}

// open reads the first line.
func (r *Reader) open() error {
	line, err := r.next()
	if errors.Is(err, io.EOF) {
		return nil // an empty file
	}
	if err != nil {
		return err
	}
	var names []*Field
	known := 0
	for name := range bytes.FieldsSeq(line) {
		f := Lookup(string(name))
		if f != nil {
			known++
		}
		names = append(names, f)
	}
	switch {
	case known > 0:
		r.fields, r.header = names, bytes.Clone(line)
	case len(names) == len(Default.fields):
		r.fields, r.first = Default.fields, bytes.Clone(line)
	default:
		return &LineError{r.line, errors.New("no header line, and not the default format: name the format")}
	}
	return nil
}

// Has reports whether lines have a field.
func (r *Reader) Has(name string) bool {
	return slices.ContainsFunc(r.fields, func(f *Field) bool { return f != nil && f.Name == name })
}

// Read reads the next record. Fields that the file does not have are zero or not known. The error is io.EOF at the end and a
// *LineError for a corrupt line, after which the next line can be read. Other errors are those of the file.
func (r *Reader) Read(rec *Record) error {
	line := r.first
	r.first = nil
	for len(line) == 0 {
		var err error
		if line, err = r.next(); err != nil {
			return err
		}
		if r.header != nil && bytes.Equal(line, r.header) {
			line = nil
		}
	}
	*rec = Record{Completeness: math.NaN()}
	if err := r.parse(rec, line); err != nil {
		return &LineError{r.line, err}
	}
	if !rec.SrcAddr.IsValid() && !rec.DstAddr.IsValid() {
		rec.SrcAddr, rec.DstAddr = rec.PktSrcAddr, rec.PktDstAddr // a format that has only these
	}
	return nil
}

// next returns the next line that is not empty, without its end. It is valid until the next call.
func (r *Reader) next() ([]byte, error) {
	for {
		line, err := r.in.ReadSlice('\n')
		if len(line) == 0 && err != nil {
			return nil, err
		}
		r.line++
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, r.skip()
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 {
			return line, nil
		}
	}
}

// skip skips the rest of a line that is too long.
func (r *Reader) skip() error {
	for {
		if _, err := r.in.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return &LineError{r.line, fmt.Errorf("longer than %d bytes", bufferSize)}
		}
	}
}

func (r *Reader) parse(rec *Record, line []byte) error {
	for i, f := range r.fields {
		token, rest, more := bytes.Cut(line, []byte(" "))
		if last := i == len(r.fields)-1; more == last || len(token) == 0 {
			return fmt.Errorf("%d fields, want %d with a space between", tokens(line)+i, len(r.fields))
		}
		line = rest
		if f == nil || f.cell == nil || len(token) == 1 && token[0] == '-' {
			continue
		}
		if err := f.cell.parse(rec, token, &r.intern); err != nil {
			return fmt.Errorf("%s %.40q: %w", f.Name, token, err)
		}
	}
	return nil
}

func tokens(line []byte) int { return len(bytes.Fields(line)) }
