package export

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	// Files in progress are called so, in the folder that is written to: hidden, and not Parquet by their names.
	unfinishedPrefix, unfinishedSuffix = ".mirrorsink-", ".parquet.tmp"
	// parquetMagic is what a file begins and ends with.
	parquetMagic = "PAR1"
)

// parquetFile is a file in progress, under a temporary name. Until it is finished it has no footer: nobody can read it.
type parquetFile struct {
	layout *layout
	f      *os.File
	groups []format.RowGroup
	rows   int
	events kindCounts        // whose last row is among them
	size   int64             // of what is whole: the row groups so far
	sum    [sha256.Size]byte // of the row groups so far
}

func createParquet(dir string, l *layout) (*parquetFile, error) {
	f, err := os.CreateTemp(dir, unfinishedPrefix+"*"+unfinishedSuffix)
	if err != nil {
		return nil, err
	}
	p := &parquetFile{layout: l, f: f, size: int64(len(parquetMagic))}
	if _, err := f.WriteString(parquetMagic); err != nil {
		p.drop()
		return nil, err
	}
	return p, nil
}

// add writes a row group. After an error the file is as before, and can be finished.
func (p *parquetFile) add(w *chunkWriter, g *rowGroup) error {
	hash := sha256.New()
	hash.Write(p.sum[:])
	w.begin(io.MultiWriter(p.f, hash), p.size)
	group, err := g.write(w, p.layout)
	if err == nil {
		err = w.buf.Flush()
	}
	if err != nil {
		p.rewind()
		return err
	}
	group.Ordinal = int16(len(p.groups))
	p.groups = append(p.groups, group)
	p.rows += g.rows
	p.events.add(g.events)
	p.size = w.offset
	hash.Sum(p.sum[:0])
	return nil
}

// chunkMetadata is what the footer says of a column of a row group, in bytes, about.
const chunkMetadata = 128

// withFooter is about how large the file will be if another row group follows that makes the footer longer.
func (p *parquetFile) withFooter() int64 {
	return p.size + int64((len(p.groups)+2)*len(p.layout.columns)*chunkMetadata)
}

// described is about how many bytes of memory the description of the row groups takes until the footer is written.
func (p *parquetFile) described() int { return len(p.groups) * len(p.layout.columns) * groupColumnSize }

// groupColumnSize is what the library's description of a column of a row group takes in memory.
const groupColumnSize = 800

// rewind gives back the place of what was written behind the last whole row group. If that fails, finish fails too.
func (p *parquetFile) rewind() {
	p.f.Truncate(p.size)
	p.f.Seek(p.size, io.SeekStart)
}

// finish writes the footer, makes sure that all is on the disk, and gives the file its name, of which dir is the folder. It
// returns the file's size. After an error the file is to be dropped.
func (p *parquetFile) finish(dir, name string) (size int64, err error) {
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), p.metadata())
	if err != nil {
		return 0, err
	}
	footer = binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
	footer = append(footer, parquetMagic...)
	if _, err := p.f.Write(footer); err != nil {
		return 0, err
	}
	if err := p.f.Sync(); err != nil {
		return 0, err
	}
	if err := p.f.Chmod(0o640); err != nil {
		return 0, err
	}
	if err := p.f.Close(); err != nil {
		return 0, err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return 0, err
	}
	if err := os.Rename(p.f.Name(), filepath.Join(dir, name)); err != nil {
		return 0, err
	}
	syncDir(dir)
	return p.size + int64(len(footer)), nil
}

func (p *parquetFile) metadata() *format.FileMetaData {
	m := &format.FileMetaData{
		Version:   2,
		Schema:    p.layout.schema(),
		NumRows:   int64(p.rows),
		RowGroups: p.groups,
		CreatedBy: "mirrorsink",
	}
	for range p.layout.columns {
		m.ColumnOrders = append(m.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	return m
}

// drop gives the file up.
func (p *parquetFile) drop() {
	p.f.Close()
	os.Remove(p.f.Name())
}

// syncDir makes sure that a new name is on the disk, where the file system can tell.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}
