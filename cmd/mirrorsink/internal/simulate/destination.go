package simulate

import (
	"errors"
	"io"

	"github.com/mirrorsink/mirrorsink/decap/sim"
	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/decap/tx/pcap"
)

// destination is where mirrored copies go.
type destination interface {
	// send takes a copy; its slices are the caller's again afterwards.
	send(nanos int64, c *sim.Copy) error
	// note returns a remark on copies that were sent otherwise than asked for, or nil.
	note() error
	Close() error
}

// Socket sends from sockets.
type Socket struct{ *tx.Sender }

func (d *Socket) send(_ int64, c *sim.Copy) error { return d.Send(c.From, c.Payload) }

func (d *Socket) note() error { return d.Unbound() }

// captureDestination writes a capture file.
type captureDestination struct {
	w      *pcap.Writer
	closer io.Closer
}

func newCaptureDestination(w io.Writer, closer io.Closer) (*captureDestination, error) {
	p, err := pcap.NewWriter(w)
	if err != nil {
		return nil, errors.Join(err, closer.Close())
	}
	return &captureDestination{p, closer}, nil
}

func (d *captureDestination) send(nanos int64, c *sim.Copy) error {
	return d.w.Write(nanos, c.Frame, len(c.Frame))
}

func (d *captureDestination) note() error { return nil }

func (d *captureDestination) Close() error { return errors.Join(d.w.Flush(), d.closer.Close()) }
