package export

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	// pageRows and pageBytes bound a page, the least that a reader reads. The second is what Parquet recommends.
	pageRows, pageBytes = 16 << 10, 1 << 20
	// fileBuffer is how many bytes are gathered before they are written.
	fileBuffer = 256 << 10
)

// chunkWriter writes columns into a file, each as one chunk: a page of its dictionary, and pages of numbers of its entries; or
// pages of plain values, for columns whose values seldom repeat. The encodings are those that every reader knows.
//
// It is written by hand, since the library's column writers build a value of 24 bytes, a level and a row number for every
// null.
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

// newChunkWriter makes a writer. Its compression looks back no further than over a page, which bounds its memory.
func newChunkWriter() (*chunkWriter, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
		zstd.WithZeroFrames(true), zstd.WithWindowSize(pageBytes), zstd.WithLowerEncoderMem(true))
	return &chunkWriter{zstd: z, buf: bufio.NewWriterSize(nil, fileBuffer)}, err
}

// begin goes on at an offset of a file.
func (w *chunkWriter) begin(file io.Writer, offset int64) {
	w.buf.Reset(file)
	w.offset = offset
}

// chunk writes a column. codes are its codes in the order in which they are to stand, unless it is uniform.
func (w *chunkWriter) chunk(l *leaf, v *values, codes []uint32) (format.ColumnChunk, error) {
	c := format.ColumnChunk{MetaData: format.ColumnMetaData{
		Type:         l.kind.format(),
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

// encoding is by number if half of the values or more repeat others.
func (v *values) encoding() format.Encoding {
	entries := v.entries()
	if v.kind == parquetBool || entries == 0 || !v.uniform() && 2*entries > v.rows-v.nulls {
		return format.Plain
	}
	return format.RLEDictionary
}

// uniform makes the body of the one page of a column whose values are all the same, or all null.
func (w *chunkWriter) uniform(v *values) {
	level := byte(1)
	if v.only == null {
		level = 0
	}
	w.body = appendLevels(w.body[:0], appendRun(w.scratch[:0], v.rows, level))
	switch {
	case v.only == null:
	case v.kind == parquetBool:
		for range (v.rows + 7) / 8 {
			w.body = append(w.body, -byte(v.only-codeFalse)) // all bits of it
		}
	default:
		w.body = appendRun(append(w.body, 1), v.rows, 0) // numbers of one bit: some readers know none of no bits
	}
}

// page makes the body of a page of the first codes, and returns how many these are.
func (w *chunkWriter) page(v *values, codes []uint32, encoding format.Encoding) int {
	codes = codes[:min(len(codes), pageRows)]
	w.scratch = w.scratch[:0]
	n := len(codes)
	switch {
	case v.kind == parquetBool:
		w.scratch = appendBits(w.scratch, codes)
	case encoding == format.Plain:
		w.scratch, n = v.appendPlain(w.scratch, codes)
	default:
		w.indexes = appendIndexes(w.indexes[:0], codes)
		w.scratch, _ = indexEncoding.EncodeInt32(w.scratch, w.indexes)
	}
	if v.nulls == 0 {
		w.body = appendLevels(w.body[:0], appendRun(w.levels[:0], n, 1))
	} else {
		w.levels = appendKnown(w.levels[:0], codes[:n])
		w.packed, _ = levelEncoding.EncodeLevels(w.packed, w.levels)
		w.body = appendLevels(w.body[:0], w.packed)
	}
	w.body = append(w.body, w.scratch...)
	return n
}

func appendIndexes(dst []int32, codes []uint32) []int32 {
	for _, c := range codes {
		if c != null {
			dst = append(dst, int32(c-1))
		}
	}
	return dst
}

// appendKnown appends a 1 for each value that is not null.
func appendKnown(dst []byte, codes []uint32) []byte {
	for _, c := range codes {
		dst = append(dst, byte(min(c, 1)))
	}
	return dst
}

// appendBits appends truth values, eight to a byte, the first one lowest.
func appendBits(dst []byte, codes []uint32) []byte {
	n := 0
	for _, c := range codes {
		if c == null {
			continue
		}
		if n%8 == 0 {
			dst = append(dst, 0)
		}
		dst[len(dst)-1] |= byte(c-codeFalse) << (n % 8)
		n++
	}
	return dst
}

// appendPlain appends values as they are, until a page is full. It returns how many codes it took.
func (v *values) appendPlain(dst []byte, codes []uint32) ([]byte, int) {
	for i, c := range codes {
		if len(dst) >= pageBytes {
			return dst, i
		}
		if c != null {
			dst = v.appendEntry(dst, c-1, true)
		}
	}
	return dst, len(codes)
}

// appendEntry appends an entry of the dictionary, a text with its length before it if it is one of several.
func (v *values) appendEntry(dst []byte, e uint32, several bool) []byte {
	switch v.kind {
	case parquetInt32:
		return binary.LittleEndian.AppendUint32(dst, uint32(v.dict.numbers.values[e]))
	case parquetInt64, parquetDouble:
		return binary.LittleEndian.AppendUint64(dst, uint64(v.dict.numbers.values[e]))
	case parquetString, parquetBool:
	}
	text := v.dict.texts.entry(e)
	if several {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(text)))
	}
	return append(dst, text...)
}

// appendLevels appends definition levels as pages of version 1 have them.
func appendLevels(dst, levels []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(levels))), levels...)
}

// appendRun appends n times a value of at most 8 bits.
func appendRun(dst []byte, n int, value byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(n)<<1), value)
}

// dictionary writes the page of a dictionary.
func (w *chunkWriter) dictionary(m *format.ColumnMetaData, v *values) error {
	w.body = w.body[:0]
	for e := range uint32(v.entries()) {
		w.body = v.appendEntry(w.body, e, true)
	}
	return w.writePage(m, format.PageHeader{
		Type:                 format.DictionaryPage,
		DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: int32(v.entries()), Encoding: format.Plain}),
	})
}

func (w *chunkWriter) dataPage(m *format.ColumnMetaData, rows int, encoding format.Encoding) error {
	return w.writePage(m, format.PageHeader{
		Type: format.DataPage,
		DataPageHeader: thrift.New(format.DataPageHeader{
			NumValues:               int32(rows),
			Encoding:                encoding,
			DefinitionLevelEncoding: format.RLE,
			RepetitionLevelEncoding: format.RLE,
		}),
	})
}

// writePage compresses the body and writes it behind its header.
func (w *chunkWriter) writePage(m *format.ColumnMetaData, h format.PageHeader) error {
	w.packed = w.zstd.EncodeAll(w.body, w.packed[:0])
	h.UncompressedPageSize, h.CompressedPageSize = int32(len(w.body)), int32(len(w.packed))
	h.CRC = int32(crc32.ChecksumIEEE(w.packed))
	w.header.Reset()
	if err := thrift.NewEncoder(w.compact.NewWriter(&w.header)).Encode(&h); err != nil {
		return err
	}
	m.TotalUncompressedSize += int64(w.header.Len() + len(w.body))
	m.TotalCompressedSize += int64(w.header.Len() + len(w.packed))
	if err := w.write(w.header.Bytes()); err != nil {
		return err
	}
	return w.write(w.packed)
}

func (w *chunkWriter) write(p []byte) error {
	n, err := w.buf.Write(p)
	w.offset += int64(n)
	return err
}
