package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
)

// minPackets is the least number of packets of a capture.
const minPackets = 1_000_000

// The reference material, which may be present beside the checkout.
const (
	sharedBench    = "../shared/bench"
	sharedCaptures = "../shared/corpus/dev/pcaps"
)

// A largeCapture is a large file to read.
type largeCapture struct {
	title, path string
	packets     int
	bytes       int64 // of the file
}

// captures are a capture of plain frames, and one of the same frames mirrored.
type captures struct {
	plain, mirrored largeCapture
	promised        bool // whether the bounds hold for these captures
}

// bound returns b if the bounds hold for these captures, else the zero bound. The repeated captures have smaller packets, which are
// faster for a read loop, and another number of events.
func (c *captures) bound(b figures.Bound) figures.Bound {
	if c.promised {
		return b
	}
	return figures.Bound{}
}

// openCaptures makes the captures once and caches them. They are a mix of protocols from the reference material if it is present,
// else the repeated captures of testdata.
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
		progress("making captures in %s (up to 1.2 GB, cached)", dir)
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

// openCapture counts the packets of a capture, which also reads it into the page cache.
func openCapture(title, path string) (c largeCapture, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return c, err
	}
	c = largeCapture{title: title, path: path, bytes: info.Size()}
	if c.packets, err = countPackets(path); err != nil {
		return c, err
	}
	if c.packets < minPackets {
		return c, fmt.Errorf("%s has only %d packets: remove its folder to make it again", path, c.packets)
	}
	return c, nil
}

// The files in a folder of captures.
const (
	plainName    = "capture.pcap"
	mirroredName = "capture_vxlan.pcap"
)

// cacheDir returns the folder of the captures.
func cacheDir() (string, error) {
	if dir := os.Getenv("MIRRORSINK_BENCH_DIR"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "mirrorsink-bench"), err
}

// makeOnce fills a folder with build. The folder gets its name once it is complete.
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

// mix makes the captures with the program of the reference material. It is built in a copy of its module.
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
	out := filepath.Join(dir, "capture") // mkmix appends the suffixes of plainName and mirroredName
	return command(ctx, filepath.Join(src, "mkmix"), "mix", strconv.Itoa(minPackets), out, sharedCaptures).Run()
}

// countPackets returns the number of packets of a capture.
func countPackets(name string) (int, error) {
	n := 0
	err := eachFrame(name, func(*decap.Datagram) error { n++; return nil })
	return n, err
}

// eachFrame calls f for every frame of a capture. The datagram is valid during the call.
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
