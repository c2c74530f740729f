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
	view.PrintCount(w, "reordered", s.Forward.Reordered, "frames that waited for others that they had overtaken")
	view.PrintCount(w, "timed out", s.Forward.TimedOut, "frames that waited for others in vain")
	view.PrintCount(w, "truncated", s.Fixed.Truncated, "frames that could not be fixed, or were to be dropped")
	view.PrintCount(w, "fixed", s.Fixed.Lengths, "truncated frames, with lengths set to what is there")
	view.PrintCount(w, "fixed", s.Fixed.Checksums, "frames with wrong checksums")
	for i := range s.Targets {
		printTarget(w, &s.Targets[i])
	}
}

func percent(part, whole uint64) float64 { return 100 * float64(part) / float64(max(whole, 1)) }

func printTarget(w io.Writer, t *event.Target) {
	fmt.Fprintf(w, "to %s\t%d frames, %d bytes; dropped: %d %v, %d %v, %d %v\n", t.Name, t.Frames, t.Bytes,
		t.QueueFull, tx.QueueFull, t.Unreachable, tx.Down, t.Oversize, tx.Oversize)
	view.PrintCount(w, "  segments", t.Segments, "frames that were made of such as were too long")
	view.PrintCount(w, "  moved", t.Moved, "frames that went to another sensor than their flow's own")
	view.PrintCount(w, "  queued", t.Queued, "frames that were not written")
	view.PrintCount(w, "  outages", t.Outages, "times that it went away")
}
