package export

import (
	"cmp"
	"slices"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// noteOwner remembers that an interface had a record in a window.
func (rc *Recorder) noteOwner(window uint32, eni string) {
	had := rc.had[window]
	if had == nil {
		had = map[string]bool{}
		rc.had[window] = had
	}
	if !had[eni] {
		had[eni] = true
	}
}

// closed makes the records of interfaces without packets in a window that is over. If copies or events were lost nobody knows
// whose they were: every interface is said to have lost some, and none to have had nothing; nor is that said of a window of
// which a part was not watched.
func (rc *Recorder) closed(w *event.WindowRecord) {
	lost := w.Lost+rc.lost > 0
	had := rc.had[w.From]
	rc.lost = 0
	for from := range rc.had { // a window whose end was lost is forgotten with the next one
		if from <= w.From {
			delete(rc.had, from)
		}
	}
	owners := rc.owners()
	if lost && len(owners) == 0 {
		rc.status(nil, w, flowlog.SkipData)
	}
	for _, o := range owners {
		switch {
		case lost:
			rc.status(o, w, flowlog.SkipData)
		case !had[o.ENI] && !w.Partial:
			rc.status(o, w, flowlog.NoData)
		}
	}
}

// owners returns the interfaces of the inventory, each once, in the order of their IDs. An interface may have several
// sessions.
func (rc *Recorder) owners() []*event.Owner {
	if rc.cfg.Owners == nil {
		return nil
	}
	owners := rc.cfg.Owners()
	slices.SortFunc(owners, func(a, b *event.Owner) int {
		return cmp.Or(cmp.Compare(a.ENI, b.ENI), cmp.Compare(a.Session, b.Session))
	})
	return slices.CompactFunc(owners, func(a, b *event.Owner) bool { return a.ENI == b.ENI })
}

// status adds a record of a window without packets, of its first to its last second.
func (rc *Recorder) status(o *event.Owner, w *event.WindowRecord, status string) {
	r := rc.ofInterface(o)
	r.LogStatus, r.Start, r.End = status, int64(w.From), int64(w.To)-1
	rc.records = append(rc.records, r)
}

// FlowLog writes records as lines.
type FlowLog struct {
	Format   *flowlog.Format
	Recorder *Recorder
}

var _ interface {
	Encoder
	headed
	mourner
} = (*FlowLog)(nil)

// AppendHeader names the fields, as AWS's files do.
func (f *FlowLog) AppendHeader(dst []byte) []byte { return f.Format.AppendHeader(dst) }

// Lost says that events were lost before the next one.
func (f *FlowLog) Lost(n uint64) { f.Recorder.Lost(n) }

// Append appends the lines of an event of FlowLogKinds.
func (f *FlowLog) Append(dst []byte, b *event.Batch, e *event.Event) []byte {
	records := f.Recorder.Records(b, e)
	for i := range records {
		dst = f.Format.AppendText(dst, &records[i])
	}
	return dst
}
