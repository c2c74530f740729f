package parallel

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
	"github.com/mirrorsink/mirrorsink/inspect"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// captures returns the captures of testdata, and those of the public corpus if it is there.
func captures(t *testing.T) (files []string) {
	for _, pattern := range []string{"../../testdata/*.pcap*", "../../../shared/corpus/dev/pcaps/*"} {
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

// runner is a worker or a parallel replay.
type runner interface {
	Run() error
	Counters() event.Counters
}

// replayWith inspects a capture with a number of workers, 0 for a worker alone. It returns the sorted events.
func replayWith(t *testing.T, file string, workers int, interval time.Duration) ([]string, event.Counters) {
	src, err := capture.Open(file)
	if err != nil {
		return nil, event.Counters{}
	}
	defer src.Close()
	var out collected
	cfg := inspect.Config{Memory: inspect.Share(16 << 20), Interval: interval}
	cfg.Memory.Streams *= 4 // much waits of some flows
	var r runner = inspect.New(cfg, src, &out)
	if workers > 0 {
		r, err = New(cfg, workers, src, &out)
		require.NoError(t, err)
	}
	var damaged *capture.CorruptError
	if err := r.Run(); err != nil && !errors.As(err, &damaged) {
		require.NoError(t, err, file)
	}
	return out.printed(), r.Counters()
}

// TestSameEvents: the events and the counters of a capture are the same whatever the number of workers, where the memory that they share
// suffices.
func TestSameEvents(t *testing.T) {
	// Numbers of workers by the length of windows. A part of them is tried in the short form, and of other captures than testdata's, of
	// which there are many.
	numbers := map[time.Duration][]int{0: {1, 3, 2, 8}, 10 * time.Second: {2, 8, 1, 3}}
	for i, file := range captures(t) {
		shared := strings.Contains(file, "shared")
		for interval, numbers := range numbers {
			if shared && !testform.Long && (i%2 == 0) == (interval == 0) {
				continue // each of them with one length in the short form
			}
			want, counted := replayWith(t, file, 0, interval)
			n := testform.Pick(2, 4)
			if shared {
				n = 1
			}
			for _, workers := range numbers[:n] {
				got, n := replayWith(t, file, workers, interval)
				how := fmt.Sprintf("%s, %d workers, windows of %v", filepath.Base(file), workers, interval)
				for i := range min(len(want), len(got)) {
					if want[i] != got[i] {
						require.Equal(t, want[i], got[i], how)
					}
				}
				require.Len(t, got, len(want), how)
				require.Equal(t, counted, n, how)
			}
		}
	}
}
