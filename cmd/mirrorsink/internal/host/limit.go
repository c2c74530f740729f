package host

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/sessions/doctor"
)

// slotMemory is what the receive slots of a worker take at most, and programMemory the program without any traffic.
const (
	slotMemory    = 4 * flags.MiB
	programMemory = 64 * flags.MiB
)

// memoryLimit looks whether there is room for what listen may take: its tables, its slots, and the sockets' buffers, which the
// kernel counts against the control group too.
func (h *Machine) memoryLimit() ([]doctor.Finding, error) {
	limit, where, err := h.memory()
	workers := flags.Size(h.needs.Workers)
	need := h.needs.Memory + workers*(slotMemory+h.needs.ReceiveBuffer) + programMemory
	if err != nil || limit >= need {
		return nil, err
	}
	return []doctor.Finding{{
		Subject: where,
		What:    fmt.Sprintf("there are %v, and listen may take %v: --memory %v, and for each of %d workers a receive buffer of %v and slots", &limit, &need, &h.needs.Memory, h.needs.Workers, &h.needs.ReceiveBuffer),
		Impact:  "under load the kernel ends the program, with all that its flows had gathered",
		Remedy:  "a smaller --memory, --receive-buffer or --workers, or a larger limit",
	}}, nil
}

// memory is the least of the machine's memory and the limits of the control groups that the process is in, and what that is.
func (h *Machine) memory() (least flags.Size, where string, err error) {
	text, err := h.text("proc/meminfo")
	if err != nil {
		return 0, "", err
	}
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "MemTotal:" {
			kB, _ := strconv.ParseInt(fields[1], 10, 64)
			least, where = flags.Size(kB<<10), "the machine's memory"
		}
	}
	if where == "" {
		return 0, "", fmt.Errorf("/proc/meminfo: there is no MemTotal")
	}
	groups, err := h.text("proc/self/cgroup")
	for line := range strings.Lines(groups) {
		mount, file, dir := controlGroup(line)
		for mount != "" {
			name := path.Join(mount, dir, file)
			if n, err := h.number(name); err == nil && flags.Size(n) < least { // "max" is no number
				least, where = flags.Size(n), "control group /"+path.Join(mount, dir)
			}
			if dir == "/" || dir == "." {
				break
			}
			dir = path.Dir(dir)
		}
	}
	return least, where, err
}

// controlGroup reads a line of /proc/self/cgroup, "number:controllers:path": where the group's memory limit stands, in version
// 2, which has no list of controllers, or in version 1. mount is "" if the line is of something else.
func controlGroup(line string) (mount, file, dir string) {
	parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
	switch {
	case len(parts) != 3:
		return "", "", ""
	case parts[1] == "":
		return "sys/fs/cgroup", "memory.max", path.Clean(parts[2])
	case parts[1] == "memory":
		return "sys/fs/cgroup/memory", "memory.limit_in_bytes", path.Clean(parts[2])
	}
	return "", "", ""
}

// maxOffset is how wrong a clock may be: flow logs have times in seconds, so a tenth of one moves few events.
const maxOffset = 100 * time.Millisecond

// clockState looks whether the clock is right: packets have the time at which they were received.
func (h *Machine) clockState() ([]doctor.Finding, error) {
	c, err := h.clock()
	if err != nil {
		return nil, err
	}
	f := doctor.Finding{
		Subject: "the clock",
		Impact:  "times of events differ from those of flow logs, CloudWatch and other sinks, so records cannot be joined by time",
		Remedy:  "let chronyd follow Amazon Time Sync: server 169.254.169.123 prefer iburst, and rtcsync; check it with chronyc tracking",
	}
	switch {
	case !c.synchronized:
		f.What = "the kernel reports it as not synchronized"
	case c.offset.Abs() > maxOffset:
		f.What = fmt.Sprintf("it is off by %v", c.offset)
	default:
		return nil, nil
	}
	return []doctor.Finding{f}, nil
}
