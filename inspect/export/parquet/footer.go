package parquet

import (
	"encoding/binary"
	"io"
	"os"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// footerEnd is the size of the end of a file: the length of the footer, and the magic number.
const footerEnd = 4 + len(magic)

// Rows returns the number of rows in a finished file, as given in its footer; 0 if it cannot be read.
func Rows(path string) int {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || size < int64(footerEnd) {
		return 0
	}
	var end [footerEnd]byte
	if _, err := f.ReadAt(end[:], size-int64(footerEnd)); err != nil || string(end[4:]) != magic {
		return 0
	}
	length := int64(binary.LittleEndian.Uint32(end[:]))
	if length > size-int64(footerEnd) {
		return 0
	}
	footer := make([]byte, length)
	if _, err := f.ReadAt(footer, size-int64(footerEnd)-length); err != nil {
		return 0
	}
	var meta format.FileMetaData
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), footer, &meta); err != nil {
		return 0
	}
	return int(meta.NumRows)
}
