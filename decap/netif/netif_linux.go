package netif

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// A Device is an interface as it is now.
type Device struct {
	Index   int
	Kind    uint16 // ARPHRD_
	Running bool   // it has a carrier
}

// Find returns the named interface, which must be up. fd is any network socket.
func Find(fd int, name string) (d Device, err error) {
	request, err := Ask(fd, name, unix.SIOCGIFFLAGS)
	if err != nil {
		return d, fmt.Errorf("%w (\"ip link\" lists the interfaces)", err)
	}
	flags := request.Uint16()
	if flags&unix.IFF_UP == 0 {
		return d, fmt.Errorf("%w (\"ip link set %s up\")", ErrDown, name)
	}
	d.Running = flags&unix.IFF_RUNNING != 0
	if request, err = Ask(fd, name, unix.SIOCGIFINDEX); err != nil {
		return d, fmt.Errorf("index: %w", err)
	}
	d.Index = int(request.Uint32())
	if request, err = Ask(fd, name, unix.SIOCGIFHWADDR); err != nil {
		return d, fmt.Errorf("kind of interface: %w", err)
	}
	d.Kind = request.Uint16()
	return d, nil
}

// WantEthernet fails unless frames of the interface start with an Ethernet header.
func (d *Device) WantEthernet() error {
	if d.Kind != unix.ARPHRD_ETHER && d.Kind != unix.ARPHRD_LOOPBACK {
		return fmt.Errorf("interfaces of kind %d are not supported: want Ethernet", d.Kind)
	}
	return nil
}

// MTU returns an interface's MTU. fd is any network socket.
func MTU(fd int, name string) (int, error) {
	request, err := Ask(fd, name, unix.SIOCGIFMTU)
	if err != nil {
		return 0, fmt.Errorf("MTU: %w", err)
	}
	return int(request.Uint32()), nil
}

// Ask makes a request of netdevice(7) that needs nothing but a name.
func Ask(fd int, name string, what uint) (*unix.Ifreq, error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	return request, unix.IoctlIfreq(fd, what, request)
}
