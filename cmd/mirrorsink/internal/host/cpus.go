package host

import (
	"errors"
	"slices"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

// CheckCPUs reports which of the CPUs this process cannot use. The calling goroutine must not be on a thread of its own.
func CheckCPUs(l flags.CPUs) error {
	if len(l) == 0 {
		return nil
	}
	allowed, err := UsableCPUs()
	if errors.Is(err, errors.ErrUnsupported) {
		return flags.Usagef("--cpus: only on Linux can a worker keep to a CPU")
	}
	if err != nil {
		return err
	}
	without := slices.DeleteFunc(slices.Clone(l), func(n int) bool { return slices.Contains(allowed, n) })
	if len(without) > 0 {
		return flags.Usagef("--cpus %v: %v not there, or not allowed to this process, which may use %v", &l, &without, &allowed)
	}
	return nil
}
