package export

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// ParquetSchema is what the columns of flow records are called, and where their files go.
type ParquetSchema uint8

// Schemas.
const (
	AWSSchema  ParquetSchema = iota // VPC Flow Logs' own columns and folders, ours behind AWS's
	OCSFSchema                      // Network Activity of the Open Cybersecurity Schema Framework, for Security Lake
)

// ParquetConfig says how tables are written into files.
type ParquetConfig struct {
	Dir      string              // a folder, which is made if it is not there
	Schema   ParquetSchema       // of flow records
	ID       string              // names this sink as a flow log, as in fl-0123456789abcdef0
	Rotate   time.Duration       // files are finished at multiples of it, in UTC
	MaxBytes int64               // files are finished when one more row group might make them larger
	Memory   int                 // bytes for rows that are not yet in a file
	Live     bool                // rotate by the clock instead of by the times of the rows: for what is not a capture
	Done     func(f ParquetFile) // if not nil, told of each finished file; it must not call back
	Log      *slog.Logger        // slog's default if nil
}

// ParquetFile is a finished file.
type ParquetFile struct {
	Path  string // where it is
	Key   string // its path within the folder, with slashes: the key that AWS would give it in a bucket
	Rows  int
	Bytes int64
}

// Bounds of a configuration.
const (
	MinParquetMemory = 1 << 20
	MinParquetRotate = time.Second
	MinParquetBytes  = 64 << 10
)

// DefaultLogID stands in the names of files where AWS has the flow log's ID.
const DefaultLogID = "fl-mirrorsink"

func (c *ParquetConfig) check() error {
	switch {
	case c.Dir == "":
		return errors.New("no folder given")
	case c.Rotate < MinParquetRotate || c.Rotate%time.Second != 0:
		return fmt.Errorf("cannot rotate every %v: give whole seconds, as 5m", c.Rotate)
	case c.MaxBytes < MinParquetBytes:
		return fmt.Errorf("files of %d bytes are too small: give at least %d", c.MaxBytes, MinParquetBytes)
	case c.Memory < MinParquetMemory:
		return fmt.Errorf("%d bytes of memory are too few: give at least %d", c.Memory, MinParquetMemory)
	}
	return nil
}

// Parquet writes flow log records into Parquet files in Hive partitions. Rows wait in memory until there are enough for a row
// group, or the file is finished. It may be used by several goroutines at once; who calls waits for the disk.
type Parquet struct {
	files *parquetWriter[flowlog.Record]
	skip  func(*flowlog.Record) bool // records that the schema has no place for; nil for none
}

// NewParquet opens the folder. What a crash left unfinished in it is removed, and said. Close ends it.
func NewParquet(cfg ParquetConfig) (*Parquet, error) {
	p, t, n := &Parquet{}, flowTable(), naming{service: "vpcflowlogs"}
	if cfg.Schema == OCSFSchema {
		t, n = ocsfTable(), naming{service: lakeSource, lake: true}
		p.skip = func(r *flowlog.Record) bool { return !r.HasData() }
	}
	files, err := newParquetWriter(cfg, t, n)
	if err != nil {
		return nil, err
	}
	p.files = files
	return p, nil
}

// Write takes records, which it does not keep; their strings it may. Records that cannot be written are counted as lost.
func (p *Parquet) Write(records []flowlog.Record) { p.files.write(p.kept(records), nil) }

// kept returns the records that the schema has a place for; most batches have no others.
func (p *Parquet) kept(records []flowlog.Record) []flowlog.Record {
	if p.skip == nil {
		return records
	}
	i := 0
	for i < len(records) && !p.skip(&records[i]) {
		i++
	}
	if i == len(records) {
		return records
	}
	kept := slices.Clone(records[:i])
	for ; i < len(records); i++ {
		if !p.skip(&records[i]) {
			kept = append(kept, records[i])
		}
	}
	return kept
}

// Counts returns what became of the records so far.
func (p *Parquet) Counts() ParquetCounts { return p.files.counted() }

// Close finishes all files, and returns the first error there was.
func (p *Parquet) Close() error {
	p.files.finish()
	_, err := p.files.drain()
	p.files.close()
	return err
}

// Consumer is for a queue of FlowLogKinds, whose events a recorder makes records of. The queue closes what it is of.
func (p *Parquet) Consumer(rec *Recorder) func(Settle) Consumer {
	return func(settle Settle) Consumer {
		return &parquetConsumer[flowlog.Record]{
			kinds: FlowLogKinds, files: p.files, settle: settle, lost: rec.Lost,
			rows: func(b *event.Batch, e *event.Event) []flowlog.Record { return p.kept(rec.Records(b, e)) },
		}
	}
}

// flowTable is flow records as AWS has them in Parquet.
func flowTable() *table[flowlog.Record] {
	t := &table[flowlog.Record]{
		sorted: "start",
		at:     func(r *flowlog.Record) int64 { return r.Start },
		where:  func(r *flowlog.Record) locality { return locality{r.AccountID, r.Region} },
	}
	for i := range flowlog.Fields {
		t.columns = append(t.columns, flowColumn(&flowlog.Fields[i]))
	}
	return t
}

func flowColumn(f *flowlog.Field) column[flowlog.Record] {
	name, kind := f.Column(), kinds[f.Type]
	switch {
	case !f.Known():
		return nullColumn[flowlog.Record](name, kind)
	case f.Addrs() != nil:
		return addrColumn(name, f.Addrs())
	case kind == parquetString:
		return textColumn(name, f.Strings())
	case kind == parquetBool:
		return boolColumn(name, f.Bool)
	case kind == parquetDouble:
		return doubleColumn(name, f.Float)
	default:
		return intColumn(name, kind, f.Ints())
	}
}

var kinds = [...]physical{
	flowlog.String: parquetString, flowlog.Int32: parquetInt32, flowlog.Int64: parquetInt64,
	flowlog.Boolean: parquetBool, flowlog.Double: parquetDouble,
}
