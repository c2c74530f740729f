package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/sim"
	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/inspect"
)

// destination is where mirrored copies go.
type destination interface {
	// send takes a copy; its slices are the caller's again afterwards.
	send(nanos int64, c *sim.Copy) error
	// note says what is not as it was asked for, if anything.
	note() error
	close() error
}

// socketDestination sends from sockets.
type socketDestination struct{ *tx.Sender }

func (d *socketDestination) send(_ int64, c *sim.Copy) error { return d.Send(c.From, c.Payload) }
func (d *socketDestination) note() error                     { return d.Unbound() }
func (d *socketDestination) close() error                    { return d.Close() }

// captureDestination writes a capture file.
type captureDestination struct {
	w      *tx.PcapWriter
	closer io.Closer
}

func newCaptureDestination(w io.Writer, closer io.Closer) (*captureDestination, error) {
	p, err := tx.NewPcapWriter(w)
	if err != nil {
		return nil, errors.Join(err, closer.Close())
	}
	return &captureDestination{p, closer}, nil
}

func (d *captureDestination) send(nanos int64, c *sim.Copy) error {
	return d.w.Write(nanos, c.Frame, len(c.Frame))
}

func (d *captureDestination) note() error { return nil }

func (d *captureDestination) close() error { return errors.Join(d.w.Flush(), d.closer.Close()) }

// simulator plays captures: frame by frame into copies, over a path with mishaps, to a destination.
type simulator struct {
	mirror *sim.Mirror
	path   *sim.Path
	out    destination
	pace   *pacer

	latest int64 // the time of the latest copy
	batch  decap.Batch
	frame  []byte
	copies []sim.Copy

	frames, skipped, unmirrored, mirrored, sent, failed uint64
	firstErr                                            error // of a send
}

func newSimulator(m *sim.Mirror, odds sim.Odds, out destination, pace *pacer) *simulator {
	return &simulator{mirror: m, path: sim.NewPath(odds), out: out, pace: pace}
}

// run plays one capture to its end, or until ctx ends. A damaged capture is played as far as it can be read. Its times go
// on where those of the one before ended, if they would be earlier than that.
func (s *simulator) run(ctx context.Context, capture inspect.Source) error {
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

// flush sends what mishaps held back, and returns the first error of all that was sent.
func (s *simulator) flush() error {
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
	printCount(tw, "  not mirrored", s.unmirrored, "")
	printCount(tw, "  skipped", s.skipped, "of a link type that cannot be mirrored")
	fmt.Fprintf(tw, "copies\t%d\n", s.mirrored)
	printCount(tw, "  lost", s.path.Lost, "")
	printCount(tw, "  duplicated", s.path.Duplicated, "")
	printCount(tw, "  reordered", s.path.Reordered, "")
	printCount(tw, "  corrupted", s.path.Corrupted, "")
	printCount(tw, "  failed", s.failed, "")
	fmt.Fprintf(tw, "sent\t%d\n", s.sent)
	if err := s.out.note(); err != nil {
		fmt.Fprintf(tw, "note\tsome copies came from another address or port: %v\n", err)
	}
}
