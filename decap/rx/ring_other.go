//go:build !linux

package rx

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/mirrorsink/mirrorsink/decap"
)

// Ring is one packet ring of a group that ListenRing opened. There are none on this system.
type Ring struct{}

// ListenRing fails: packet rings are Linux's.
func ListenRing(cfg RingConfig) ([]*Ring, error) {
	return nil, fmt.Errorf("listen on ring %s: a packet ring needs Linux: %w", cfg.Interface, errors.ErrUnsupported)
}

// RemoveStaleDrops finds nothing.
func RemoveStaleDrops() ([]string, error) { return nil, nil }

// Read returns os.ErrClosed.
func (r *Ring) Read(*decap.Batch) error { return os.ErrClosed }

// Close does nothing.
func (r *Ring) Close() error { return nil }

// Addr returns the zero address.
func (r *Ring) Addr() netip.AddrPort { return netip.AddrPort{} }

// Received returns 0.
func (r *Ring) Received() uint64 { return 0 }

// Truncated returns 0.
func (r *Ring) Truncated() uint64 { return 0 }

// Drops returns 0.
func (r *Ring) Drops() uint64 { return 0 }

// Freezes returns 0.
func (r *Ring) Freezes() uint64 { return 0 }

// Lost returns 0.
func (r *Ring) Lost() uint64 { return 0 }

// Warnings returns nil.
func (r *Ring) Warnings() []string { return nil }
