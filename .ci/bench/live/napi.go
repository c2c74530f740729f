package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// niceness is the priority of the kernel's thread, of the readers and of the generator. The former share their CPU, while others
// that want one wait.
const niceness = -19

// useThread has a thread do the kernel's work for the receiver, on the CPU that the reader will be on.
func (w *wire) useThread() error {
	// A veth leaves the work to NAPI only where frames may be merged, and where the other end does not send merged ones.
	if err := errors.Join(setFeature(w.receiver, ethtoolSetGRO, true), setFeature(w.sender, ethtoolSetTSO, false)); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"threaded": "1",
		// After each batch there is a pause before the next one, as with a network card that moderates its interrupts. Those of
		// EC2 do. Without it the thread is woken for every batch that is sent.
		"napi_defer_hard_irqs": "1", "gro_flush_timeout": "60000",
	} {
		if err := os.WriteFile(filepath.Join("/sys/class/net", w.receiver, name), []byte(value), 0); err != nil {
			return fmt.Errorf("threaded NAPI needs Linux 5.12: %w", err)
		}
	}
	for range 100 {
		if w.napi = threadOf(w.receiver); w.napi != 0 {
			break
		}
		time.Sleep(10 * time.Millisecond) // it is named after it has begun
	}
	if w.napi == 0 {
		return fmt.Errorf("no NAPI thread of %s in /proc", w.receiver)
	}
	if err := unix.Setpriority(unix.PRIO_PROCESS, w.napi, niceness); err != nil {
		return fmt.Errorf("priority of the NAPI thread: %w", err)
	}
	return pin(w.napi, w.receivingCPU)
}

// threadOf finds an interface's NAPI thread, whose name is "napi/", the interface's, and a number. It is 0 if there is none.
func threadOf(device string) (pid int) {
	all, _ := os.ReadDir("/proc")
	for _, entry := range all {
		if n, bad := strconv.Atoi(entry.Name()); bad == nil && strings.HasPrefix(slurp("/proc/"+entry.Name()+"/comm"), "napi/"+device+"-") {
			return n
		}
	}
	return 0
}

// ethtoolValue is struct ethtool_value of linux/ethtool.h.
type ethtoolValue struct{ command, data uint32 }

// Of linux/ethtool.h.
const (
	ethtoolSetTSO = 0x1f
	ethtoolSetGRO = 0x2c
)

// setFeature turns a feature of an interface on or off. GRO merges none of our datagrams, as nobody has asked for merged ones.
func setFeature(device string, command uint32, on bool) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	value := ethtoolValue{command: command}
	if on {
		value.data = 1
	}
	request := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte // struct ifreq is longer
	}{data: unsafe.Pointer(&value)}
	copy(request.name[:unix.IFNAMSIZ-1], device)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		return fmt.Errorf("set feature %#x of %s: %w", command, device, errno)
	}
	return nil
}
