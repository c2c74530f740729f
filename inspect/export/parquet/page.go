package parquet

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// uniform builds the body of the one page of a column whose values are all the same, or all null.
func (w *chunkWriter) uniform(v *values) {
	level := byte(1)
	if v.only == null {
		level = 0
	}
	w.body = appendLevels(w.body[:0], appendRun(w.scratch[:0], v.rows, level))
	switch {
	case v.only == null:
	case v.typ == boolType:
		for range (v.rows + 7) / 8 {
			w.body = append(w.body, -byte(v.only-codeFalse)) // all of its bits
		}
	default:
		w.body = appendRun(append(w.body, 1), v.rows, 0) // indexes of one bit: some readers do not support zero bits
	}
}

// page builds the body of a page with the first codes, and returns how many these are.
func (w *chunkWriter) page(v *values, codes []uint32, encoding format.Encoding) int {
	codes = codes[:min(len(codes), pageRows)]
	w.scratch = w.scratch[:0]
	n := len(codes)
	switch {
	case v.typ == boolType:
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

// appendBits appends booleans, eight to a byte, the first one in the lowest bit.
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

// appendPlain appends plain values until a page is full, and returns how many codes it took.
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

// appendEntry appends an entry of the dictionary: a text has its length before it if it is one of several.
func (v *values) appendEntry(dst []byte, e uint32, several bool) []byte {
	switch v.typ {
	case int32Type:
		return binary.LittleEndian.AppendUint32(dst, uint32(v.dict.numbers.values[e]))
	case int64Type, doubleType:
		return binary.LittleEndian.AppendUint64(dst, uint64(v.dict.numbers.values[e]))
	case stringType, boolType:
	}
	text := v.dict.texts.entry(e)
	if several {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(text)))
	}
	return append(dst, text...)
}

// appendLevels appends definition levels in the format of version 1 pages.
func appendLevels(dst, levels []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(levels))), levels...)
}

// appendRun appends a run of n times a value of at most 8 bits.
func appendRun(dst []byte, n int, value byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(n)<<1), value)
}

// dictionary writes the page with the dictionary.
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

// writePage compresses the body and writes it after its header.
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
