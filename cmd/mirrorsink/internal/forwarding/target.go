package forwarding

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/decap/netif"
	"github.com/mirrorsink/mirrorsink/decap/tx/pcap"
)

// targetKind is a way of forwarding frames.
type targetKind uint8

const (
	ifaceTarget targetKind = iota
	TapTarget
	vxlanTarget
	pcapTarget
)

// targetKinds are the words before the colon.
var targetKinds = [...]string{ifaceTarget: "iface", TapTarget: "tap", vxlanTarget: "vxlan", pcapTarget: "pcap"}

// targetSpec is a place that frames are forwarded to, as --forward has it.
type targetSpec struct {
	text   string // as it was given
	Kind   targetKind
	Place  string   // the interface, the folder, or - for standard output
	hosts  []string // HOST:PORT each, of sensors behind VXLAN
	vni    uint32   // put into all frames in VXLAN, if setVNI
	setVNI bool
	health uint16        // the TCP port of sensors that live; 0 is for none
	Rotate time.Duration // of capture files in a folder
	size   flags.Size    // likewise
	pcapng bool          // likewise
}

// The defaults of capture files: a minute is what a reader of files lags behind, and half a gigabyte is read in some seconds.
const (
	defaultCaptureRotate = time.Minute
	defaultCaptureSize   = 512 * flags.MiB
)

var errTargetSpec = errors.New("want iface:NAME, tap:NAME, vxlan:HOST:PORT[,HOST:PORT...][,vni=N][,health=PORT], pcap:DIR[,rotate=60s][,size=512MiB][,format=pcapng] or pcap:-")

// ParseTarget parses a value of --forward.
func ParseTarget(text string) (targetSpec, error) {
	word, rest, _ := strings.Cut(text, ":")
	t := targetSpec{text: text, pcapng: true}
	for kind, name := range targetKinds {
		if word == name && rest != "" {
			t.Kind = targetKind(kind)
			return t, t.parse(rest)
		}
	}
	return t, errTargetSpec
}

// parse reads what stands behind the kind.
func (t *targetSpec) parse(rest string) error {
	switch t.Kind {
	case vxlanTarget:
		parts, err := t.takeOptions(rest, t.vxlanOption, "vni or health")
		if err != nil {
			return err
		}
		return t.takeHosts(parts)
	case pcapTarget:
		parts, err := t.takeOptions(rest, t.pcapOption, "rotate, size or format")
		if err != nil {
			return err
		}
		return t.takeFolder(strings.Join(parts, ","))
	default:
		t.Place = rest
		return checkInterfaceName(rest)
	}
}

// checkInterfaceName refuses commas and = too, which would be options elsewhere.
func checkInterfaceName(name string) error {
	if !netif.ValidName(name) || strings.ContainsAny(name, ",=") {
		return fmt.Errorf("%q cannot be an interface: want a name of at most %d characters such as suricata0", name, netif.MaxName)
	}
	return nil
}

// takeOptions takes the options at the end, which may be few or none, and returns what is before them.
func (t *targetSpec) takeOptions(text string, set func(name, value string) (known bool, err error), known string) (before []string, err error) {
	before = strings.Split(text, ",")
	given := map[string]bool{}
	for i := len(before) - 1; i >= 0; i-- {
		name, value, isOption := strings.Cut(before[i], "=")
		if !isOption || strings.Contains(before[i], "/") {
			return before[:i+1], nil
		}
		ok, err := set(name, value)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", name, err)
		case !ok:
			return nil, fmt.Errorf("unknown option %q: want %s", name, known)
		case given[name]:
			return nil, fmt.Errorf("%s is given twice", name)
		}
		given[name] = true
	}
	return nil, nil
}

func (t *targetSpec) vxlanOption(name, value string) (known bool, err error) {
	switch name {
	case "vni":
		t.vni, err = parseVNI(value)
		t.setVNI = true
	case "health":
		t.health, err = parsePort(value)
	default:
		return false, nil
	}
	return true, err
}

