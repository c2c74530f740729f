package host

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap/rx"
)

// This is the machine on which the program runs.
func This(needs Needs) (*Machine, error) {
	return &Machine{root: os.DirFS("/"), counters: rx.DeviceCounters, clock: kernelClock, needs: needs}, nil
}

// timeError is TIME_ERROR of adjtimex(2): the clock is not synchronized.
const timeError = 5

// kernelClock asks the kernel, which changes nothing.
func kernelClock() (clock, error) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return clock{}, fmt.Errorf("adjtimex: %w", err)
	}
	unit := time.Microsecond
	if t.Status&unix.STA_NANO != 0 {
		unit = time.Nanosecond
	}
	return clock{synchronized: state != timeError && t.Status&unix.STA_UNSYNC == 0, offset: time.Duration(t.Offset) * unit}, nil
}
