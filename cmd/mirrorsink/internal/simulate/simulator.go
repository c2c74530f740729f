package simulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/view"
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/sim"
	"github.com/mirrorsink/mirrorsink/inspect"
)

// simulator plays captures: frame by frame into copies, over a path with mishaps, to a destination.
type simulator struct {
	mirror *sim.Mirror
	path   *sim.Path
	out    destination
	pace   *Pacer

	latest int64 // the time of the latest copy
	batch  decap.Batch
	frame  []byte
	copies []sim.Copy

	frames, skipped, unmirrored, mirrored, sent, failed uint64
	firstErr                                            error // of a send
}

func New(m *sim.Mirror, odds sim.Odds, out destination, pace *Pacer) *simulator {
	return &simulator{mirror: m, path: sim.NewPath(odds), out: out, pace: pace}
}

// Run plays one capture to its end, or until ctx ends. A damaged capture is played as far as it can be read. Its times go
// on where those of the one before ended, if they would be earlier than that.
func (s *simulator) Run(ctx context.Context, capture inspect.Source) error {
	s.pace.begin()
	shift, known := int64(0), false
	for {
		err := capture.Read(&s.batch)
		for i := range s.batch.N {
			d := &s.batch.D[i]
			if !s.pace.wait(ctx, d.Nanos) {
				return nil
			}
			if !known {
				shift, known = max(0, s.latest-d.Nanos), true
			}
			s.play(d, d.Nanos+shift)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// play sends the copies of one frame.
func (s *simulator) play(d *decap.Datagram, nanos int64) {
	s.frames++
	s.latest = max(s.latest, nanos)
	frame, ok := sim.AppendFrame(s.frame[:0], d)
	s.frame = frame
	if !ok {
		s.skipped++
		return
	}
	s.copies = s.mirror.Encapsulate(s.copies[:0], frame)
	if len(s.copies) == 0 {
		s.unmirrored++
	}
	for i := range s.copies {
		s.mirrored++
		s.send(nanos, s.path.Carry(s.copies[i]))
	}
}

func (s *simulator) send(nanos int64, copies []sim.Copy) {
	for i := range copies {
		if err := s.out.send(nanos, &copies[i]); err != nil {
			s.failed++
			if s.firstErr == nil {
				s.firstErr = err
			}
			continue
		}
		s.sent++
	}
}

// Flush sends what mishaps held back, and returns the first error of all that was sent.
func (s *simulator) Flush() error {
	s.send(s.latest, s.path.Flush())
	if s.firstErr != nil {
		return fmt.Errorf("%d copies could not be sent: %w", s.failed, s.firstErr)
	}
	return nil
}

// print writes a summary.
func (s *simulator) print(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer tw.Flush()
	fmt.Fprintf(tw, "frames\t%d\n", s.frames)
	view.PrintCount(tw, "  not mirrored", s.unmirrored, "")
	view.PrintCount(tw, "  skipped", s.skipped, "of a link type that cannot be mirrored")
	fmt.Fprintf(tw, "copies\t%d\n", s.mirrored)
	view.PrintCount(tw, "  lost", s.path.Lost, "")
	view.PrintCount(tw, "  duplicated", s.path.Duplicated, "")
	view.PrintCount(tw, "  reordered", s.path.Reordered, "")
	view.PrintCount(tw, "  corrupted", s.path.Corrupted, "")
	view.PrintCount(tw, "  failed", s.failed, "")
	fmt.Fprintf(tw, "sent\t%d\n", s.sent)
	if err := s.out.note(); err != nil {
		fmt.Fprintf(tw, "note\tsome copies came from another address or port: %v\n", err)
	}
}
