package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
)

// leastPackets is how many packets a capture has at least.
const leastPackets = 1_000_000

// Where the reference material lies, if it does, beside the checkout.
const (
	sharedBench    = "../shared/bench"
	sharedCaptures = "../shared/corpus/dev/pcaps"
)

// A largeCapture is a large file to go through.
type largeCapture struct {
	title, path string
	packets     int
	bytes       int64 // of the file
}

// captures are one of plain frames and one of the same frames mirrored.
type captures struct {
	plain, mirrored largeCapture
	promised        bool // that figures of these captures are within their bounds
}

// wanted is a bound if something is promised of these captures. Others have smaller packets, of which a read loop gets more in the
// same time, and more or fewer events: they are measured, and nothing is promised of them.
func (c *captures) wanted(b bound) bound {
	if c.promised {
		return b
	}
	return bound{}
}

// openCaptures makes the captures once and keeps them; the better ones are of the reference material's mix of protocols, and
// without it our own captures are repeated.
func openCaptures(ctx context.Context) (c captures, err error) {
	kind, build := "repeated", repeatTestdata
	if exists(sharedBench+"/mkmix") && exists(sharedCaptures) {
		kind, build, c.promised = "mix", mix, true
	}
	cache, err := cacheDir()
	if err != nil {
		return c, err
	}
	dir := filepath.Join(cache, kind)
	if !exists(dir) {
		progress("making captures in %s (up to 1.2 GB, kept for the next time)", dir)
		if err := makeOnce(dir, func(tmp string) error { return build(ctx, tmp) }); err != nil {
			return c, fmt.Errorf("make captures: %w", err)
		}
	}
	if c.plain, err = openCapture("plain frames", filepath.Join(dir, plainName)); err != nil {
		return c, err
	}
	c.mirrored, err = openCapture("mirrored frames", filepath.Join(dir, mirroredName))
	return c, err
}

// openCapture counts what is in a capture, and thereby brings it into the page cache.
func openCapture(title, path string) (c largeCapture, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return c, err
	}
	c = largeCapture{title: title, path: path, bytes: info.Size()}
	if c.packets, err = countPackets(path); err != nil {
		return c, err
	}
	if c.packets < leastPackets {
		return c, fmt.Errorf("%s has only %d packets: remove its folder, to have it made again", path, c.packets)
	}
	return c, nil
}

// The files of a folder of captures.
const (
	plainName    = "capture.pcap"
	mirroredName = "capture_vxlan.pcap"
)

// cacheDir is where the captures are kept.
func cacheDir() (string, error) {
	if dir := os.Getenv("MIRRORSINK_BENCH_DIR"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "mirrorsink-bench"), err
}

// makeOnce lets build fill a folder, which has its name only once it is complete.
func makeOnce(dir string, build func(tmp string) error) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+"-unfinished-")
	if err != nil {
		return err
	}
	if err := build(tmp); err != nil {
		return errors.Join(err, os.RemoveAll(tmp))
	}
	return os.Rename(tmp, dir)
}

// mix makes the captures by the reference material's own program, a module of its own that is not built in its place.
func mix(ctx context.Context, dir string) error {
	src, err := os.MkdirTemp("", "mirrorsink-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(src)
	if err := os.CopyFS(src, os.DirFS(sharedBench+"/mkmix")); err != nil {
		return err
	}
	build := command(ctx, "go", "build", "-o", "mkmix", ".")
	build.Dir = src
	if err := build.Run(); err != nil {
		return fmt.Errorf("build mkmix: %w", err)
	}
	out := filepath.Join(dir, "capture") // mkmix adds the endings of plainName and mirroredName
	return command(ctx, filepath.Join(src, "mkmix"), "mix", strconv.Itoa(leastPackets), out, sharedCaptures).Run()
}

// countPackets reads a capture to its end.
func countPackets(name string) (int, error) {
	n := 0
	err := eachFrame(name, func(*decap.Datagram) error { n++; return nil })
	return n, err
}

// eachFrame calls f with every frame of a capture. What the datagram points to is valid during the call.
func eachFrame(name string, f func(*decap.Datagram) error) error {
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
