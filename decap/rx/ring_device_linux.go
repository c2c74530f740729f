package rx

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// A device is a network interface as it is now.
type device struct {
	index    int
	hardware uint16 // ARPHRD_
}

// findDevice returns the interface of a name, which must be up. fd is any network socket.
func findDevice(fd int, name string) (device, error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return device{}, err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, request); err != nil {
		return device{}, fmt.Errorf("%w (\"ip link\" lists the interfaces)", err)
	}
	if request.Uint16()&unix.IFF_UP == 0 {
		return device{}, fmt.Errorf("%w (\"ip link set %s up\")", errInterfaceDown, name)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, request); err != nil {
		return device{}, fmt.Errorf("index: %w", err)
	}
	d := device{index: int(request.Uint32())}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, request); err != nil {
		return device{}, fmt.Errorf("kind of interface: %w", err)
	}
	d.hardware = request.Uint16()
	return d, nil
}

// networkHeader returns where the IP header is in a frame without VLAN tags, which the kernel has taken off.
func (d device) networkHeader() (uint32, error) {
	switch d.hardware {
	case unix.ARPHRD_ETHER, unix.ARPHRD_LOOPBACK:
		return ethernetLen, nil
	case unix.ARPHRD_NONE: // such as a tun device
		return 0, nil
	}
	return 0, fmt.Errorf("interfaces of kind %d are not supported: want Ethernet", d.hardware)
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
