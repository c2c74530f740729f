package inspect

import (
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/dedup"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// Ordered takes what a Tracker finds that depends on the packets of other flows too, and must therefore happen in the order of all
// packets: what flows are called, which packets are copies of each other, and which windows are closed. Direct does it at once. The
// journal of a parallel replay records it, and its merger does it later, in order, with a Direct.
//
// Its methods are called by the Tracker's goroutine. Records and hints are valid during the call.
type Ordered interface {
	// FlowStarted is called for the first packet of a flow.
	FlowStarted(r *flow.Record)
	// FlowOpened is called when a flow of TCP or UDP starts, and again when its client turns out to be the other side. outbound reports
	// that the client is on our side.
	FlowOpened(r *flow.Record, outbound bool)
	// MessageRead is called for each message of a flow.
	MessageRead(r *flow.Record, h *l7.Hint, nanos int64)
	// CopySeen is called for each packet that a side of a flow sent and that may have another copy. It reports whether this is the
	// second copy. Then it has set r.Paired, and partner is the flow of the first copy, nil if that has ended.
	CopySeen(r *flow.Record, s flow.Side, p *decap.Packet, c dedup.Copy) (partner *flow.Record, duplicate bool)
	// Batch returns the batch to which the next event is to be added.
	Batch() *event.Batch
	// Emit is called when the last event of the batch is complete, but for what depends on other flows. It is of flow r.
	Emit(r *flow.Record)
	// WindowDone is called when all events of the windows before the one that starts at next, in Unix seconds, were emitted.
	WindowDone(next uint32)
}
