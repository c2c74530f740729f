package rx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap/netif"
)

// Of linux/pkt_sched.h, linux/pkt_cls.h and linux/rtnetlink.h.
const (
	tcmsgLen       = 20
	clsactParent   = 0xfffffff1
	clsactHandle   = 0xffff0000
	ingressFilters = 0xfffffff2
	egressFilters  = 0xfffffff3

	tcaBPFOpsLen     = 4
	tcaBPFOps        = 5
	tcaBPFFlags      = 8
	tcaBPFGenFlags   = 9
	tcaBPFActDirect  = 1 // the program's result is what becomes of the packet
	tcaBPFSkipDevice = 1 // TCA_CLS_FLAGS_SKIP_HW: not for the network card to do

	verdictNext = 0xffffffff // TC_ACT_UNSPEC: ask the next filter
	verdictDrop = 2          // TC_ACT_SHOT
)

// dropPriority is after all priorities that the kernel or operators use by default, so that other filters see the packets first.
const dropPriority = 0xc001

// maxDropAddrs bounds the program. Datagrams to further addresses of the host are dropped later, by the socket that holds the port.
const maxDropAddrs = 200

// trafficControl makes requests about the filters of one interface.
type trafficControl struct {
	*routeSocket
	index int
}

// filter is a filter at tc-ingress.
type filter struct {
	handle, info uint32 // info is its priority and its protocol
	mark         dropMark
	ours         bool
}

// message returns struct tcmsg.
func (c trafficControl) message(handle, parent, info uint32) []byte {
	b := make([]byte, 4, 256) // no address family
	b = binary.NativeEndian.AppendUint32(b, uint32(c.index))
	b = binary.NativeEndian.AppendUint32(b, handle)
	b = binary.NativeEndian.AppendUint32(b, parent)
	return binary.NativeEndian.AppendUint32(b, info)
}

// ensureQdisc puts a clsact queueing discipline on the interface unless it has one for ingress. It reports whether it did.
func (c trafficControl) ensureQdisc() (made bool, err error) {
	body := appendAttribute(c.message(clsactHandle, clsactParent, 0), unix.TCA_KIND, []byte("clsact\x00"))
	err = c.request(unix.RTM_NEWQDISC, unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_EXCL, body, ignore)
	if errors.Is(err, unix.EEXIST) {
		return false, nil
	}
	return err == nil, err
}

// removeQdiscIfEmpty takes the queueing discipline away if it has no filters.
func (c trafficControl) removeQdiscIfEmpty() error {
	for _, parent := range []uint32{ingressFilters, egressFilters} {
		filters, err := c.filters(parent)
		if err != nil || len(filters) > 0 {
			return err
		}
	}
	return c.request(unix.RTM_DELQDISC, unix.NLM_F_ACK, c.message(clsactHandle, clsactParent, 0), ignore)
}

// filters returns the filters of one direction.
func (c trafficControl) filters(parent uint32) (list []filter, err error) {
	err = c.request(unix.RTM_GETTFILTER, unix.NLM_F_DUMP, c.message(0, parent, 0), func(b []byte) {
		if len(b) < tcmsgLen {
			return
		}
		f := filter{handle: binary.NativeEndian.Uint32(b[8:]), info: binary.NativeEndian.Uint32(b[16:])}
		options := attribute(b[tcmsgLen:], unix.TCA_OPTIONS)
		if f.handle == 0 || options == nil {
			return // stands for all filters of a priority, which follow
		}
		f.mark, f.ours = markOf(attribute(options, tcaBPFOps))
		list = append(list, f)
	})
	return list, err
}

// add puts a filter with a classic BPF program at the end of ingress.
func (c trafficControl) add(program []bpf.Instruction) error {
	ops, err := filterOps(program)
	if err != nil {
		return err
	}
	options := appendAttribute(nil, tcaBPFOpsLen, binary.NativeEndian.AppendUint16(nil, uint16(len(ops)/instructionLen)))
	options = appendAttribute(options, tcaBPFOps, ops)
	options = appendAttribute(options, tcaBPFFlags, binary.NativeEndian.AppendUint32(nil, tcaBPFActDirect))
	options = appendAttribute(options, tcaBPFGenFlags, binary.NativeEndian.AppendUint32(nil, tcaBPFSkipDevice))
	protocol := uint32(binary.NativeEndian.Uint16([]byte{unix.ETH_P_ALL >> 8, unix.ETH_P_ALL}))
	body := c.message(0, ingressFilters, dropPriority<<16|protocol)
	body = appendAttribute(body, unix.TCA_KIND, []byte("bpf\x00"))
	body = appendAttribute(body, unix.TCA_OPTIONS, options)
	return c.request(unix.RTM_NEWTFILTER, unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_EXCL, body, ignore)
}

