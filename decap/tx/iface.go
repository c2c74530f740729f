package tx

import (
	"fmt"
	"log/slog"

	"github.com/mirrorsink/mirrorsink/decap/netif"
)

// IfaceConfig says how frames are to be put into a network interface.
type IfaceConfig struct {
	// Segment has TCP frames that are longer than the interface takes cut into several. Without it, and for all that is not
	// TCP, such frames are dropped.
	Segment bool
	// Wait has Flush wait for room where a full queue would cost frames: a capture has time. It does not wait for an interface
	// that is down, nor longer than a second for one that takes nothing.
	Wait bool
	// Log is told when the interface goes away and when it is back. It is slog's default if nil.
	Log *slog.Logger
}

// checkName refuses what cannot be an interface's name.
func checkName(name string) error {
	if !netif.ValidName(name) {
		return fmt.Errorf("%q cannot be the name of an interface", name)
	}
	return nil
}
