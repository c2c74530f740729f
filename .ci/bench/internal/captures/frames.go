package captures

import (
	"errors"
	"io"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
)

// countPackets returns the number of packets of a capture.
func countPackets(name string) (int, error) {
	n := 0
	err := EachFrame(name, func(*decap.Datagram) error { n++; return nil })
	return n, err
}

// EachFrame calls f for every frame of a capture. The datagram is valid during the call.
func EachFrame(name string, f func(*decap.Datagram) error) error {
	c, err := capture.Open(name)
	if err != nil {
		return err
	}
	defer c.Close()
	var b decap.Batch
	for {
		if err := c.Read(&b); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		for i := range b.N {
			if err := f(&b.D[i]); err != nil {
				return err
			}
		}
	}
}
