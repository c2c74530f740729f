package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// print writes a summary for people. Losses are left out where there are none, but for those of events.
func (s *snapshot) print(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer tw.Flush()
	rate := float64(s.Datagrams) / max(s.Elapsed.Seconds(), 1e-9)
	fmt.Fprintf(tw, "packets\t%d in %v, %.0f a second\n", s.Datagrams, s.Elapsed.Round(time.Millisecond), rate)
	for name, n := range s.ByReason() {
		printCount(tw, "  "+name, n, "")
	}
	printCount(tw, "kernel drops", s.KernelDrops, "datagrams that came faster than they were read")
	fmt.Fprintf(tw, "flows\t%d, %d of them with a name\n", s.FlowsNew, s.Named)
	fmt.Fprintf(tw, "messages\t%s\n", s.messages())
	printCount(tw, "truncated", s.Truncated, "packets whose copy was cut")
	printCount(tw, "unattributed", s.Unattributed, "packets of mirror sessions that the inventory does not know")
	printCount(tw, "lost", s.LostBytes, fmt.Sprintf("bytes that hosts acknowledged and no copy had, at %d places", s.Gaps))
	printCount(tw, "bad checksums", s.BadChecksum, "packets")
	printCount(tw, "evicted flows", s.FlowsEnded[event.EndForced], "before their time: --memory was used up")
	printCount(tw, "evicted streams", s.StreamsEvict, "before they were read: --memory was used up")
	printCount(tw, "evicted fragments", s.FragmentsEvicted, "before their packet was whole: --memory was used up")
	printCount(tw, "oversized", s.Oversized, "datagrams that were read in part")
	printCount(tw, "interface losses", s.InterfaceLosses, "times that there was nothing to read from")
	printCount(tw, "clock steps", s.ClockSteps, "times that the clock was set while running")
	printCount(tw, "handovers dropped", s.HandoversDropped, "packets put together from fragments, missing from their flows")
	printCount(tw, "refused names", s.NamesRefused, "for which there was no room: --memory was used up")
	fmt.Fprintf(tw, "events\t%d produced, %d written, %d dropped\n",
		total(s.Export.Produced), total(s.Export.Written), total(s.Export.Dropped))
	for d := range awsServices {
		s.printDelivery(tw, d)
	}
	s.printForward(tw)
}

// printDelivery writes what became of the records for a destination, if there were any.
func (s *snapshot) printDelivery(w io.Writer, to awsService) {
	c := &s.Delivered[to]
	if c.Spooled.Files > 0 {
		fmt.Fprintf(w, "to %s\t%d records in %d files, %d delivered, %d dropped, %d refused, %d waiting\n", to, c.Spooled.Records,
			c.Spooled.Files, c.Delivered.Records, c.Dropped.Records, c.Rejected, c.Waiting.Records)
	}
	printCount(w, "not spooled", c.Unspooled, "records, since the spool could not be written")
}

func printCount(w io.Writer, what string, n uint64, remark string) {
	if n > 0 {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%s\t%d %s", what, n, remark), " "))
	}
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
