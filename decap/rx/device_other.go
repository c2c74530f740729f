//go:build !linux

package rx

import (
	"errors"
	"fmt"
)

// DeviceCounters fails: the counters are asked for as Linux wants it.
func DeviceCounters(device string) (map[string]uint64, error) {
	return nil, fmt.Errorf("counters of %s: %w", device, errors.ErrUnsupported)
}
