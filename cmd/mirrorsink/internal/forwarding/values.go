package forwarding

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/decap/tx"
)

// vlanPlan is a flag that says which 802.1Q tags mirror sessions get: "auto", which is the zero value, one each; "off" none; or
// those of a list of VNI=VLAN.
type vlanPlan struct {
	off   bool
	fixed map[uint32]uint16 // by VNI; nil unless there is a list
}

// Set takes auto, off, or a list.
func (p *vlanPlan) Set(text string) error {
	switch text {
	case "auto", "off":
		*p = vlanPlan{off: text == "off"}
		return nil
	}
	fixed := map[uint32]uint16{}
	for pair := range strings.SplitSeq(text, ",") {
		left, right, _ := strings.Cut(strings.TrimSpace(pair), "=")
		vni, errVNI := parseVNI(left)
		vlan, errVLAN := strconv.ParseUint(right, 10, 16)
		if errVNI != nil || errVLAN != nil || vlan < 1 || vlan > tx.MaxVLAN {
			return fmt.Errorf("%q: want auto, off, or VNI=VLAN such as 7=100,8=101, with tags from 1 to %d", pair, tx.MaxVLAN)
		}
		if _, twice := fixed[vni]; twice {
			return fmt.Errorf("VNI %d is given twice", vni)
		}
		fixed[vni] = uint16(vlan)
	}
	*p = vlanPlan{fixed: fixed}
	return nil
}

// String returns the plan as Set takes it.
func (p *vlanPlan) String() string {
	switch {
	case p.off:
		return "off"
	case p.fixed == nil:
		return "auto"
	}
	return flags.Join(slices.Sorted(maps.Keys(p.fixed)), func(vni uint32) string { return fmt.Sprintf("%d=%d", vni, p.fixed[vni]) })
}

// Values returns the plans that have a name.
func (*vlanPlan) Values() []string { return []string{"auto", "off"} }

// Type implements pflag.Value.
func (*vlanPlan) Type() string { return "plan" }

// Auto reports whether each session gets a tag of its own.
func (p *vlanPlan) Auto() bool { return !p.off && p.fixed == nil }

// reorder is a flag for how long, and behind how many others of its flow, a packet is waited for. The zero value is "off".
type reorder struct {
	time    time.Duration
	packets int
}

// defaultReorder is more packets than two ways of a load balancer shuffle in some milliseconds. maxReorder bounds what a flow holds;
// a window of more than a second would delay what comes after each lost packet by as much.
const (
	defaultReorder = 32
	maxReorder     = 1024
)

// Set takes off, or a time and perhaps a number of packets.
func (r *reorder) Set(text string) error {
	if text == "off" {
		*r = reorder{}
		return nil
	}
	first, second, hasNumber := strings.Cut(text, ",")
	d, err := time.ParseDuration(first)
	if err != nil || d <= 0 || d > time.Second {
		return errors.New("want off, or a time up to 1s and perhaps a number of packets, such as 5ms or 5ms,32")
	}
	n := defaultReorder
	if hasNumber {
		if n, err = strconv.Atoi(second); err != nil || n < 1 || n > maxReorder {
			return fmt.Errorf("%q: want a number of packets from 1 to %d", second, maxReorder)
		}
	}
	*r = reorder{d, n}
	return nil
}

// String returns the window as Set takes it.
func (r *reorder) String() string {
	if r.time == 0 {
		return "off"
	}
	return fmt.Sprintf("%v,%d", r.time, r.packets)
}

// Values returns usual windows.
func (*reorder) Values() []string { return []string{"off", "5ms"} }

// Type implements pflag.Value.
func (*reorder) Type() string { return "window" }
