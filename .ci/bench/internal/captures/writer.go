package captures

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/mirrorsink/mirrorsink/decap/sim"
	"github.com/mirrorsink/mirrorsink/decap/tx/pcap"
)

// captureWriter writes a capture of frames, and one of the same frames mirrored.
type captureWriter struct {
	mirror          *sim.Mirror
	copies          []sim.Copy
	files           []*os.File
	plain, mirrored *pcap.Writer
}

func createCaptures(dir string) (*captureWriter, error) {
	w := &captureWriter{}
	var err error
	if w.mirror, err = sim.New(sim.Default(1, netip.MustParseAddr("10.200.0.5"), netip.MustParseAddr("10.200.1.9"))); err != nil {
		return nil, err
	}
	if w.plain, err = w.create(dir, plainName); err != nil {
		return nil, err
	}
	w.mirrored, err = w.create(dir, mirroredName)
	return w, err
}

func (w *captureWriter) create(dir, name string) (*pcap.Writer, error) {
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	w.files = append(w.files, f)
	return pcap.NewWriter(f)
}

func (w *captureWriter) write(f frame) error {
	if err := w.plain.Write(f.nanos, f.data, len(f.data)); err != nil {
		return err
	}
	w.copies = w.mirror.Encapsulate(w.copies[:0], f.data)
	for _, c := range w.copies {
		if err := w.mirrored.Write(f.nanos, c.Frame, len(c.Frame)); err != nil {
			return err
		}
	}
	return nil
}

func (w *captureWriter) close() error {
	err := errors.Join(w.plain.Flush(), w.mirrored.Flush())
	for _, f := range w.files {
		err = errors.Join(err, f.Close())
	}
	return err
}
