package captures

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

func TestMakeOnce(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "new")
	dir := filepath.Join(parent, "captures")
	broken := errors.New("broken")
	err := makeOnce(dir, func(tmp string) error {
		require.NoError(t, os.WriteFile(filepath.Join(tmp, plainName), nil, 0o600))
		return broken
	})
	require.ErrorIs(t, err, broken)
	left, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Empty(t, left, "a failure leaves no files")

	require.NoError(t, makeOnce(dir, func(tmp string) error {
		return os.WriteFile(filepath.Join(tmp, plainName), nil, 0o600)
	}))
	require.FileExists(t, filepath.Join(dir, plainName))
}

// TestRepeat: repeated captures are in the order of time, have other flows in each repetition, and keep every valid or invalid
// checksum as it was.
func TestRepeat(t *testing.T) {
	t.Chdir("../../../..")
	frames, err := loadFrames("testdata/plain-*.pcap")
	require.NoError(t, err)
	n, last, flows := 0, int64(0), map[decap.Key]bool{}
	blocks := testform.Pick(2, (minPackets-1)/(concurrent*len(frames))+1)
	enough := errors.New("enough for the short form")
	compared := testform.Pick(2, 8) // variants besides the last
	err = repeat(t.Context(), frames, func(f frame) error {
		if n == blocks*concurrent*len(frames) {
			return enough
		}
		require.GreaterOrEqual(t, f.nanos, last)
		variant, original := n%concurrent, frames[n/concurrent%len(frames)]
		n, last = n+1, f.nanos
		if variant >= compared && variant < concurrent-1 {
			return nil
		}
		was, is := parse(original.data), parse(f.data)
		require.Equal(t, was.VerifyChecksums(), is.VerifyChecksums())
		require.Equal(t, was.IPLen, is.IPLen)
		if is.Version != 0 {
			key, _ := is.Key(0)
			flows[key] = true
		}
		return nil
	})
	if testform.Long {
		require.NoError(t, err)
		require.GreaterOrEqual(t, n, minPackets)
	} else {
		require.ErrorIs(t, err, enough)
	}
	repetitions := n / len(frames)
	require.Greater(t, len(flows), repetitions/concurrent*(compared+1)*10, "the captures have more than ten flows")
}

func parse(f []byte) (p decap.Packet) {
	new(decap.Decoder).Parse(&p, &decap.Datagram{Data: f, WireLen: len(f)})
	return p
}

func TestRepeatStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, repeat(ctx, []frame{{}}, nil), context.Canceled)
}

// TestRepeatTestdata makes the whole captures, as on a machine without the reference material.
func TestRepeatTestdata(t *testing.T) {
	if !testform.Long {
		t.Skip("writes 600 MB: run with MIRRORSINK_LONG_TESTS=1")
	}
	t.Chdir("../../../..")
	dir := t.TempDir()
	require.NoError(t, repeatTestdata(t.Context(), dir))
	plain, err := countPackets(filepath.Join(dir, plainName))
	require.NoError(t, err)
	mirrored, err := countPackets(filepath.Join(dir, mirroredName))
	require.NoError(t, err)
	require.GreaterOrEqual(t, plain, minPackets)
	require.Equal(t, plain, mirrored)
}
