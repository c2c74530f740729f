//go:build !linux

package host

import (
	"errors"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

// UsableCPUs fails: where live traffic cannot be received no worker needs a CPU of its own.
func UsableCPUs() (flags.CPUs, error) { return nil, errors.ErrUnsupported }

// PinThread fails like UsableCPUs.
func PinThread(int) error { return errors.ErrUnsupported }
