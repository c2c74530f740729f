//go:build !linux

package iface

import (
	"errors"
	"fmt"

	"github.com/mirrorsink/mirrorsink/decap/tx"
)

// Open fails: packet sockets need Linux.
func Open(name string, _ Config) (tx.Target, error) { return nil, needsLinux("iface:", name) }

// OpenTap fails: taps need Linux.
func OpenTap(name string, _ Config) (tx.Target, error) { return nil, needsLinux("tap:", name) }

func needsLinux(kind, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return fmt.Errorf("%s%s needs Linux: %w", kind, name, errors.ErrUnsupported)
}
