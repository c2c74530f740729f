package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideVariable is set in the process inside the network namespace.
const insideVariable = "MIRRORSINK_BENCH_LIVE_INSIDE"

func inNamespace() bool { return os.Getenv(insideVariable) != "" }

// enterNamespace runs this program again in its own network namespace, which ends with it, and in a mount namespace, whose /sys
// shows the interfaces of the network namespace.
func enterNamespace(ctx context.Context, out io.Writer) error {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideVariable+"=1")
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL, Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("a network namespace needs root: %w", err)
	}
	return cmd.Wait()
}

// A wire is a pair of interfaces. Frames sent into one arrive at the other, where one CPU receives them.
type wire struct {
	sender, receiver         string // the interfaces
	onward                   string // the interface that frames are forwarded into; its other end is not read
	sendingCPU, receivingCPU int
	napi                     int // the receiver's NAPI thread
}

// Addresses of the ends: locally administered MACs, and IPs of the network for benchmarks (RFC 2544).
var (
	senderMAC   = net.HardwareAddr{2, 0xaa, 0, 0, 0, 1}
	receiverMAC = net.HardwareAddr{2, 0xaa, 0, 0, 0, 2}
	senderIP    = [4]byte{198, 18, 0, 1}
	receiverIP  = [4]byte{198, 18, 0, 2}
)

// wireMTU is the MTU of a VPC.
const wireMTU = 9001

// onwardMTU has room for a VLAN tag.
const onwardMTU = " mtu 9216"

// oneQueue gives an interface one queue, and so one NAPI thread.
const oneQueue = " numrxqueues 1 numtxqueues 1"

// newWire creates the interfaces, and disables reverse path filtering for the sender's address.
func newWire(ctx context.Context) (*wire, error) {
	w := &wire{sender: fmt.Sprintf("ms%d", os.Getpid()), receiver: fmt.Sprintf("mr%d", os.Getpid()), onward: fmt.Sprintf("mo%d", os.Getpid())}
	var err error
	if w.sendingCPU, w.receivingCPU, err = twoCPUs(); err != nil {
		return nil, err
	}
	if err := mountSysfs(); err != nil {
		return nil, err
	}
	// With autogroup scheduling (sched(7)) a priority holds within its session only, so this session gets it too.
	_ = os.WriteFile("/proc/self/autogroup", []byte(fmt.Sprint(niceness)), 0)
	for name, value := range map[string]string{
		"net/ipv4/conf/all/rp_filter": "0", "net/ipv4/conf/default/rp_filter": "0", "net/ipv6/conf/all/disable_ipv6": "1",
		"net/ipv6/conf/default/disable_ipv6": "1",
	} {
		if err := os.WriteFile(filepath.Join("/proc/sys", name), []byte(value), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	mtu := fmt.Sprintf(" mtu %d", wireMTU)
	address := net.IP(receiverIP[:]).String() + "/24"
	for _, line := range []string{
		"link set lo up",
		"link add " + w.sender + mtu + " address " + senderMAC.String() + oneQueue + " type veth peer name " + w.receiver +
			mtu + " address " + receiverMAC.String() + oneQueue,
		"addr add " + address + " dev " + w.receiver,
		"link set " + w.receiver + " up",
		"link set " + w.sender + " up",
		"link add " + w.onward + onwardMTU + " type veth peer name " + w.onward + "x" + onwardMTU,
		"link set " + w.onward + "x up",
		"link set " + w.onward + " up",
	} {
		if output, err := exec.CommandContext(ctx, "ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ip %s: %w: %s", line, err, output)
		}
	}
	return w, w.useThread()
}

// mountSysfs mounts a /sys with this namespace's interfaces, for this process and its children.
func mountSysfs() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
		return fmt.Errorf("mount sysfs: %w", err)
	}
	return nil
}
