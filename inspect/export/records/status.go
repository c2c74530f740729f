package records

import (
	"cmp"
	"slices"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// noteOwner remembers that an interface had a record in a window.
func (bd *Builder) noteOwner(window uint32, eni string) {
	had := bd.had[window]
	if had == nil {
		had = map[string]bool{}
		bd.had[window] = had
	}
	if !had[eni] {
		had[eni] = true
	}
}

// closed makes the records without packets of a window. An interface without packets gets NODATA, unless only a part of the window
// was watched. If copies or events were lost it is not known whose they were: every interface gets SKIPDATA, and none NODATA.
func (bd *Builder) closed(w *event.WindowRecord) {
	lost := w.Lost+bd.lost > 0
	had := bd.had[w.From]
	bd.lost = 0
	for from := range bd.had { // earlier ones too: their Closed events may have been lost
		if from <= w.From {
			delete(bd.had, from)
		}
	}
	owners := bd.owners()
	if lost && len(owners) == 0 {
		bd.status(nil, w, flowlog.SkipData)
	}
	for _, o := range owners {
		switch {
		case lost:
			bd.status(o, w, flowlog.SkipData)
		case !had[o.ENI] && !w.Partial:
			bd.status(o, w, flowlog.NoData)
		}
	}
}

// owners returns the interfaces of the inventory, sorted by ID and without duplicates: an interface may have several mirror
// sessions.
func (bd *Builder) owners() []*event.Owner {
	if bd.cfg.Owners == nil {
		return nil
	}
	owners := bd.cfg.Owners()
	slices.SortFunc(owners, func(a, b *event.Owner) int {
		return cmp.Or(cmp.Compare(a.ENI, b.ENI), cmp.Compare(a.Session, b.Session))
	})
	return slices.CompactFunc(owners, func(a, b *event.Owner) bool { return a.ENI == b.ENI })
}

// status adds a record without packets, from the window's first second to its last.
func (bd *Builder) status(o *event.Owner, w *event.WindowRecord, status string) {
	r := bd.ofInterface(o)
	r.LogStatus, r.Start, r.End = status, int64(w.From), int64(w.To)-1
	bd.records = append(bd.records, r)
}
