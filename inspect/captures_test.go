package inspect_test

import (
	"errors"
	"io"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
	"github.com/mirrorsink/mirrorsink/inspect"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// captures returns the captures of testdata, and those of the public corpus if it is there.
func captures(t *testing.T) (files []string) {
	for _, pattern := range []string{"../testdata/*.pcap*", "../../shared/corpus/dev/pcaps/*"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		if len(found) == 0 {
			t.Logf("skipped: there is no %s", pattern)
		}
		files = append(files, testform.Some(found)...)
	}
	require.NotEmpty(t, files)
	return files
}

type collected struct{ batches []*event.Batch }

func (c *collected) Events(b *event.Batch) { c.batches = append(c.batches, b) }

// replay inspects a capture. A damaged one ends early, as it should.
func replay(t *testing.T, file string) (*collected, event.Counters) {
	src, err := capture.Open(file)
	if err != nil {
		return new(collected), event.Counters{}
	}
	defer src.Close()
	var out collected
	w := inspect.New(inspect.Config{Memory: inspect.Share(4 << 20)}, src, &out)
	var damaged *capture.CorruptError
	if err := w.Run(); err != nil && !errors.As(err, &damaged) {
		require.NoError(t, err, file)
	}
	return &out, w.Counters()
}

// frames counts what the source gives.
func frames(t *testing.T, file string) (n uint64) {
	src, err := capture.Open(file)
	if err != nil {
		return 0
	}
	defer src.Close()
	var b decap.Batch
	for err == nil {
		err = src.Read(&b)
		n += uint64(b.N)
	}
	var damaged *capture.CorruptError
	if !errors.As(err, &damaged) {
		require.ErrorIs(t, err, io.EOF, file)
	}
	return n
}

// TestIdentities holds over every capture: each frame ends in one reason, each flow in one event, each event is counted,
// and a second replay says the same to the byte.
func TestIdentities(t *testing.T) {
	for _, file := range captures(t) {
		out, n := replay(t, file)
		again, m := replay(t, file)
		require.Equal(t, n, m, file)
		require.True(t, reflect.DeepEqual(out, again), file)
		var reasons, hints uint64
		for _, r := range n.Reasons {
			reasons += r
		}
		for _, h := range n.Hints {
			hints += h
		}
		var events [event.Kinds]uint64
		for _, b := range out.batches {
			for i := range b.Events {
				events[b.Events[i].Kind]++
			}
		}
		require.Equal(t, frames(t, file), n.Datagrams, file)
		require.Equal(t, n.Datagrams, reasons, file)
		require.Equal(t, n.Events, events, file)
		require.Equal(t, n.FlowsNew, events[event.Flow], file)
		require.Equal(t, hints, events[event.AppLayer], file)
	}
}
