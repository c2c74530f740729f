package rx

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestDeviceCounters(t *testing.T) {
	_, err := DeviceCounters("no-such-device0")
	require.ErrorIs(t, err, unix.ENODEV)

	devices, err := net.Interfaces()
	require.NoError(t, err)
	asked := 0
	for _, d := range devices {
		counters, err := DeviceCounters(d.Name)
		if err != nil {
			assert.ErrorIs(t, err, unix.EOPNOTSUPP, d.Name)
			continue
		}
		for name := range counters {
			asked++
			assert.Regexp(t, `^[ -~]+$`, name, "%s: the name is text", d.Name)
		}
	}
	if asked == 0 {
		t.Skip("no device here has a driver with counters")
	}
}
