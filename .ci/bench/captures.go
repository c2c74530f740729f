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
	"github.com/mirrorsink/mirrorsink/decap/rx"
)

// leastPackets is how many packets a capture has at least.
const leastPackets = 1_000_000

// Where the reference material lies, if it does, beside the checkout.
const (
	sharedBench    = "../shared/bench"
	sharedCaptures = "../shared/corpus/dev/pcaps"
)

// ofReadLoop is what is promised of a replay of the mix. Other captures have smaller packets, of which a read loop gets
// more in the same time, and more or fewer events: they are measured, and nothing is promised of them.
var ofReadLoop = bound{least: 0.12}

// A capture is a large file to replay.
type capture struct {
	title, path string
	packets     int
	wanted      bound // of the read loop's packets per CPU-second
}

// openCaptures returns a capture of plain frames and one of the same frames mirrored. They are made once and kept; the
// better ones are of the reference material's mix of protocols, and without it our own captures are repeated.
func openCaptures(ctx context.Context) ([]capture, error) {
	kind, build, wanted := "repeated", repeatTestdata, bound{}
	if exists(sharedBench+"/mkmix") && exists(sharedCaptures) {
		kind, build, wanted = "mix", mix, ofReadLoop
	}
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, kind)
	if !exists(dir) {
		progress("making captures in %s (up to 1.2 GB, kept for the next time)", dir)
		if err := makeOnce(dir, func(tmp string) error { return build(ctx, tmp) }); err != nil {
			return nil, fmt.Errorf("make captures: %w", err)
		}
	}
	captures := []capture{
		{title: "plain frames", path: filepath.Join(dir, plainName), wanted: wanted},
		{title: "mirrored frames", path: filepath.Join(dir, mirroredName), wanted: wanted},
	}
	for i := range captures {
		if captures[i].packets, err = countPackets(captures[i].path); err != nil {
			return nil, err
		}
		if captures[i].packets < leastPackets {
			return nil, fmt.Errorf("%s has only %d packets: remove its folder, to have it made again", captures[i].path, captures[i].packets)
		}
	}
	return captures, nil
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
	c, err := rx.OpenCapture(name)
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
