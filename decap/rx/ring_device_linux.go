package rx

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/netif"
)

// networkHeader returns where the IP header is in a frame of an interface without VLAN tags, which the kernel has taken off.
func networkHeader(d *netif.Device) (uint32, error) {
	if d.Kind == unix.ARPHRD_NONE { // such as a tun device
		return 0, nil
	}
	return decap.EthernetLen, d.WantEthernet()
}

// holdPort binds a socket that takes nothing, and writes the port that the kernel chose to addr. While it is there the kernel
// does not answer that the port is unreachable, and no other program can have it.
func holdPort(addr *netip.AddrPort) (_ int, err error) {
	fd, err := unix.Socket(family(*addr), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_UDP)
	if err != nil {
		return -1, fmt.Errorf("create socket: %w", err)
	}
	defer func() {
		if err != nil {
			_ = unix.Close(fd)
		}
	}()
	if err := attach(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, takeNothing); err != nil {
		return -1, fmt.Errorf("set SO_ATTACH_FILTER: %w", err)
	}
	cfg := UDPConfig{Addr: *addr, Sockets: 1}
	if family(*addr) == unix.AF_INET6 {
		if err := prepareIPv6(fd); err != nil {
			return -1, err
		}
	}
	if err := bind(fd, &cfg, true); err != nil {
		return -1, fmt.Errorf("udp %s: %w", *addr, err)
	}
	*addr = cfg.Addr
	return fd, nil
}
