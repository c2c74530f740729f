package view

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// liveTable is a view that draws the table of named flows on a terminal, each second anew in the same place.
type liveTable struct {
	flowTable
	tty    *os.File
	color  bool
	drawn  int // lines on the screen
	cancel context.CancelFunc
	drawer sync.WaitGroup
}

func newLiveTable(tty *os.File) *liveTable {
	return &liveTable{tty: tty, color: os.Getenv("NO_COLOR") == ""}
}

// Terminal control sequences (ECMA-48).
const (
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	eraseBelow = "\x1b[J"
	bold       = "\x1b[1m"
	plain      = "\x1b[0m"
)

func (t *liveTable) Begin(ctx context.Context) {
	ctx, t.cancel = context.WithCancel(ctx)
	fmt.Fprint(t.tty, hideCursor)
	t.drawer.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for ctx.Err() == nil {
			t.draw()
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	})
}

// End leaves the last state of the table on the screen.
func (t *liveTable) End() {
	t.cancel()
	t.drawer.Wait()
	t.draw()
	fmt.Fprint(t.tty, showCursor)
}

func (t *liveTable) draw() {
	width, height, err := term.GetSize(int(t.tty.Fd()))
	if err != nil {
		return
	}
	lines := t.render(width-1, height-2)
	head := "\r"
	if t.drawn > 0 {
		head = fmt.Sprintf("\x1b[%dA\r", t.drawn)
	}
	t.drawn = len(lines)
	if t.color {
		lines[0] = bold + lines[0] + plain
	}
	fmt.Fprint(t.tty, head+eraseBelow+strings.Join(lines, "\n")+"\n")
}
