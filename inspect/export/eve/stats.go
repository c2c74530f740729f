package eve

import (
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// statsEvent writes the program's counters: under stats those that Suricata has a name for, under mirror all of them.
func (l *line) statsEvent(e *event.Event) {
	t := e.Stats
	l.time("timestamp", e.Nanos)
	l.word("event_type", "stats")
	l.object("stats")
	l.suricataStats(t)
	l.end()
	l.object("mirror")
	l.receiveStats(t)
	l.fragmentStats(t)
	l.flowStats(t)
	l.exportStats(t)
	if len(t.Targets) > 0 {
		l.forwardStats(t)
	}
	l.end()
}

func (l *line) suricataStats(t *event.Totals) {
	l.int("uptime", t.Uptime)
	l.object("capture")
	l.uint("kernel_packets", t.Datagrams+t.KernelDrops) // as AF_PACKET counts them: drops included
	l.uint("kernel_drops", t.KernelDrops)
	l.end()
	l.object("decoder")
	l.uint("pkts", t.Datagrams)
	l.uint("bytes", t.Bytes)
	l.end()
	l.object("flow")
	l.uint("total", t.FlowsNew)
	l.uint("active", t.FlowsActive)
	l.uint("tcp_reuse", t.FlowsEnded[event.EndReused])
	l.end()
	l.object("tcp")
	l.uint("reassembly_gap", t.Gaps)
	l.end()
}

func (l *line) receiveStats(t *event.Totals) {
	l.uint("datagrams", t.Datagrams)
	l.uint("bytes", t.Bytes)
	l.uint("kernel_drops", t.KernelDrops)
	l.object("reasons")
	for name, n := range t.ByReason() {
		l.uint(name, n)
	}
	l.end()
	l.uint("reserved_bits", t.ReservedBits)
	l.uint("truncated", t.Truncated)
	l.uint("bad_checksum", t.BadChecksum)
	l.uint("misdated", t.Misdated)
	l.object("tunnels_skipped")
	for name, n := range t.ByTunnelSkip() {
		l.uint(name, n)
	}
	l.end()
	l.uint("sessions", t.Sessions)
	l.uint("sessions_refused", t.SessionsRefused)
	l.uint("unattributed", t.Unattributed)
	l.uint("paired", t.Paired)
	l.uint("pairs_evicted", t.PairsEvicted)
	l.uint("second_copies", t.SecondCopies)
}

func (l *line) fragmentStats(t *event.Totals) {
	l.object("fragments")
	l.uint("held", t.FragmentsHeld)
	l.uint("duplicate", t.FragmentsDuplicate)
	l.uint("reassembled", t.Reassembled)
	l.uint("bad_checksum", t.ReassembledBad)
	l.uint("incomplete", t.FragmentsIncomplete)
	l.uint("overlapping", t.FragmentsOverlapping)
	l.uint("evicted", t.FragmentsEvicted)
	l.end()
}

func (l *line) flowStats(t *event.Totals) {
	l.object("flows")
	l.uint("new", t.FlowsNew)
	l.uint("active", t.FlowsActive)
	for r, n := range t.FlowsEnded {
		l.uint(event.EndReason(r).String(), n)
	}
	l.uint("names_refused", t.NamesRefused)
	l.uint("names_undecided", t.Undecided)
	l.end()
	l.object("streams")
	l.uint("new", t.StreamsNew)
	l.uint("active", t.StreamsActive)
	l.uint("evicted", t.StreamsEvicted)
	l.uint("segments_held", t.SegmentsHeld)
	l.uint("segments_emptied", t.SegmentsEmptied)
	l.uint("segments_evicted", t.SegmentsEvicted)
	l.uint("gaps", t.Gaps)
	l.uint("lost_bytes", t.LostBytes)
	l.uint("retransmits", t.Retransmits)
	l.object("refused")
	for r := event.NotRefused + 1; r < event.NumRefusals; r++ {
		if n := t.Refused[r]; n > 0 {
			l.uint(r.String(), n)
		}
	}
	l.end()
	l.end()
	l.object("hints")
	for p := l7.None + 1; p < l7.Protos; p++ {
		if n := t.Hints[p]; n > 0 {
			l.uint(p.String(), n)
		}
	}
	l.end()
}

func (l *line) exportStats(t *event.Totals) {
	l.object("events")
	for k := range event.Kinds {
		l.object(k.String())
		l.uint("produced", t.Export.Produced[k])
		l.uint("written", t.Export.Written[k])
		l.uint("dropped", t.Export.Dropped[k])
		l.end()
	}
	l.end()
}

func (l *line) forwardStats(t *event.Totals) {
	l.object("forward")
	l.object("passed")
	l.tally(&t.Forward.Passed)
	for why := range event.Exclusions {
		l.object(why.String())
		l.tally(&t.Forward.Excluded[why])
	}
	l.uint("reordered", t.Forward.Reordered)
	l.uint("timed_out", t.Forward.TimedOut)
	l.uint("waiting", t.Forward.Waiting)
	l.uint("truncated", t.Fixed.Truncated)
	l.uint("fixed_lengths", t.Fixed.Lengths)
	l.uint("fixed_checksums", t.Fixed.Checksums)
	l.array("targets")
	for i := range t.Targets {
		l.target(&t.Targets[i])
	}
	l.end()
	l.end()
}

// tally writes and ends an object.
func (l *line) tally(t *event.Tally) {
	l.uint("frames", t.Frames)
	l.uint("bytes", t.Bytes)
	l.end()
}

func (l *line) target(t *event.Target) {
	l.object("")
	l.text("target", []byte(t.Name))
	l.uint("frames", t.Frames)
	l.uint("bytes", t.Bytes)
	l.uint("segments", t.Segments)
	l.uint("moved", t.Moved)
	l.uint("queued", t.Queued)
	l.uint("queue_full", t.QueueFull)
	l.uint("down", t.Unreachable)
	l.uint("oversize", t.Oversize)
	l.uint("outages", t.Outages)
	l.end()
}
