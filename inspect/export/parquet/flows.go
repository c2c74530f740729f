package parquet

import (
	"slices"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export"
	"github.com/mirrorsink/mirrorsink/inspect/export/records"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// A RecordSource makes flow log records of events, as a records.Builder does. It is called by one goroutine.
type RecordSource interface {
	// Records returns the records of an event of b, valid until the next call. Their strings stay valid.
	Records(b *event.Batch, e *event.Event) []flowlog.Record
	// Lost reports that n events were lost before the next one.
	Lost(n uint64)
}

// FlowWriter writes flow log records into Parquet files.
type FlowWriter struct {
	files *writer[flowlog.Record]
	skip  func(*flowlog.Record) bool // records that do not fit the schema; nil for none
}

// NewFlowWriter opens the folder. It removes unfinished files of a crashed process, and logs how many.
func NewFlowWriter(cfg Config) (*FlowWriter, error) {
	w, t, n := &FlowWriter{}, awsTable(), naming{service: "vpcflowlogs"}
	if cfg.Schema == OCSF {
		t, n = ocsfTable(), naming{service: lakeSource, lake: true}
		w.skip = func(r *flowlog.Record) bool { return !r.HasData() }
	}
	files, err := newWriter(cfg, t, n)
	if err != nil {
		return nil, err
	}
	w.files = files
	return w, nil
}

// Consumer returns a constructor for a queue of records.Kinds, whose events src makes records of. The queue closes the consumer,
// and the consumer the writer.
func (w *FlowWriter) Consumer(src RecordSource) func(export.Commit) export.Consumer {
	return func(commit export.Commit) export.Consumer {
		return &consumer[flowlog.Record]{
			kinds: records.Kinds, files: w.files, commit: commit, lost: src.Lost,
			rows: func(b *event.Batch, e *event.Event) []flowlog.Record { return w.fitting(src.Records(b, e)) },
		}
	}
}

// fitting returns the records that fit the schema. It copies them only if there are others, which is rare.
func (w *FlowWriter) fitting(all []flowlog.Record) []flowlog.Record {
	if w.skip == nil {
		return all
	}
	i := 0
	for i < len(all) && !w.skip(&all[i]) {
		i++
	}
	if i == len(all) {
		return all
	}
	fit := slices.Clone(all[:i])
	for ; i < len(all); i++ {
		if !w.skip(&all[i]) {
			fit = append(fit, all[i])
		}
	}
	return fit
}

// awsTable has the columns of AWS's Parquet files.
func awsTable() *table[flowlog.Record] {
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
	name, typ := f.Column(), types[f.Type]
	switch {
	case !f.Known():
		return nullColumn[flowlog.Record](name, typ)
	case f.Addrs() != nil:
		return addrColumn(name, f.Addrs())
	case typ == stringType:
		return textColumn(name, f.Strings())
	case typ == boolType:
		return boolColumn(name, f.Bool)
	case typ == doubleType:
		return doubleColumn(name, f.Float)
	default:
		return intColumn(name, typ, f.Ints())
	}
}

var types = [...]physical{
	flowlog.String: stringType, flowlog.Int32: int32Type, flowlog.Int64: int64Type,
	flowlog.Boolean: boolType, flowlog.Double: doubleType,
}
