package rx

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/netif"
)

// RingConfig is where mirrored datagrams are read from the interface itself, before the host's network stack.
type RingConfig struct {
	// Interface is the name of the network interface.
	Interface string
	// Addr is the outer destination, as for UDPConfig. The port is held by a socket, so no other program can have it.
	Addr netip.AddrPort
	// Rings is how many rings share the traffic, each for one worker; 0 means one.
	Rings int
	// Size is each ring's memory in bytes, rounded up to whole blocks; 0 means DefaultRingSize.
	Size int
	// Link is what a datagram starts with: LinkVXLAN or LinkGENEVE.
	Link decap.Link
	// DropBehind makes the kernel drop the datagrams after the rings received them, instead of passing them to its network stack as well.
	// It needs CAP_NET_ADMIN.
	DropBehind bool
	// Changed, if not nil, is called with an error when the interface cannot be received from any more, and with nil once it can again.
	// The calls come one after another, from a goroutine of the rings.
	Changed func(error)
}

// DefaultRingSize holds 16 ms of a million datagrams of a kilobyte in a second.
const DefaultRingSize = 16 << 20

const (
	// ringBlock is the unit in which the kernel hands memory over. A frame must fit: the largest, merged ones, have 64 KiB and
	// their headers. Smaller blocks make the ring last longer for a delayed reader, since each block ends after a millisecond even
	// if it is nearly empty: DefaultRingSize has 128 blocks, so it lasts for 128 ms at any rate that fits.
	ringBlock = 128 << 10
	// leastBlocks lets the kernel fill one block while the reader is in another, and a third hold what a batch points to.
	leastBlocks = 4
	maxRingSize = 2 << 30
	// maxRings is how many members the kernel allows in a fan-out group by default.
	maxRings = 256
)

// withDefaults returns the configuration with its zero values replaced. An error names the invalid value.
func (cfg RingConfig) withDefaults() (RingConfig, error) {
	udp, err := UDPConfig{Addr: cfg.Addr, Link: cfg.Link}.withDefaults()
	if err != nil {
		return cfg, err
	}
	cfg.Addr = udp.Addr
	if cfg.Rings == 0 {
		cfg.Rings = 1
	}
	if cfg.Size == 0 {
		cfg.Size = DefaultRingSize
	}
	switch {
	case !netif.ValidName(cfg.Interface):
		return cfg, fmt.Errorf("%q cannot be the name of an interface", cfg.Interface)
	case cfg.Rings < 0 || cfg.Rings > maxRings:
		return cfg, fmt.Errorf("%d rings: there can be 1 to %d", cfg.Rings, maxRings)
	case cfg.Size < 0 || cfg.Size > maxRingSize:
		return cfg, fmt.Errorf("a ring of %d bytes: there can be up to %d", cfg.Size, maxRingSize)
	case cfg.Changed == nil:
		cfg.Changed = func(error) {}
	}
	cfg.Size = max(leastBlocks*ringBlock, (cfg.Size+ringBlock-1)/ringBlock*ringBlock)
	return cfg, nil
}

// ErrStaleDrop is for a filter of RingConfig.DropBehind that outlived its process and cannot be removed: while it is there,
// sockets receive nothing.
var ErrStaleDrop = errors.New("a tc filter of a mirrorsink that was killed drops mirrored traffic, and CAP_NET_ADMIN is needed to remove it")
