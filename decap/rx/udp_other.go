//go:build !linux

package rx

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/mirrorsink/mirrorsink/decap"
)

// UDP is one socket of a group that ListenUDP opened. There are none on this system.
type UDP struct{}

// ListenUDP fails: the live source needs Linux, for its batched reads, steering and drop counters.
func ListenUDP(cfg UDPConfig) ([]*UDP, error) {
	return nil, fmt.Errorf("listen on udp %s: receiving mirrored traffic needs Linux: %w", cfg.Addr, errors.ErrUnsupported)
}

// Read returns os.ErrClosed.
func (u *UDP) Read(*decap.Batch) error { return os.ErrClosed }

// Close does nothing.
func (u *UDP) Close() error { return nil }

// Addr returns the zero address.
func (u *UDP) Addr() netip.AddrPort { return netip.AddrPort{} }

// Received returns 0.
func (u *UDP) Received() uint64 { return 0 }

// Truncated returns 0.
func (u *UDP) Truncated() uint64 { return 0 }

// Drops returns 0.
func (u *UDP) Drops() uint64 { return 0 }

// Warnings returns nil.
func (u *UDP) Warnings() []string { return nil }
