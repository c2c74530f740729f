package rx

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
)

// UDPConfig is where mirrored datagrams are received.
type UDPConfig struct {
	// Addr is the local address and port. Port 0 takes a free one. The IPv6 wildcard receives IPv4 too.
	Addr netip.AddrPort
	// Sockets is how many sockets share the address, each for one worker; 0 means one.
	Sockets int
	// ReceiveBuffer is each socket's buffer in bytes, as SO_RCVBUF takes it; 0 leaves the kernel's default.
	ReceiveBuffer int
	// Link is what a datagram starts with: LinkVXLAN or LinkGENEVE.
	Link decap.Link
}

// pollInterval is after how long a Read on a quiet wire returns an empty batch. It lets a worker age its flows ten times a second, which
// is fine enough for timeouts of seconds and costs nothing that can be measured.
const pollInterval = 100 * time.Millisecond

// maxSockets is far more than there are cores to serve them; the kernel's own bound for a group is 65535.
const maxSockets = 1024

// withDefaults returns the configuration with its zero values replaced. An error names the invalid value.
func (cfg UDPConfig) withDefaults() (UDPConfig, error) {
	cfg.Addr = netip.AddrPortFrom(cfg.Addr.Addr().Unmap(), cfg.Addr.Port())
	if cfg.Sockets == 0 {
		cfg.Sockets = 1
	}
	switch {
	case !cfg.Addr.IsValid():
		return cfg, errors.New("no address given")
	case cfg.Addr.Addr().Zone() != "":
		return cfg, errors.New("an address with a zone is not supported: mirrored traffic is routed")
	case cfg.Sockets < 0 || cfg.Sockets > maxSockets:
		return cfg, fmt.Errorf("%d sockets: there can be 1 to %d", cfg.Sockets, maxSockets)
	case cfg.ReceiveBuffer < 0 || cfg.ReceiveBuffer > math.MaxInt32/2:
		return cfg, fmt.Errorf("a receive buffer of %d bytes: there can be 0 to %d", cfg.ReceiveBuffer, math.MaxInt32/2)
	case cfg.Link != decap.LinkVXLAN && cfg.Link != decap.LinkGENEVE:
		return cfg, errors.New("a mirror socket receives VXLAN or GENEVE")
	}
	return cfg, nil
}
