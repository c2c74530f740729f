package rx

import (
	"bytes"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Of linux/ethtool.h: struct ethtool_gstrings is a command, a string set, a count and the names; struct ethtool_stats a command,
// a count and the values.
const (
	statNames     = 1  // ETH_SS_STATS, a string set
	nameSize      = 32 // ETH_GSTRING_LEN
	namesOffset   = 12
	maxCounters   = 1 << 16
	wordsForNames = nameSize / 8
)

// DeviceCounters returns the counters that the driver of a network device keeps, by the names that "ethtool -S" shows. It
// needs no privilege.
func DeviceCounters(device string) (map[string]uint64, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("counters of %s: %w", device, err)
	}
	defer unix.Close(fd)
	info, err := unix.IoctlGetEthtoolDrvinfo(fd, device)
	if err != nil {
		return nil, fmt.Errorf("counters of %s: %w", device, err)
	}
	n := int(info.N_stats)
	if n == 0 || n > maxCounters {
		return nil, nil
	}
	names, values := make([]uint64, 2+n*wordsForNames), make([]uint64, 1+n) // of words, so that they are aligned
	if err := ethtool(fd, device, names, unix.ETHTOOL_GSTRINGS, statNames, uint32(n)); err != nil {
		return nil, fmt.Errorf("names of the counters of %s: %w", device, err)
	}
	if err := ethtool(fd, device, values, unix.ETHTOOL_GSTATS, uint32(n)); err != nil {
		return nil, fmt.Errorf("counters of %s: %w", device, err)
	}
	text := unsafe.Slice((*byte)(unsafe.Pointer(&names[0])), len(names)*8)[namesOffset:]
	counters := make(map[string]uint64, n)
	for i, v := range values[1:] {
		name, _, _ := bytes.Cut(text[i*nameSize:(i+1)*nameSize], []byte{0})
		counters[string(name)] = v
	}
	return counters, nil
}

// ifreq is struct ifreq of net/if.h with a pointer in its union.
type ifreq struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [24 - unsafe.Sizeof(uintptr(0))]byte
}

// ethtool writes a structure's first fields, and lets the kernel fill in the rest.
func ethtool(fd int, device string, into []uint64, fields ...uint32) error {
	copy(unsafe.Slice((*uint32)(unsafe.Pointer(&into[0])), len(fields)), fields)
	r := ifreq{data: unsafe.Pointer(&into[0])}
	copy(r.name[:unix.IFNAMSIZ-1], device)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&r))); errno != 0 {
		return errno
	}
	return nil
}
