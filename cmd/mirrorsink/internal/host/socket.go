package host

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/sessions/doctor"
)

// Where mirrored packets arrive.
const (
	vxlanPort  = 4789
	genevePort = 6081
)

// bufferLimit looks whether a process may have the receive buffer that it wants.
func (h *Machine) bufferLimit() ([]doctor.Finding, error) {
	limit, err := h.number("proc/sys/net/core/rmem_max")
	if err != nil || limit >= int64(h.needs.ReceiveBuffer) {
		return nil, err
	}
	have := flags.Size(limit)
	return []doctor.Finding{{
		Subject: "net.core.rmem_max",
		What:    fmt.Sprintf("it is %v, and --receive-buffer needs %v", &have, &h.needs.ReceiveBuffer),
		Impact:  "bursts overflow the sockets: packets are lost that a larger buffer would have held",
		Remedy:  fmt.Sprintf("sysctl -w net.core.rmem_max=%d, and the same in /etc/sysctl.d; or run listen with CAP_NET_ADMIN, which may exceed the limit", int64(h.needs.ReceiveBuffer)),
	}}, nil
}

// udpSocket is a line of /proc/net/udp.
type udpSocket struct {
	port  uint64
	drops uint64
}

// udpSockets lists the UDP sockets of both families.
func (h *Machine) udpSockets() (all []udpSocket, err error) {
	for _, name := range []string{"proc/net/udp", "proc/net/udp6"} {
		text, err := h.text(name)
		if err != nil {
			if name == "proc/net/udp6" {
				continue // a kernel without IPv6
			}
			return nil, err
		}
		for line := range strings.Lines(text) {
			if s, ok := parseUDPSocket(line); ok {
				all = append(all, s)
			}
		}
	}
	return all, nil
}

// parseUDPSocket reads the local port, which is hexadecimal, and the last column, which counts drops. The head is no socket.
func parseUDPSocket(line string) (s udpSocket, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 13 {
		return s, false
	}
	_, port, _ := strings.Cut(fields[1], ":")
	var err1, err2 error
	s.port, err1 = strconv.ParseUint(port, 16, 16)
	s.drops, err2 = strconv.ParseUint(fields[len(fields)-1], 10, 64)
	return s, err1 == nil && err2 == nil
}

// drops looks for datagrams that were lost at sockets, ours first.
func (h *Machine) drops() (all []doctor.Finding, err error) {
	sockets, err := h.udpSockets()
	if err != nil {
		return nil, err
	}
	const remedy = "a larger --receive-buffer (and net.core.rmem_max), more --workers, a larger machine; /metrics has it as mirrorsink_kernel_drops_total"
	for _, port := range []uint64{vxlanPort, genevePort} {
		var drops uint64
		for _, s := range sockets {
			if s.port == port {
				drops += s.drops
			}
		}
		if drops > 0 {
			all = append(all, doctor.Finding{
				Subject: fmt.Sprintf("UDP port %d", port), What: fmt.Sprintf("the sockets that are open have lost %d datagrams since they were opened", drops),
				Impact: "as many copies are missing in flows, which count the bytes as lost, and names with them", Remedy: remedy,
			})
		}
	}
	if len(all) > 0 {
		return all, nil
	}
	errors, err := h.bufferErrors()
	if errors > 0 {
		all = append(all, doctor.Finding{
			Subject: "UDP", What: fmt.Sprintf("sockets of this machine have lost %d datagrams since it was started, though none at those that are open at the mirror ports", errors),
			Impact: "if they were sockets of an earlier run of the sink, as many copies were lost", Remedy: "check whether the number grows (nstat -az UdpRcvbufErrors Udp6RcvbufErrors); if it does: " + remedy,
		})
	}
	return all, err
}

// bufferErrors counts what all UDP sockets have lost for want of room since the start.
func (h *Machine) bufferErrors() (n uint64, err error) {
	text, err := h.text("proc/net/snmp")
	if err != nil {
		return 0, err
	}
	var names []string
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "Udp:" {
			continue
		}
		if names == nil { // the first line names the columns of the second
			names = fields
			continue
		}
		if i := slices.Index(names, "RcvbufErrors"); i > 0 && i < len(fields) {
			n, err = strconv.ParseUint(fields[i], 10, 64)
		}
		break
	}
	six, _ := h.text("proc/net/snmp6") // a kernel without IPv6 has none
	for line := range strings.Lines(six) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "Udp6RcvbufErrors" {
			more, _ := strconv.ParseUint(fields[1], 10, 64)
			n += more
		}
	}
	return n, err
}

// vxlanDevice looks for a VXLAN device of the kernel that has the port.
func (h *Machine) vxlanDevice() ([]doctor.Finding, error) {
	all, err := h.devices()
	if err != nil {
		return nil, err
	}
	sockets, err := h.udpSockets()
	if err != nil || !slices.ContainsFunc(sockets, func(s udpSocket) bool { return s.port == vxlanPort }) {
		return nil, err
	}
	i := slices.IndexFunc(all, func(d device) bool { return d.kind == "vxlan" })
	if i < 0 {
		return nil, nil // the sink itself, most likely
	}
	return []doctor.Finding{{
		Subject: "device " + all[i].name, What: fmt.Sprintf("it is a VXLAN device of the kernel, and UDP port %d is taken", vxlanPort),
		Impact: "listen cannot have the port, or the kernel takes the mirrored packets and drops those of VNIs that it does not know",
		Remedy: fmt.Sprintf("ip -d link show %s says its port; give it another one (dstport 8472), or take it away: ip link del %s", all[i].name, all[i].name),
	}}, nil
}
