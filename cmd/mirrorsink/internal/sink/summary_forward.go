package sink

import (
	"fmt"
	"io"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/view"
	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// printForward writes for people what became of frames, if they were forwarded.
func (s *snapshot) printForward(w io.Writer) {
	if len(s.Targets) == 0 {
		return
	}
	passed := &s.Forward.Passed
	all := *passed
	for _, t := range s.Forward.Excluded {
		all.Frames, all.Bytes = all.Frames+t.Frames, all.Bytes+t.Bytes
	}
	fmt.Fprintf(w, "forwarded\t%d frames, %d bytes: %.1f %% of all bytes\n", passed.Frames, passed.Bytes, percent(passed.Bytes, all.Bytes))
	for why := range event.Exclusions {
		if t := s.Forward.Excluded[why]; t.Frames > 0 {
			fmt.Fprintf(w, "  %v\t%d frames, %d bytes: %.1f %%\n", why, t.Frames, t.Bytes, percent(t.Bytes, all.Bytes))
		}
	}
	view.PrintCount(w, "reordered", s.Forward.Reordered, "frames that waited for earlier ones of their flow")
	view.PrintCount(w, "timed out", s.Forward.TimedOut, "frames that waited for others that did not arrive")
	view.PrintCount(w, "truncated", s.Fixed.Truncated, "frames that could not be fixed, or that --forward-cut drops")
	view.PrintCount(w, "fixed", s.Fixed.Lengths, "truncated frames whose lengths were fixed")
	view.PrintCount(w, "fixed", s.Fixed.Checksums, "frames whose checksums were fixed")
	for i := range s.Targets {
		printTarget(w, &s.Targets[i])
	}
}

func percent(part, whole uint64) float64 { return 100 * float64(part) / float64(max(whole, 1)) }

func printTarget(w io.Writer, t *event.Target) {
	fmt.Fprintf(w, "to %s\t%d frames, %d bytes; dropped: %d %v, %d %v, %d %v\n", t.Name, t.Frames, t.Bytes,
		t.QueueFull, tx.QueueFull, t.Unreachable, tx.Down, t.Oversize, tx.Oversize)
	view.PrintCount(w, "  segments", t.Segments, "frames made by segmenting longer ones")
	view.PrintCount(w, "  moved", t.Moved, "frames sent to another sensor than that of their flow")
	view.PrintCount(w, "  queued", t.Queued, "frames not written yet")
	view.PrintCount(w, "  outages", t.Outages, "times that it became unreachable")
}
