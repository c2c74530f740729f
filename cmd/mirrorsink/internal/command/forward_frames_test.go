package command

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
	"github.com/mirrorsink/mirrorsink/decap/tx/pcap"
)

// aFrame is a frame of a capture, or one that was forwarded.
type aFrame struct {
	vni  uint32
	vlan uint16 // the outermost tag
	data string // without that tag
}

// network is what a forwarded frame may be known by.
func (f aFrame) network() uint32 { return f.vni<<16 | uint32(f.vlan) }

// flowOf names the two ends of a frame and its network, the same for both ways.
func (f aFrame) flowOf(t *testing.T) any {
	t.Helper()
	var p decap.Packet
	d := decap.Datagram{Data: []byte(f.data), Link: decap.LinkEthernet, WireLen: len(f.data)}
	why := (&decap.Decoder{Encapsulation: decap.Never}).Parse(&p, &d)
	require.Contains(t, []decap.Reason{decap.OK, decap.Fragment}, why)
	key, _ := p.Key(0)
	return [2]any{key, f.network()}
}

// captured returns the frames of a capture that can be forwarded: of mirrored copies what is in them.
func captured(t *testing.T, name string) (frames []aFrame) {
	t.Helper()
	c, err := capture.Open(name)
	require.NoError(t, err)
	defer c.Close()
	var b decap.Batch
	for {
		err := c.Read(&b)
		for i := range b.N {
			var p decap.Packet
			if why := new(decap.Decoder).Parse(&p, &b.D[i]); why == decap.OK || why == decap.Fragment {
				frames = append(frames, aFrame{vni: p.VNI, data: string(p.Frame)})
			}
		}
		if errors.Is(err, io.EOF) {
			return frames
		}
		require.NoError(t, err)
	}
}

// untag takes a forwarded frame's outermost tag off.
func untag(frame []byte) aFrame {
	const addresses, tag = 12, 4
	if len(frame) < addresses+tag || binary.BigEndian.Uint16(frame[addresses:]) != 0x8100 {
		return aFrame{data: string(frame)}
	}
	return aFrame{
		vlan: binary.BigEndian.Uint16(frame[addresses+2:]) & 0xfff,
		data: string(frame[:addresses]) + string(frame[addresses+tag:]),
	}
}

// forwardedFiles returns the frames of the capture files in a folder.
func forwardedFiles(t *testing.T, dir string) (frames []aFrame) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		c, err := capture.Open(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		var b decap.Batch
		for err == nil {
			err = c.Read(&b)
			for i := range b.N {
				frames = append(frames, untag(b.D[i].Data))
			}
		}
		require.ErrorIs(t, err, io.EOF)
		require.NoError(t, c.Close())
	}
	return frames
}

// sameFrames checks that frames came once each, as they were, and in the order of their flow. Networks are told apart by VNI in
// want and by tag in got.
func sameFrames(t *testing.T, want, got []aFrame) {
	t.Helper()
	require.Len(t, got, len(want))
	sent, came := byFlow(t, want), byFlow(t, got)
	require.Len(t, came, len(sent), "networks or flows were mixed")
	var left [][]string
	for _, frames := range sent {
		left = append(left, frames)
	}
	for _, frames := range came {
		i := slices.IndexFunc(left, func(other []string) bool { return slices.Equal(other, frames) })
		if assert.GreaterOrEqual(t, i, 0, "a flow of %d frames did not come as it was sent", len(frames)) {
			left = slices.Delete(left, i, i+1)
		}
	}
}

func byFlow(t *testing.T, frames []aFrame) map[any][]string {
	flows := map[any][]string{}
	for _, f := range frames {
		key := f.flowOf(t)
		flows[key] = append(flows[key], f.data)
	}
	return flows
}

// rewrite writes those frames of a capture, as they are, that keep wants.
func rewrite(t *testing.T, name string, keep func(n int, p *decap.Packet) bool) string {
	t.Helper()
	c, err := capture.Open(name)
	require.NoError(t, err)
	defer c.Close()
	path := filepath.Join(t.TempDir(), "kept.pcap")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	w, err := pcap.NewWriter(f)
	require.NoError(t, err)
	var b decap.Batch
	for n := 0; err == nil; {
		err = c.Read(&b)
		for i := range b.N {
			var p decap.Packet
			d := &b.D[i]
			new(decap.Decoder).Parse(&p, d)
			if keep(n, &p) {
				require.NoError(t, w.Write(d.Nanos, d.Data, d.WireLen))
			}
			n++
		}
	}
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, w.Flush())
	return path
}
