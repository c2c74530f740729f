// Package captures makes and opens the large captures that make bench reads: plain frames, and the same frames mirrored.
package captures

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// minPackets is the least number of packets of a capture.
const minPackets = 1_000_000

// A Capture is a large file to read.
type Capture struct {
	Title, Path string
	Packets     int
	Bytes       int64 // of the file
}

// Captures are a capture of plain frames, and one of the same frames mirrored.
type Captures struct {
	Plain, Mirrored Capture
	promised        bool // whether the bounds hold for these captures
}

// Bound returns b if the bounds hold for these captures, else the zero bound. The repeated captures have smaller packets, which are
// faster for a read loop, and another number of events.
func (c *Captures) Bound(b figures.Bound) figures.Bound {
	if c.promised {
		return b
	}
	return figures.Bound{}
}

// Open makes the captures once and caches them. They are a mix of protocols from the reference material if it is present, else the
// repeated captures of testdata.
func Open(ctx context.Context) (c Captures, err error) {
	name, build := "repeated", repeatTestdata
	if exists(Reference+"/mkmix") && exists(referenceCaptures) {
		name, build, c.promised = mixFolder, mix, true
	}
	cache, err := cacheDir()
	if err != nil {
		return c, err
	}
	dir := filepath.Join(cache, name)
	if !exists(dir) {
		log.Printf("making captures in %s (up to 1.2 GB, cached)", dir)
		if err := makeOnce(dir, func(tmp string) error { return build(ctx, tmp) }); err != nil {
			return c, fmt.Errorf("make captures: %w", err)
		}
	}
	if c.Plain, err = openCapture("plain frames", filepath.Join(dir, plainName)); err != nil {
		return c, err
	}
	c.Mirrored, err = openCapture("mirrored frames", filepath.Join(dir, mirroredName))
	return c, err
}

// openCapture counts the packets of a capture, which also reads it into the page cache.
func openCapture(title, path string) (c Capture, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return c, err
	}
	c = Capture{Title: title, Path: path, Bytes: info.Size()}
	if c.Packets, err = countPackets(path); err != nil {
		return c, err
	}
	if c.Packets < minPackets {
		return c, fmt.Errorf("%s has only %d packets: remove its folder to make it again", path, c.Packets)
	}
	return c, nil
}
