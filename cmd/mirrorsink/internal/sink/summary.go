package sink

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/output"
	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/view"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// Print writes a summary for people. Losses are left out where there are none, but for those of events.
func (s *snapshot) Print(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer tw.Flush()
	rate := float64(s.Datagrams) / max(s.Elapsed.Seconds(), 1e-9)
	fmt.Fprintf(tw, "packets\t%d in %v, %.0f a second\n", s.Datagrams, s.Elapsed.Round(time.Millisecond), rate)
	for name, n := range s.ByReason() {
		view.PrintCount(tw, "  "+name, n, "")
	}
	for why, n := range s.ByTunnelSkip() {
		view.PrintCount(tw, "tunnels skipped", n, "packets: "+skipHelp[why])
	}
	view.PrintCount(tw, "kernel drops", s.KernelDrops, "datagrams that arrived faster than they were read")
	fmt.Fprintf(tw, "flows\t%d, %d of them with a name\n", s.FlowsNew, s.Named)
	fmt.Fprintf(tw, "messages\t%s\n", s.messages())
	view.PrintCount(tw, "truncated", s.Truncated, "packets whose copy was truncated")
	view.PrintCount(tw, "unattributed", s.Unattributed, "packets of mirror sessions that are not in the inventory")
	view.PrintCount(tw, "lost", s.LostBytes, "TCP bytes of which no copy came")
	view.PrintCount(tw, "bad checksums", s.BadChecksum, "packets")
	view.PrintCount(tw, "misdated", s.Misdated, "frames whose time cannot be right: they have that of a neighbor")
	view.PrintCount(tw, "second copies", s.SecondCopies, "of packets that mirrored interfaces pass on: counted once")
	view.PrintCount(tw, "refused segments", s.refused(), "that their receivers would drop")
	view.PrintCount(tw, "evicted flows", s.FlowsEnded[event.EndForced], "early: --memory was full")
	view.PrintCount(tw, "evicted streams", s.StreamsEvicted, "before they were parsed: --memory was full")
	view.PrintCount(tw, "emptied segments", s.SegmentsEmptied, "that waited without their payload, since much of their flow did")
	view.PrintCount(tw, "evicted segments", s.SegmentsEvicted, "flows whose segments waited no longer: --memory was full")
	view.PrintCount(tw, "evicted fragments", s.FragmentsEvicted, "before their packet was complete: --memory was full")
	view.PrintCount(tw, "oversized", s.Oversized, "datagrams that were read in part")
	view.PrintCount(tw, "interface losses", s.InterfaceLosses, "times that the interface was down or missing")
	view.PrintCount(tw, "clock steps", s.ClockSteps, "times that the clock was set while running")
	view.PrintCount(tw, "handovers dropped", s.HandoversDropped, "reassembled packets missing from their flows")
	view.PrintCount(tw, "refused names", s.NamesRefused, "that did not fit: --memory was full")
	view.PrintCount(tw, "undecided", s.Undecided, "events and flows without what DNS says about them: --memory was full, or a worker late")
	if s.Found.Opened > 0 {
		fmt.Fprintf(tw, "alerts\t%d opened, %d updated, %d resolved\n", s.Found.Opened, s.Found.Updated, s.Found.Resolved)
	}
	view.PrintCount(tw, "evicted alert state", s.Found.Evicted, "sources and destinations that alerts have forgotten: --memory was full")
	fmt.Fprintf(tw, "events\t%d produced, %d written, %d dropped\n",
		total(s.Export.Produced), total(s.Export.Written), total(s.Export.Dropped))
	for d := range output.Services {
		s.printDelivery(tw, d)
	}
	for l := range output.NumLines {
		c := &s.Rotated[l]
		view.PrintCount(tw, "deleted "+l.String(), c.Deleted, "rotated files, beyond --"+l.String()+"-keep")
	}
	for _, a := range s.Alerts {
		fmt.Fprintf(tw, "alerts to %s\t%d sent, %d refused, %d dropped, %d waiting\n", a.Output, a.Sent, a.Refused, a.Dropped, a.Waiting)
	}
	view.PrintCount(tw, "lost metrics", s.Metrics.Dropped+s.Metrics.Refused+s.Metrics.Waiting, "data points that CloudWatch did not take")
	s.printForward(tw)
}

// skipHelp is what the summary says of tunnels that were not entered.
var skipHelp = map[string]string{
	"version":    "the version or variant of the tunnel is not known",
	"encrypted":  "encrypted or compressed",
	"fragmented": "fragmented by the tunnel",
	"not_ip":     "what they carry is not IP",
	"malformed":  "a header in them is invalid",
	"truncated":  "the copy ends before the IP header in them",
}

// printDelivery writes what became of the records for a destination, if there were any.
func (s *snapshot) printDelivery(w io.Writer, to output.Service) {
	c := &s.Delivered[to]
	if c.Spooled.Files > 0 {
		fmt.Fprintf(w, "to %s\t%d records in %d files, %d delivered, %d dropped, %d refused, %d waiting\n", to, c.Spooled.Records,
			c.Spooled.Files, c.Delivered.Records, c.Dropped.Records, c.Rejected, c.Waiting.Records)
	}
	view.PrintCount(w, "not spooled", c.Unspooled, "records: the spool could not be written")
}

// refused returns the number of segments that were refused.
func (s *snapshot) refused() (sum uint64) {
	for _, n := range s.Refused {
		sum += n
	}
	return sum
}

// messages returns the messages and transactions by protocol.
func (s *snapshot) messages() string {
	var parts []string
	for p := l7.None + 1; p < l7.Protos; p++ {
		if n := s.Hints[p]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %v", n, p))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
