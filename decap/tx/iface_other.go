//go:build !linux

package tx

import (
	"errors"
	"fmt"
)

// OpenIface fails: packet sockets are Linux's.
func OpenIface(name string, _ IfaceConfig) (Target, error) { return nil, onlyOnLinux("iface:", name) }

// OpenTap fails: taps are made on Linux only.
func OpenTap(name string, _ IfaceConfig) (Target, error) { return nil, onlyOnLinux("tap:", name) }

func onlyOnLinux(kind, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return fmt.Errorf("%s%s needs Linux: %w", kind, name, errors.ErrUnsupported)
}
