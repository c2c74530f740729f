package forwarding

import (
	"net"
	"net/netip"
	"slices"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
)

// CheckLoop reports a sensor whose address is the one that mirrored copies are received on: each frame would return without end. Names are
// not resolved.
func (t TargetList) CheckLoop(receiving flags.Address) error {
	for _, spec := range t {
		for _, host := range spec.hosts {
			to, err := netip.ParseAddrPort(host)
			if err == nil && receiving.IsValid() && to.Port() == receiving.Port() && isOurs(to.Addr().Unmap(), receiving.Addr().Unmap()) {
				return flags.Usagef("--forward %s: %s is received on here (--listen %v): every frame would come back without end", spec.text, host, &receiving)
			}
		}
	}
	return nil
}

// isOurs reports whether what is sent to an address reaches a socket that is bound to another, or to all of this host's.
func isOurs(to, bound netip.Addr) bool {
	if to == bound || !bound.IsUnspecified() {
		return to == bound
	}
	addrs, err := net.InterfaceAddrs()
	return to.IsLoopback() || err == nil && slices.ContainsFunc(addrs, func(a net.Addr) bool {
		p, ok := a.(*net.IPNet)
		return ok && p.IP.Equal(to.AsSlice())
	})
}