func (t *targetSpec) pcapOption(name, value string) (known bool, err error) {
	switch name {
	case "rotate":
		if t.Rotate, err = time.ParseDuration(value); err != nil || t.Rotate < pcap.MinRotate {
			err = fmt.Errorf("%q: want a time of at least %v such as 60s", value, pcap.MinRotate)
		}
	case "size":
		if err = t.size.Set(value); err == nil && t.size < pcap.MinSize {
			least := flags.Size(pcap.MinSize)
			err = fmt.Errorf("%q: want at least %v", value, &least)
		}
	case "format":
		t.pcapng = value == "pcapng"
		if !t.pcapng && value != "pcap" {
			err = fmt.Errorf("%q: want pcapng or pcap", value)
		}
	default:
		return false, nil
	}
	return true, err
}

func parseVNI(text string) (uint32, error) {
	var vni flags.VNI
	if err := vni.Set(text); err != nil {
		return 0, fmt.Errorf("%q: %w", text, err)
	}
	return uint32(vni), nil
}

func parsePort(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q: want a port from 1 to 65535", text)
	}
	return uint16(n), nil
}

func (t *targetSpec) takeHosts(hosts []string) error {
	if len(hosts) == 0 {
		return errTargetSpec
	}
	for i, h := range hosts {
		host, port, err := net.SplitHostPort(h)
		if err == nil {
			_, err = parsePort(port)
		}
		if addr, notAddr := netip.ParseAddr(host); host == "" || err != nil || notAddr == nil && addr.IsUnspecified() {
			return fmt.Errorf("%q: want HOST:PORT such as 10.0.0.7:4789", h)
		}
		if slices.Contains(hosts[:i], h) {
			return fmt.Errorf("%s is given twice", h)
		}
	}
	t.hosts = hosts
	return nil
}

// takeFolder takes a folder, or - for a pipe, which has no end at which another could begin.
func (t *targetSpec) takeFolder(name string) error {
	switch {
	case name == "":
		return errTargetSpec
	case name == "-" && (t.Rotate != 0 || t.size != 0):
		return errors.New("rotate and size are for folders, not for standard output")
	case name != "-":
		t.Rotate, t.size = cmp.Or(t.Rotate, defaultCaptureRotate), cmp.Or(t.size, defaultCaptureSize)
	}
	t.Place = name
	return nil
}

// places are what only one target may have: two would give the same reader everything twice.
func (t *targetSpec) places() []string {
	switch {
	case t.Kind == vxlanTarget:
		return t.hosts
	case t.Kind == pcapTarget && t.Place != "-":
		return []string{"folder " + filepath.Clean(t.Place)}
	case t.Kind == pcapTarget:
		return []string{"standard output"}
	default:
		return []string{"interface " + t.Place}
	}
}

// name is what the target is called where it is counted: without options.
func (t *targetSpec) name() string {
	return targetKinds[t.Kind] + ":" + cmp.Or(t.Place, strings.Join(t.hosts, ","))
}

// TargetList is a repeatable flag for places to forward frames to.
type TargetList []targetSpec

// Replace empties the list and adds values.
func (t *TargetList) Replace(texts []string) error {
	*t = nil
	for _, text := range texts {
		if err := t.Append(text); err != nil {
			return err
		}
	}
	return nil
}

// Append adds one value.
func (t *TargetList) Append(text string) error {
	spec, err := ParseTarget(text)
	if err != nil {
		return err
	}
	for _, other := range *t {
		taken := other.places()
		for _, p := range spec.places() {
			if slices.Contains(taken, p) {
				return fmt.Errorf("%s: %s forwards there already", p, other.text)
			}
		}
	}
	*t = append(*t, spec)
	return nil
}

// Set adds a value. Commas are within it.
func (t *TargetList) Set(text string) error { return t.Append(text) }

// String returns the targets as they were given.
func (t *TargetList) String() string {
	return flags.Join(*t, func(s targetSpec) string { return s.text })
}

// Values returns the beginnings of targets.
func (*TargetList) Values() []string {
	kinds := make([]string, len(targetKinds))
	for i, kind := range targetKinds {
		kinds[i] = kind + ":"
	}
	return kinds
}

// Type implements pflag.Value.
func (*TargetList) Type() string { return "target" }

// OnStdout reports whether a target is standard output.
func (t TargetList) OnStdout() bool {
	for _, spec := range t {
		if spec.Kind == pcapTarget && spec.Place == "-" {
			return true
		}
	}
	return false
}
