package rx

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

func family(addr netip.AddrPort) int {
	if addr.Addr().Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func sockaddr(addr netip.AddrPort) unix.Sockaddr {
	if addr.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(addr.Port()), Addr: addr.Addr().As16()}
}

// prepareIPv6 lets the wildcard address receive IPv4 whatever the system's default is, and accepts datagrams without a
// UDP checksum, which RFC 6935 allows to tunnels and which a VXLAN sender leaves out.
func prepareIPv6(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0); err != nil {
		return fmt.Errorf("clear IPV6_V6ONLY: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_NO_CHECK6_RX, 1); err != nil {
		return fmt.Errorf("set UDP_NO_CHECK6_RX: %w", err)
	}
	return nil
}

// setReceiveBuffer asks for size bytes, past the system's limit if the process is allowed to. It returns a warning if
// the kernel gave less.
func setReceiveBuffer(fd, size int) (warning string, err error) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) == nil {
		return "", nil
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size); err != nil {
		return "", fmt.Errorf("set SO_RCVBUF: %w", err)
	}
	doubled, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF) // the kernel adds as much for its own structures
	if err != nil {
		return "", fmt.Errorf("get SO_RCVBUF: %w", err)
	}
	if given := doubled / 2; given < size {
		return fmt.Sprintf("the receive buffer is %d bytes instead of %d: run \"sysctl -w net.core.rmem_max=%d\" and start again",
			given, size, size), nil
	}
	return "", nil
}

// bind gives the socket its address, and writes the port that the kernel chose to cfg. The first socket of a group takes
// the port for itself alone, which fails if any other program has it, and only then lets the others in: with
// SO_REUSEPORT from the start it would silently join another program of the same user and lose a share of the datagrams.
func bind(fd int, cfg *UDPConfig, first bool) error {
	if !first {
		if err := sharePort(fd); err != nil {
			return err
		}
	}
	if err := unix.Bind(fd, sockaddr(cfg.Addr)); err != nil {
		return bindError(err)
	}
	if !first {
		return nil
	}
	local, err := unix.Getsockname(fd)
	if err != nil {
		return fmt.Errorf("get the socket's address: %w", err)
	}
	cfg.Addr = netip.AddrPortFrom(cfg.Addr.Addr(), boundPort(local))
	if cfg.Sockets == 1 {
		return nil
	}
	return sharePort(fd)
}

func boundPort(local unix.Sockaddr) uint16 {
	switch local := local.(type) {
	case *unix.SockaddrInet4:
		return uint16(local.Port)
	case *unix.SockaddrInet6:
		return uint16(local.Port)
	}
	return 0
}

func sharePort(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return fmt.Errorf("set SO_REUSEPORT: %w", err)
	}
	return nil
}

// bindError adds what the operator can do about the usual reasons.
func bindError(err error) error {
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return fmt.Errorf("%w: stop the program or the VXLAN interface that has the port (\"ss -lunp\" lists them) "+
			"or listen on another", err)
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return fmt.Errorf("%w: no interface of this host has it", err)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w: ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE", err)
	}
	return err
}

// takeNothing is a filter of a socket that only has its place, for now or for good.
var takeNothing = []bpf.Instruction{bpf.RetConstant{Val: 0}}

// attach gives a classic BPF program to a socket option that takes one.
func attach(fd, level, option int, program []bpf.Instruction) error {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return err
	}
	filters := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		filters[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	prog := unix.SockFprog{Len: uint16(len(filters)), Filter: &filters[0]}
	return unix.SetsockoptSockFprog(fd, level, option, &prog)
}