// filterOps returns a program as an array of struct sock_filter.
func filterOps(program []bpf.Instruction) (ops []byte, err error) {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return nil, err
	}
	for _, r := range raw {
		ops = binary.NativeEndian.AppendUint16(ops, r.Op)
		ops = append(ops, r.Jt, r.Jf)
		ops = binary.NativeEndian.AppendUint32(ops, r.K)
	}
	return ops, nil
}

// remove takes the filters away that are ours and wanted gone, and the queueing discipline if we made it and nobody uses it.
// It returns how many filters that were.
func (c trafficControl) remove(gone func(dropMark) bool) (n int, err error) {
	filters, err := c.filters(ingressFilters)
	if err != nil {
		return 0, err
	}
	made := false
	for _, f := range filters {
		if !f.ours || !gone(f.mark) {
			continue
		}
		body := appendAttribute(c.message(f.handle, ingressFilters, f.info), unix.TCA_KIND, []byte("bpf\x00"))
		if err := c.request(unix.RTM_DELTFILTER, unix.NLM_F_ACK, body, ignore); err != nil {
			return n, err
		}
		made = made || f.mark.made
		n++
	}
	if made {
		err = c.removeQdiscIfEmpty()
	}
	return n, err
}

func ignore([]byte) {}

// dropFilter is a filter behind the rings of one group.
type dropFilter struct {
	index int
	mark  dropMark
}

// addDropFilter makes tc-ingress drop what the rings take of the host's own traffic. It needs CAP_NET_ADMIN.
func addDropFilter(on netif.Device, addr netip.AddrPort) (*dropFilter, error) {
	start, err := networkHeader(&on)
	if err != nil {
		return nil, err
	}
	to, err := ownDestinations(addr)
	if err != nil {
		return nil, err
	}
	s, err := openRouteSocket()
	if err != nil {
		return nil, err
	}
	defer s.close()
	c := trafficControl{s, on.Index}
	made, err := c.ensureQdisc()
	if err != nil {
		return nil, dropError(err)
	}
	d := &dropFilter{index: on.Index, mark: ownMark(addr.Port())}
	filters, err := c.filters(ingressFilters)
	if err != nil {
		return nil, dropError(err)
	}
	d.mark.made = made
	for _, f := range filters {
		d.mark.made = d.mark.made || f.ours && f.mark.made // the last one of ours to go removes what the first has made
	}
	program := received(verdictNext, acceptProgram(start, to, verdictDrop, verdictNext))
	if err := c.add(d.mark.before(program)); err != nil {
		return nil, dropError(err)
	}
	return d, nil
}

func dropError(err error) error {
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("dropping what the ring has read needs CAP_NET_ADMIN (systemd: AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN): %w", err)
	}
	return fmt.Errorf("tc filter: %w", err)
}

// remove takes the filter away. It is no error if that is gone, with its interface or by other hands.
func (d *dropFilter) remove() error {
	s, err := openRouteSocket()
	if err != nil {
		return err
	}
	defer s.close()
	_, err = trafficControl{s, d.index}.remove(func(m dropMark) bool { return m == d.mark })
	if errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

// ownDestinations returns the host's addresses that are of addr: what only passes through the host is not to be dropped.
func ownDestinations(addr netip.AddrPort) (destinations, error) {
	to := destinationsOf(addr)
	if !to.any4 && !to.any6 {
		return to, nil
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return to, fmt.Errorf("addresses of this host: %w", err)
	}
	for _, a := range own {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil || len(to.addrs) == maxDropAddrs {
			continue
		}
		if ip := prefix.Addr().Unmap(); ip.Is4() && to.any4 || ip.Is6() && to.any6 {
			to.addrs = append(to.addrs, ip.WithZone(""))
		}
	}
	to.any4, to.any6 = false, false
	return to, nil
}

// RemoveStaleDrops takes away the filters of RingConfig.DropBehind that processes have left behind which were killed, and
// returns the names of the interfaces that had some. Without CAP_NET_ADMIN it fails with ErrStaleDrop
// if there are any.
func RemoveStaleDrops() (cleaned []string, err error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list the interfaces: %w", err)
	}
	s, err := openRouteSocket()
	if err != nil {
		return nil, err
	}
	defer s.close()
	for _, i := range interfaces {
		n, err := trafficControl{s, i.Index}.remove(func(m dropMark) bool { return !m.alive() })
		switch {
		case errors.Is(err, unix.EPERM):
			return cleaned, fmt.Errorf("%s: %w (\"tc filter del dev %[1]s ingress pref %[3]d\")", i.Name, ErrStaleDrop, dropPriority)
		case err != nil && !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.ENOENT):
			return cleaned, fmt.Errorf("tc filters of %s: %w", i.Name, err)
		case n > 0:
			cleaned = append(cleaned, i.Name)
		}
	}
	return cleaned, nil
}
