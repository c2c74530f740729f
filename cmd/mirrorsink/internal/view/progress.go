package view

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// ProgressEvery is how often the progress bar is drawn.
const ProgressEvery = 200 * time.Millisecond

// Progress draws one line on a terminal, over and over, while a capture is read. Without a terminal it does nothing.
type Progress struct {
	w     io.Writer // nil: no terminal
	width int
	start time.Time
}

func NewProgress(stderr io.Writer, quiet bool) *Progress {
	width, ok := TerminalWidth(stderr)
	if !ok || quiet {
		return &Progress{start: time.Now()}
	}
	return &Progress{w: stderr, width: width, start: time.Now()}
}

// TerminalWidth returns how many columns w has; ok is false if it is no terminal.
func TerminalWidth(w io.Writer) (width int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	return width, err == nil
}

// Draw shows how far the reading has come: offset of size bytes, or of an unknown number if size is 0.
func (p *Progress) Draw(offset, size int64, c event.Counters) {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K"+progressLine(p.width-1, offset, size, &c, time.Since(p.start)))
	}
}

// Clear takes the line away.
func (p *Progress) Clear() {
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
		figures = flags.Size(offset).Approximate() + ", " + figures
		return figures[:min(len(figures), max(width, 0))]
	}
	done := min(float64(offset)/float64(size), 1)
	figures = fmt.Sprintf("%3.0f%% of %s, %s", 100*done, flags.Size(size).Approximate(), figures)
	if bar := width - len(figures) - len("[] "); bar >= 10 {
		filled := int(done * float64(bar))
		return "[" + strings.Repeat("=", filled) + strings.Repeat(" ", bar-filled) + "] " + figures
	}
	return figures[:min(len(figures), max(width, 0))]
}
