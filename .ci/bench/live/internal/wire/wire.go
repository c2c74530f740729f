// Package wire makes a network namespace with a pair of interfaces, whose receiving end works on one CPU.
package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mirrorsink/mirrorsink/.ci/bench/figures"
)

// A Wire is a pair of interfaces. Frames sent into one arrive at the other, where one CPU receives them.
type Wire struct {
	Sender, Receiver         string // the interfaces
	Onward                   string // the interface that frames are forwarded into; its other end is not read
	SendingCPU, ReceivingCPU int
	napi                     int // the receiver's NAPI thread
}

// Addresses of the ends: locally administered MACs, and IPs of the network for benchmarks (RFC 2544).
var (
	SenderMAC   = net.HardwareAddr{2, 0xaa, 0, 0, 0, 1}
	ReceiverMAC = net.HardwareAddr{2, 0xaa, 0, 0, 0, 2}
	SenderIP    = [4]byte{198, 18, 0, 1}
	ReceiverIP  = [4]byte{198, 18, 0, 2}
)

// MTU is the MTU of a VPC.
const MTU = 9001

// onwardMTU has room for a VLAN tag.
const onwardMTU = " mtu 9216"

// oneQueue gives an interface one queue, and so one NAPI thread.
const oneQueue = " numrxqueues 1 numtxqueues 1"

// New creates the interfaces, and disables reverse path filtering for the sender's address.
func New(ctx context.Context) (*Wire, error) {
	w := &Wire{Sender: fmt.Sprintf("ms%d", os.Getpid()), Receiver: fmt.Sprintf("mr%d", os.Getpid()), Onward: fmt.Sprintf("mo%d", os.Getpid())}
	var err error
	if w.SendingCPU, w.ReceivingCPU, err = TwoCPUs(); err != nil {
		return nil, err
	}
	if err := mountSysfs(); err != nil {
		return nil, err
	}
	// With autogroup scheduling (sched(7)) a priority holds within its session only, so this session gets it too.
	_ = os.WriteFile("/proc/self/autogroup", []byte(fmt.Sprint(Niceness)), 0)
	for name, value := range map[string]string{
		"net/ipv4/conf/all/rp_filter": "0", "net/ipv4/conf/default/rp_filter": "0", "net/ipv6/conf/all/disable_ipv6": "1",
		"net/ipv6/conf/default/disable_ipv6": "1",
	} {
		if err := os.WriteFile(filepath.Join("/proc/sys", name), []byte(value), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	mtu := fmt.Sprintf(" mtu %d", MTU)
	address := net.IP(ReceiverIP[:]).String() + "/24"
	for _, line := range []string{
		"link set lo up",
		"link add " + w.Sender + mtu + " address " + SenderMAC.String() + oneQueue + " type veth peer name " + w.Receiver +
			mtu + " address " + ReceiverMAC.String() + oneQueue,
		"addr add " + address + " dev " + w.Receiver,
		"link set " + w.Receiver + " up",
		"link set " + w.Sender + " up",
		"link add " + w.Onward + onwardMTU + " type veth peer name " + w.Onward + "x" + onwardMTU,
		"link set " + w.Onward + "x up",
		"link set " + w.Onward + " up",
	} {
		if output, err := exec.CommandContext(ctx, "ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ip %s: %w: %s", line, err, output)
		}
	}
	return w, w.useThread()
}

// Arrived returns the number of packets that arrived at the receiver.
func (w *Wire) Arrived() (float64, error) {
	return strconv.ParseFloat(figures.ReadText(filepath.Join("/sys/class/net", w.Receiver, "statistics/rx_packets")), 64)
}

// ThreadNanos returns the CPU time of the kernel's thread.
func (w *Wire) ThreadNanos() (int64, error) { return CPUNanos(w.napi) }
