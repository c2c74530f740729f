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

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// niceness is the priority of the kernel's thread, the readers and the generator. The first two share a CPU; other processes wait.
const niceness = -19

// useThread moves the kernel's work for the receiver to a NAPI thread on the reader's CPU.
func (w *wire) useThread() error {
	// A veth uses NAPI only if frames may be merged and the other end does not send merged ones.
	if err := errors.Join(setFeature(w.receiver, ethtoolSetGRO, true), setFeature(w.sender, ethtoolSetTSO, false)); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"threaded": "1",
		// A pause after each batch, like that of a network card with interrupt moderation, which EC2's have. Without it the
		// thread is woken for every batch that is sent.
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
		time.Sleep(10 * time.Millisecond) // the kernel names the thread after its start
	}
	if w.napi == 0 {
		return fmt.Errorf("no NAPI thread of %s in /proc", w.receiver)
	}
	if err := unix.Setpriority(unix.PRIO_PROCESS, w.napi, niceness); err != nil {
		return fmt.Errorf("priority of the NAPI thread: %w", err)
	}
	return pin(w.napi, w.receivingCPU)
}

// threadOf returns the NAPI thread of an interface, whose name is "napi/INTERFACE-NUMBER"; 0 if there is none.
func threadOf(device string) (pid int) {
	all, _ := os.ReadDir("/proc")
	for _, entry := range all {
		if n, bad := strconv.Atoi(entry.Name()); bad == nil && strings.HasPrefix(figures.ReadText("/proc/"+entry.Name()+"/comm"), "napi/"+device+"-") {
			return n
		}
	}
	return 0
}

// ethtoolValue is struct ethtool_value of linux/ethtool.h.
type ethtoolValue struct{ command, data uint32 }

// Commands of linux/ethtool.h.
const (
	ethtoolSetTSO = 0x1f
	ethtoolSetGRO = 0x2c
)

// setFeature turns a feature of an interface on or off. GRO merges no datagrams here, since no socket has enabled UDP GRO.
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
