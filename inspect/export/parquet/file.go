package parquet

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	// Unfinished files are in the output folder. Their names are hidden and do not end in .parquet.
	unfinishedPrefix, unfinishedSuffix = ".mirrorsink-", ".parquet.tmp"
	// magic is at the beginning and the end of each file.
	magic = "PAR1"
)

// file is an unfinished file under a temporary name. It has no footer yet, so that no reader takes it for a whole one.
type file struct {
	layout *layout
	f      *os.File
	groups []format.RowGroup
	rows   int
	events kindCounts        // those whose last row is in the file
	size   int64             // with the row groups so far
	sum    [sha256.Size]byte // of the row groups so far
}

func createFile(dir string, l *layout) (*file, error) {
	f, err := os.CreateTemp(dir, unfinishedPrefix+"*"+unfinishedSuffix)
	if err != nil {
		return nil, err
	}
	p := &file{layout: l, f: f, size: int64(len(magic))}
	if _, err := f.WriteString(magic); err != nil {
		p.drop()
		return nil, err
	}
	return p, nil
}

// add writes a row group. After an error the file is as before and can be finished.
func (p *file) add(w *chunkWriter, g *rowGroup) error {
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

// chunkMetadata is the approximate size in the footer of one column of a row group.
const chunkMetadata = 128

// withFooter estimates the size of the file with a footer that describes one more row group.
func (p *file) withFooter() int64 {
	return p.size + int64((len(p.groups)+2)*len(p.layout.columns)*chunkMetadata)
}

// described estimates the memory that describes the row groups until the footer is written.
func (p *file) described() int { return len(p.groups) * len(p.layout.columns) * groupColumnSize }

// groupColumnSize is the memory of the library's description of one column of a row group.
const groupColumnSize = 800

// rewind removes what was written after the last whole row group. If that fails, finish fails too.
func (p *file) rewind() {
	p.f.Truncate(p.size)
	p.f.Seek(p.size, io.SeekStart)
}

// finish writes the footer, syncs the file to disk, and renames it to name in dir. It returns the file's size. After an error the
// caller must drop the file.
func (p *file) finish(dir, name string) (size int64, err error) {
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), p.metadata())
	if err != nil {
		return 0, err
	}
	footer = binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
	footer = append(footer, magic...)
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

// createdBy returns the program in the form that readers parse to know which writers' statistics they can trust:
// https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift, FileMetaData.created_by.
var createdBy = sync.OnceValue(func() string {
	version, build := "0.0.0", "unknown"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	if v, isVersion := strings.CutPrefix(info.Main.Version, "v"); isVersion {
		version = v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			build = s.Value
		}
	}
	return fmt.Sprintf("mirrorsink version %s (build %s)", version, build)
})

func (p *file) metadata() *format.FileMetaData {
	m := &format.FileMetaData{
		Version:   2,
		Schema:    p.layout.schema(),
		NumRows:   int64(p.rows),
		RowGroups: p.groups,
		CreatedBy: createdBy(),
	}
	for range p.layout.columns {
		m.ColumnOrders = append(m.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	return m
}

// drop removes the file.
func (p *file) drop() {
	p.f.Close()
	os.Remove(p.f.Name())
}

// syncDir syncs a new name to disk, on file systems that support it.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}
