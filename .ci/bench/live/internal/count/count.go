// Package count counts received packets and does nothing else, for comparison with mirrorsink.
package count

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/mirrorsink/mirrorsink/.ci/bench/live/internal/metrics"
	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/rx"
)

// The methods of receiving of the readers that only count.
const (
	Recvmmsg    = "recvmmsg"
	Ring        = "ring"
	RingAndDrop = "ring-tc"
)

// bufferSize is the size of every socket buffer and every ring: mirrorsink's default.
const bufferSize = 16 << 20

// anyAddress is mirrorsink's default address.
var anyAddress = netip.AddrPortFrom(netip.IPv4Unspecified(), decap.PortVXLAN)

// Run counts datagrams until ctx ends, and serves the counts like mirrorsink.
func Run(ctx context.Context, method, device string) error {
	switch method {
	case Recvmmsg:
		return countSocket(ctx)
	case Ring, RingAndDrop:
		return countRing(ctx, rx.RingConfig{
			Interface: device, Addr: anyAddress, Size: bufferSize, Link: decap.LinkVXLAN, DropBehind: method == RingAndDrop,
		})
	}
	return fmt.Errorf("no method %q: want %s, %s or %s", method, Recvmmsg, Ring, RingAndDrop)
}

// countRing counts the datagrams of package rx's ring.
func countRing(ctx context.Context, cfg rx.RingConfig) error {
	rings, err := rx.ListenRing(cfg)
	if err != nil {
		return err
	}
	ring := rings[0]
	defer ring.Close() // waits for the close below: the drop filter must be removed before the process ends
	context.AfterFunc(ctx, func() { _ = ring.Close() })
	metrics.Serve(ring.Received, ring.Drops)
	var b decap.Batch
	for {
		if err := ring.Read(&b); errors.Is(err, os.ErrClosed) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
