// Package view draws for people: progress bars, tables and lines of named flows, on terminals and elsewhere. Text from the network is made
// printable before it is shown.
package view

import (
	"context"
	"io"
	"os"

	"github.com/mirrorsink/mirrorsink/inspect"
)

// Display is what the demo shows of the events: nothing, lines, or a table. It is a sink.
type Display interface {
	inspect.Sink
	// Begin starts showing; it shows until end, which must follow.
	Begin(ctx context.Context)
	End()
}

// New chooses what suits standard output.
func New(stdout io.Writer, eve bool) Display {
	if eve {
		return nothing{}
	}
	if f, isFile := stdout.(*os.File); isFile {
		if _, ok := TerminalWidth(f); ok {
			return newLiveTable(f)
		}
	}
	return &flowLines{w: stdout}
}
