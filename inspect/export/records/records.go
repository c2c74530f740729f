// Package records makes flow log records of events, and writes them as lines. What a record is and how a line looks is defined by
// package flowlog.
package records

import (
	"cmp"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
)

// Kinds are the kinds of events that records are made of.
var Kinds = event.KindsOf(event.Interval, event.Closed)

// Config holds what records contain besides what events have.
type Config struct {
	FullFlags   bool              // all TCP flags, not only those that AWS records
	CommunityID bool              // costs a hash for each flow and window
	Account     string            // of interfaces whose account the inventory does not know; "unknown", as AWS has it, if empty
	Region      string            // likewise
	Services    *flowlog.Services // nil for none
	// Owners returns the interfaces of the inventory; nil for none. It is called when a window closes.
	Owners func() []*event.Owner
}

// A Builder makes flow log records of events. An Interval event gives a record for each direction that had packets. A Closed event
// gives one for each interface that had no packets in the window, or for all interfaces if copies were lost. The builder remembers
// which interfaces had records, so it must see all events of Kinds in their order. It is not safe for concurrent use: each output
// has its own.
type Builder struct {
	cfg     Config
	records []flowlog.Record
	had     map[uint32]map[string]bool // by window: the interfaces that had records
	lost    uint64                     // events since the last window was closed
	texts   textCache
	scratch []byte
}

// NewBuilder makes a builder.
func NewBuilder(cfg Config) *Builder {
	cfg.Account = cmp.Or(cfg.Account, "unknown")
	return &Builder{cfg: cfg, had: map[uint32]map[string]bool{}, texts: textCache{}}
}

// Lost reports that n events of Kinds were lost before the next one.
func (bd *Builder) Lost(n uint64) { bd.lost += n }

// Records returns the records of an event of b. They are valid until the next call; their strings stay valid.
func (bd *Builder) Records(b *event.Batch, e *event.Event) []flowlog.Record {
	bd.records = bd.records[:0]
	switch e.Kind {
	case event.Interval:
		bd.interval(b, e)
	case event.Closed:
		bd.closed(&e.Window)
	case event.AppLayer, event.Flow, event.Stats, event.Activity, event.Alert, event.Kinds:
	}
	return bd.records
}
