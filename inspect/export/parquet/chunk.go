package parquet

import (
	"bufio"
	"bytes"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	// pageRows and pageBytes bound a page, the smallest unit that a reader reads. Parquet recommends pageBytes.
	pageRows, pageBytes = 16 << 10, 1 << 20
	// fileBuffer is how many bytes are gathered for a write.
	fileBuffer = 256 << 10
)

// chunkWriter writes columns into a file, each as one chunk: a page with the dictionary and pages with indexes into it, or pages of
// plain values for columns whose values seldom repeat. It uses only encodings that every reader supports.
//
// It does not use the library's column writers, which build a value of 24 bytes, a level and a row number for every null.
type chunkWriter struct {
	buf    *bufio.Writer
	offset int64 // in the file
	order  rowOrder

	indexes []int32
	levels  []byte
	body    []byte // of a page: levels, then values
	packed  []byte // the body, compressed
	scratch []byte
	header  bytes.Buffer
	zstd    *zstd.Encoder
	compact thrift.CompactProtocol
}

var (
	levelEncoding = rle.Encoding{BitWidth: 1}
	indexEncoding rle.DictionaryEncoding
)

// newChunkWriter makes a writer. The compression window is one page, which bounds its memory.
func newChunkWriter() (*chunkWriter, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
		zstd.WithZeroFrames(true), zstd.WithWindowSize(pageBytes), zstd.WithLowerEncoderMem(true))
	return &chunkWriter{zstd: z, buf: bufio.NewWriterSize(nil, fileBuffer)}, err
}

// begin continues at an offset of a file.
func (w *chunkWriter) begin(file io.Writer, offset int64) {
	w.buf.Reset(file)
	w.offset = offset
}

// chunk writes a column. codes are its codes in the order in which they are written; a uniform column has none.
func (w *chunkWriter) chunk(l *leaf, v *values, codes []uint32) (format.ColumnChunk, error) {
	c := format.ColumnChunk{MetaData: format.ColumnMetaData{
		Type:         l.typ.format(),
		PathInSchema: l.path,
		Codec:        format.Zstd,
		NumValues:    int64(v.rows),
		Statistics:   v.statistics(),
		Encoding:     []format.Encoding{format.Plain, format.RLE},
	}}
	m := &c.MetaData
	encoding := v.encoding()
	if encoding == format.RLEDictionary {
		m.Encoding = append(m.Encoding, encoding)
		m.DictionaryPageOffset = w.offset
		if err := w.dictionary(m, v); err != nil {
			return c, err
		}
	}
	m.DataPageOffset = w.offset
	if v.uniform() {
		w.uniform(v)
		return c, w.dataPage(m, v.rows, encoding)
	}
	for len(codes) > 0 {
		n := w.page(v, codes, encoding)
		if err := w.dataPage(m, n, encoding); err != nil {
			return c, err
		}
		codes = codes[n:]
	}
	return c, nil
}

// encoding returns the dictionary encoding if at least half of the values repeat others.
func (v *values) encoding() format.Encoding {
	entries := v.entries()
	if v.typ == boolType || entries == 0 || !v.uniform() && 2*entries > v.rows-v.nulls {
		return format.Plain
	}
	return format.RLEDictionary
}
