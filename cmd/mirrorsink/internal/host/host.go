// Package host inspects the machine that receives: buffers, drops, network devices, memory, clock and CPUs. It changes nothing but the CPU
// of the calling thread, when asked to.
package host

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/sessions/doctor"
)

// Needs are what listen asks of a machine.
type Needs struct {
	ReceiveBuffer, Memory flags.Size
	Workers               int
}

// Machine is a Linux machine, as far as receiving depends on it.
type Machine struct {
	root     fs.FS                                          // with proc and sys in it
	counters func(device string) (map[string]uint64, error) // of a network device's driver
	clock    func() (clock, error)
	needs    Needs
}

// clock is how the kernel judges its clock.
type clock struct {
	synchronized bool
	offset       time.Duration // from true time, as the kernel was last set
}

// Check checks one property of a machine. An error means that it cannot be checked.
type Check struct {
	name string
	look func(*Machine) ([]doctor.Finding, error)
}

// Checks are made in this order. docs/doctor.md describes each.
var Checks = []Check{
	{"rmem-max", (*Machine).bufferLimit},
	{"udp-drops", (*Machine).drops},
	{"vxlan-device", (*Machine).vxlanDevice},
	{"interface-mtu", (*Machine).interfaceMTU},
	{"ena-allowance", (*Machine).allowances},
	{"memory-limit", (*Machine).memoryLimit},
	{"clock", (*Machine).clockState},
}

// Diagnose runs all checks. Checks that cannot be made are noted.
func (h *Machine) Diagnose() *doctor.Diagnosis {
	d := &doctor.Diagnosis{Findings: []doctor.Finding{}}
	for _, c := range Checks {
		findings, err := c.look(h)
		if err != nil {
			d.Unchecked = append(d.Unchecked, fmt.Sprintf("%s: %v", c.name, err))
			continue
		}
		d.Add(c.name, findings...)
	}
	return d
}

// text reads a small file.
func (h *Machine) text(name string) (string, error) {
	b, err := fs.ReadFile(h.root, name)
	return strings.TrimSpace(string(b)), err
}

// number reads a file that holds a number.
func (h *Machine) number(name string) (int64, error) {
	text, err := h.text(name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("/%s: %q is no number", name, text)
	}
	return n, nil
}

// device is a network device.
type device struct {
	name   string
	driver string // "" of one that is not hardware
	kind   string // DEVTYPE: vxlan, bridge, …
	mtu    int64
}

// loopback is ARPHRD_LOOPBACK of linux/if_arp.h.
const loopback = "772"

// devices lists the network devices that are not down, but for the loopback.
func (h *Machine) devices() (all []device, err error) {
	entries, err := fs.ReadDir(h.root, "sys/class/net")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		dir := "sys/class/net/" + e.Name() + "/"
		kind, err := h.text(dir + "type")
		if err != nil || kind == loopback { // what is no folder has no type, such as bonding_masters
			continue
		}
		if state, _ := h.text(dir + "operstate"); state == "down" {
			continue
		}
		d := device{name: e.Name(), driver: h.setting(dir+"device/uevent", "DRIVER"), kind: h.setting(dir+"uevent", "DEVTYPE")}
		if d.mtu, err = h.number(dir + "mtu"); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// setting returns a value of a file of KEY=VALUE lines, "" if it has none.
func (h *Machine) setting(name, key string) string {
	text, _ := h.text(name)
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
			return value
		}
	}
	return ""
}

// receiving are the devices on which mirrored packets may arrive: hardware, or what there is in a container.
func (h *Machine) receiving() ([]device, error) {
	all, err := h.devices()
	hardware := func(d device) bool { return d.driver != "" }
	if slices.ContainsFunc(all, hardware) {
		all = slices.DeleteFunc(all, func(d device) bool { return !hardware(d) })
	}
	return all, err
}
