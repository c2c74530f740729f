// Package iface is the target that puts frames into a network interface: one of the host's (Open), or a tap that it makes (OpenTap).
// While the interface is down or gone, frames are dropped and counted; it is used again as soon as it is back. It needs Linux.
package iface

import (
	"fmt"
	"log/slog"

	"github.com/mirrorsink/mirrorsink/decap/netif"
)

// Config is how frames are put into an interface.
type Config struct {
	// Segment cuts TCP frames that are longer than the interface takes into segments. Without it such frames are dropped, as are
	// frames of other protocols.
	Segment bool
	// Wait makes Flush wait for room where a full queue would cost frames, for captures. It does not wait for an interface that is
	// down, nor longer than a second for one that takes nothing.
	Wait bool
	// Log gets a line when the interface goes away and when it is back. It is slog's default if nil.
	Log *slog.Logger
}

// checkName refuses what cannot be an interface's name.
func checkName(name string) error {
	if !netif.ValidName(name) {
		return fmt.Errorf("%q cannot be the name of an interface", name)
	}
	return nil
}
