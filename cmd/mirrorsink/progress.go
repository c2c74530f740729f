package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// progressEvery is how often the progress bar is drawn.
const progressEvery = 200 * time.Millisecond

// progress draws one line on a terminal, over and over, while a capture is read. Without a terminal it does nothing.
type progress struct {
	w     io.Writer // nil: no terminal
	width int
	start time.Time
}

func newProgress(stderr io.Writer, quiet bool) *progress {
	width, ok := terminalWidth(stderr)
	if !ok || quiet {
		return &progress{}
	}
	return &progress{w: stderr, width: width, start: time.Now()}
}

// terminalWidth returns how many columns w has; ok is false if it is no terminal.
func terminalWidth(w io.Writer) (width int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	return width, err == nil
}

// draw shows how far the reading has come: offset of size bytes, or of an unknown number if size is 0.
func (p *progress) draw(offset, size int64, c event.Counters) {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K"+progressLine(p.width-1, offset, size, &c, time.Since(p.start)))
	}
}

// clear takes the line away.
func (p *progress) clear() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// progressLine returns the bar and its figures in at most width columns.
func progressLine(width int, offset, size int64, c *event.Counters, elapsed time.Duration) string {
	rate := float64(c.Datagrams) / max(elapsed.Seconds(), 1e-3)
	return barLine(width, offset, size, fmt.Sprintf("%.0f packets/s, %d flows", rate, c.FlowsNew))
}

// barLine returns a bar of offset in size bytes, and figures, in at most width columns; the bar takes what the figures leave.
// Without a size there is none.
func barLine(width int, offset, size int64, figures string) string {
	if size <= 0 {
		figures = approximately(offset) + ", " + figures
		return figures[:min(len(figures), max(width, 0))]
	}
	done := min(float64(offset)/float64(size), 1)
	figures = fmt.Sprintf("%3.0f%% of %s, %s", 100*done, approximately(size), figures)
	if bar := width - len(figures) - len("[] "); bar >= 10 {
		filled := int(done * float64(bar))
		return "[" + strings.Repeat("=", filled) + strings.Repeat(" ", bar-filled) + "] " + figures
	}
	return figures[:min(len(figures), max(width, 0))]
}

// approximately returns a number of bytes in a unit that leaves few digits.
func approximately(bytes int64) string {
	for _, u := range byteUnits[:3] {
		if bytes >= u.bytes {
			return fmt.Sprintf("%.1f %s", float64(bytes)/float64(u.bytes), u.name)
		}
	}
	return fmt.Sprintf("%d B", bytes)
}
