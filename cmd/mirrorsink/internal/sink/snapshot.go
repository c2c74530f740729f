package sink

import (
	"time"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/egress"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/inventory"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/output"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export/aws"
	"github.com/mirrorsink/mirrorsink/inspect/export/rotate"
	"github.com/mirrorsink/mirrorsink/inspect/export/spool"
	"github.com/mirrorsink/mirrorsink/inspect/pdns"
	"github.com/mirrorsink/mirrorsink/inspect/policy/alert"
)

// snapshot is all that is counted, at one moment.
type snapshot struct {
	event.Totals
	Named            uint64      // flows that ended with a name
	Oversized        uint64      // datagrams that were read in part
	InterfaceLosses  uint64      // times that the interface of a packet ring went
	RingFreezes      uint64      // times that the reader of a packet ring was a whole ring behind
	DNS              pdns.Counts // answers of DNS that are remembered
	VLANs            uint64      // 802.1Q tags in use
	ClockSteps       uint64      // times that the clock was set
	HandoversDropped uint64      // packets put together from fragments that got lost between workers
	Inventory        inventory.Counts
	Policy           egress.Counts
	Found            alert.Counters       // alerts
	Alerts           []output.AlertCounts // by output
	Metrics          aws.MetricCounts     // data points for CloudWatch
	Delivered        [output.Services]spool.Counts
	Rotated          [output.NumLines]rotate.Counts
	Elapsed          time.Duration // since the start
}

// event returns the snapshot as a Stats event.
func (s *snapshot) event(now time.Time) *event.Batch {
	return &event.Batch{Events: []event.Event{{Kind: event.Stats, Nanos: now.UnixNano(), Stats: &s.Totals}}}
}

func total(byKind [event.Kinds]uint64) (sum uint64) {
	for _, n := range byKind {
		sum += n
	}
	return sum
}
