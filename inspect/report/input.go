package report

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// A reader reads the records of one file.
type reader interface {
	// read overwrites r. The error is io.EOF at the end, and a *flowlog.LineError for a line that is none, after which it
	// can go on.
	read(r *row) error
	close() error
}

// input is one file.
type input struct {
	name   string // - is standard input
	size   int64  // 0 if it is not known
	listed bool   // was found in a folder, where other files may be too
}

// errForeign is the error of a file that has no records: in a folder it is passed over.
var errForeign = errors.New("neither Parquet of flow logs, nor flow log lines, nor EVE")

// list finds the files: those that are named, and those in folders that are, with their folders', in the order of their names.
// Names that begin with . or _ and those that end with .tmp are of files that are not complete or not data.
func list(names []string) (inputs []input, failures []error) {
	for _, name := range names {
		if name == "-" {
			inputs = append(inputs, input{name: name})
			continue
		}
		info, err := os.Stat(name)
		switch {
		case err != nil:
			failures = append(failures, err)
		case !info.IsDir():
			inputs = append(inputs, input{name: name, size: info.Size()})
		default:
			failures = append(failures, walk(name, &inputs)...)
		}
	}
	return inputs, failures
}

func walk(root string, inputs *[]input) (failures []error) {
	_ = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		base := filepath.Base(name)
		hidden := name != root && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || strings.HasSuffix(base, ".tmp"))
		switch {
		case err != nil:
			failures = append(failures, err)
		case hidden && d.IsDir():
			return fs.SkipDir
		case !hidden && d.Type().IsRegular():
			info, err := d.Info()
			if err != nil {
				failures = append(failures, err)
				return nil
			}
			*inputs = append(*inputs, input{name: name, size: info.Size(), listed: true})
		}
		return nil
	})
	return failures
}

// opener opens inputs.
type opener struct {
	stdin  io.Reader
	format *flowlog.Format // of lines without a header; nil is AWS's default
	needs  []string        // the fields that are read
	done   *atomic.Int64   // bytes of files that were read
}

// open finds out by its content what a file is.
func (o *opener) open(in input) (reader, error) {
	if in.name == "-" {
		return o.lines(io.NopCloser(o.stdin))
	}
	f, err := os.Open(in.name)
	if err != nil {
		return nil, err
	}
	var magic [4]byte
	if _, err := f.ReadAt(magic[:], 0); err == nil && string(magic[:]) == "PAR1" {
		return closeUnless(openParquet(f, in.size, o.needs, o.done))(f)
	}
	return closeUnless(o.lines(f))(f)
}

// closeUnless closes a file that could not be opened as what it seemed to be.
func closeUnless(r reader, err error) func(io.Closer) (reader, error) {
	return func(f io.Closer) (reader, error) {
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return r, nil
	}
}

// lineBuffer bounds a line: EVE's are long.
const lineBuffer = 1 << 20

// lines opens a file of lines, compressed or not.
func (o *opener) lines(f io.ReadCloser) (reader, error) {
	in := bufio.NewReaderSize(&metered{f, o.done}, 256<<10)
	if magic, _ := in.Peek(2); string(magic) == "\x1f\x8b" {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		in = bufio.NewReaderSize(z, lineBuffer)
	} else {
		in = bufio.NewReaderSize(in, lineBuffer)
	}
	start, err := in.Peek(512)
	if len(start) == 0 && err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch trimmed := bytes.TrimLeft(start, " \t\r\n"); {
	case string(start[:min(len(start), 4)]) == "PAR1":
		return nil, errors.New("standard input cannot be Parquet: name the file")
	case len(trimmed) > 0 && trimmed[0] == '{':
		return &eveReader{in: in, file: f}, nil
	case bytes.IndexByte(start, 0) >= 0:
		return nil, errForeign
	}
	format := o.format
	if first, _, _ := bytes.Cut(bytes.TrimLeft(start, "\r\n"), []byte(" ")); flowlog.Lookup(string(bytes.TrimSpace(first))) != nil {
		format = nil // there is a header line
	}
	r, err := flowlog.NewReader(in, format)
	if err != nil {
		return nil, err
	}
	return &textReader{r, f}, nil
}

// textReader reads flow log lines.
type textReader struct {
	lines *flowlog.Reader
	file  io.Closer
}

func (t *textReader) read(r *row) error {
	return t.lines.Read(&r.Record)
}

func (t *textReader) close() error { return t.file.Close() }

// metered counts what is read of a file.
type metered struct {
	r io.Reader
	n *atomic.Int64
}

func (c *metered) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	return n, err
}
