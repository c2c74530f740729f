package wire

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// Niceness is the priority of the kernel's thread, the readers and the generator. The first two share a CPU; other processes wait.
const Niceness = -19

// useThread moves the kernel's work for the receiver to a NAPI thread on the reader's CPU.
func (w *Wire) useThread() error {
	// A veth uses NAPI only if frames may be merged and the other end does not send merged ones.
	if err := errors.Join(setFeature(w.Receiver, ethtoolSetGRO, true), setFeature(w.Sender, ethtoolSetTSO, false)); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"threaded": "1",
		// A pause after each batch, like that of a network card with interrupt moderation, which EC2's have. Without it the
		// thread is woken for every batch that is sent.
		"napi_defer_hard_irqs": "1", "gro_flush_timeout": "60000",
	} {
		if err := os.WriteFile(filepath.Join("/sys/class/net", w.Receiver, name), []byte(value), 0); err != nil {
			return fmt.Errorf("threaded NAPI needs Linux 5.12: %w", err)
		}
	}
	for range 100 {
		if w.napi = threadOf(w.Receiver); w.napi != 0 {
			break
		}
		time.Sleep(10 * time.Millisecond) // the kernel names the thread after its start
	}
	if w.napi == 0 {
		return fmt.Errorf("no NAPI thread of %s in /proc", w.Receiver)
	}
	if err := unix.Setpriority(unix.PRIO_PROCESS, w.napi, Niceness); err != nil {
		return fmt.Errorf("priority of the NAPI thread: %w", err)
	}
	return Pin(w.napi, w.ReceivingCPU)
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
