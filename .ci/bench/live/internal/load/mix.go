package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/.ci/bench/internal/captures"
	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/wire"
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
)

// maxFrames bounds the memory of the mix to a few hundred megabytes, more than any cache.
const maxFrames = 200_000

// Mix returns mirrored frames of many protocols: those of make bench if its captures exist, else those of testdata.
func Mix() (Frames, error) {
	l := Frames{Name: "mix"}
	var memory []byte
	var sizes []int
	paths, err := mirrored()
	if err != nil {
		return l, err
	}
	for _, path := range paths {
		if memory, sizes, err = appendCapture(memory, sizes, path); err != nil {
			return l, err
		}
	}
	if len(sizes) == 0 {
		return l, errors.New("no mirrored frames in testdata: run the benchmark from the module's root")
	}
	for _, n := range sizes {
		l.frames = append(l.frames, memory[:n:n])
		memory = memory[n:]
	}
	return l, nil
}

// mirrored returns the paths of captures with mirrored frames: one large one, or small ones.
func mirrored() ([]string, error) {
	large, err := captures.MirroredMix()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(large); err == nil {
		return []string{large}, nil
	}
	log.Printf("no %s, which make bench makes: using the captures of testdata", large)
	return filepath.Glob("testdata/mirror-*.pcap")
}

// appendCapture appends the frames of a capture that carry VXLAN over IPv4, with the outer headers of the wire.
func appendCapture(memory []byte, sizes []int, path string) ([]byte, []int, error) {
	c, err := capture.Open(path)
	if err != nil {
		return memory, sizes, err
	}
	defer c.Close()
	var b decap.Batch
	for len(sizes) < maxFrames {
		if err := c.Read(&b); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return memory, sizes, fmt.Errorf("%s: %w", path, err)
		}
		for _, d := range b.D[:b.N] {
			if len(d.Data) < d.WireLen || !sendable(d.Data) {
				continue
			}
			start := len(memory)
			memory = appendOuter(memory, len(d.Data)-outerLen, len(sizes))
			memory = append(memory, d.Data[outerLen:]...)
			sizes = append(sizes, len(memory)-start)
		}
	}
	return memory, sizes, nil
}

// sendable reports whether a frame carries VXLAN over IPv4 without options, and fits the wire.
func sendable(b []byte) bool {
	const protocolAt, portAt = 23, 36
	return len(b) >= outerLen+vxlanLen && len(b) <= etherLen+wire.MTU && b[12] == 8 && b[13] == 0 && b[14] == 0x45 &&
		b[protocolAt] == unix.IPPROTO_UDP && binary.BigEndian.Uint16(b[portAt:]) == decap.PortVXLAN
}
