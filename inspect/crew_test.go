package inspect_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap/rx/capture"
	"github.com/mirrorsink/mirrorsink/inspect"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// said prints all of an event but where in its batch the texts lie.
func said(b *event.Batch, e *event.Event) string {
	w := e.Window
	texts := fmt.Sprintf("%q %q %q %q", b.Text(e.Name), b.Text(w.SNI), b.Text(w.DNSName), b.Text(w.JA4))
	for _, f := range b.Fields(e) {
		if f.Kind == l7.String {
			texts += fmt.Sprintf(" %s=%q", f.Key, b.Text(f.Text))
		} else {
			texts += fmt.Sprintf(" %s=%d/%d", f.Key, f.Num(), f.Kind)
		}
	}
	plain := *e
	plain.Name, plain.Fields = event.Span{}, event.Span{}
	plain.Window.SNI, plain.Window.DNSName, plain.Window.JA4 = event.Span{}, event.Span{}, event.Span{}
	return fmt.Sprintf("%+v %s", plain, texts)
}

func (c *collected) said() (lines []string) {
	for _, b := range c.batches {
		for i := range b.Events {
			lines = append(lines, said(b, &b.Events[i]))
		}
	}
	return lines
}

// runner is a worker or a crew.
type runner interface {
	Run() error
	Counters() event.Counters
}

// replayWith inspects a capture with so many workers, 0 for one without a crew.
func replayWith(t *testing.T, file string, workers int, interval time.Duration) ([]string, event.Counters) {
	src, err := capture.Open(file)
	if err != nil {
		return nil, event.Counters{}
	}
	defer src.Close()
	var out collected
	cfg := inspect.Config{Memory: inspect.Share(16 << 20), Interval: interval}
	var r runner = inspect.New(cfg, src, &out)
	if workers > 0 {
		r = inspect.NewCrew(cfg, workers, src, &out)
	}
	var damaged *capture.CorruptError
	if err := r.Run(); err != nil && !errors.As(err, &damaged) {
		require.NoError(t, err, file)
	}
	return out.said(), r.Counters()
}

// TestCrewsTellTheSame: the events and the counters of a capture are the same whatever the number of workers.
func TestCrewsTellTheSame(t *testing.T) {
	for _, file := range captures(t) {
		crews := []int{1, 2, 3, 8}
		if strings.Contains(file, "shared") {
			crews = []int{3} // there are many
		}
		for _, interval := range []time.Duration{0, 10 * time.Second} {
			want, counted := replayWith(t, file, 0, interval)
			slices.Sort(want)
			for _, workers := range crews {
				got, n := replayWith(t, file, workers, interval)
				slices.Sort(got)
				how := fmt.Sprintf("%s, %d workers, windows of %v", filepath.Base(file), workers, interval)
				for i := range min(len(want), len(got)) {
					require.Equal(t, want[i], got[i], how)
				}
				require.Len(t, got, len(want), how)
				require.Equal(t, counted, n, how)
			}
		}
	}
}
