package captures

import (
	"context"
	"encoding/binary"
	"errors"
	"path/filepath"
	"slices"

	"github.com/mirrorsink/mirrorsink/decap"
)

// concurrent is the number of repetitions that are interleaved frame by frame, so that many flows are open at once.
const concurrent = 256

// frame is a frame of a capture, and its time since the first one of all.
type frame struct {
	data  []byte
	nanos int64
}

// repeatTestdata makes the captures from those of testdata, repeated with other addresses.
func repeatTestdata(ctx context.Context, dir string) error {
	frames, err := loadFrames("testdata/plain-*.pcap")
	if err != nil {
		return err
	}
	w, err := createCaptures(dir)
	if err != nil {
		return err
	}
	return errors.Join(repeat(ctx, frames, w.write), w.close())
}

// repeat calls write with at least minPackets frames in the order of time.
func repeat(ctx context.Context, frames []frame, write func(frame) error) error {
	const start = 1_700_000_000e9 // any time will do
	var buf []byte
	length := frames[len(frames)-1].nanos + 1
	for block := 0; block*concurrent*len(frames) < minPackets; block++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, f := range frames {
			for n := range concurrent {
				buf = append(buf[:0], f.data...)
				moveAddresses(buf, uint16(block*concurrent+n))
				if err := write(frame{buf, start + int64(block)*length + f.nanos}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// loadFrames returns the frames of all matching captures, shifted to start at the same time.
func loadFrames(pattern string) (frames []frame, err error) {
	names, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		first := int64(-1)
		err := EachFrame(name, func(d *decap.Datagram) error {
			if first < 0 {
				first = d.Nanos
			}
			frames = append(frames, frame{slices.Clone(d.Data), max(0, d.Nanos-first)})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(frames) == 0 {
		return nil, errors.New("no frames in " + pattern)
	}
	slices.SortStableFunc(frames, func(a, b frame) int { return int(a.nanos - b.nanos) })
	return frames, nil
}

// moveAddresses changes the IP addresses of an Ethernet frame to the n-th variant. It adds n to one 16-bit word at the end of each
// address and subtracts it from the other, in ones' complement. Their sum does not change, so that every checksum over them stays
// valid, also in fragments (RFC 1624).
func moveAddresses(f []byte, n uint16) {
	const ethernet = 14
	var addresses []byte
	var size int
	switch {
	case len(f) >= ethernet+20 && binary.BigEndian.Uint16(f[12:]) == 0x0800:
		addresses, size = f[ethernet+12:ethernet+20], 4
	case len(f) >= ethernet+40 && binary.BigEndian.Uint16(f[12:]) == 0x86dd:
		addresses, size = f[ethernet+8:ethernet+40], 16
	}
	for ; len(addresses) > 0; addresses = addresses[size:] {
		addTo(addresses[size-4:], n)
		addTo(addresses[size-2:], ^n)
	}
}

// addTo adds in ones' complement, in which ^n is -n.
func addTo(b []byte, n uint16) {
	sum := uint32(binary.BigEndian.Uint16(b)) + uint32(n)
	binary.BigEndian.PutUint16(b, uint16(sum+sum>>16))
}
