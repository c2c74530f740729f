package tx

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// A Sender sends UDP payloads from source addresses and ports of the caller's choice. Each pair gets a socket of its own
// when it is first used. AWS uses 128 ports per mirrored interface. A Sender is not safe for concurrent use.
type Sender struct {
	to      netip.AddrPort
	network string
	sockets map[netip.AddrPort]*net.UDPConn
	unbound error
}

// NewSender returns a sender to one address and port.
func NewSender(to netip.AddrPort) *Sender {
	network := "udp6"
	if to.Addr().Unmap().Is4() {
		network = "udp4"
	}
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	return &Sender{to: to, network: network, sockets: map[netip.AddrPort]*net.UDPConn{}}
}

// Send sends one payload. Where the host does not have the source address, or the port is taken, the kernel chooses both.
// It does not report a missing receiver.
func (s *Sender) Send(from netip.AddrPort, payload []byte) error {
	c, known := s.sockets[from]
	if !known {
		var err error
		if c, err = s.open(from); err != nil {
			return err
		}
		s.sockets[from] = c
	}
	_, err := c.WriteToUDPAddrPort(payload, s.to)
	return err
}

// Unbound returns the first reason why a socket could not be bound to its source, for one warning; nil if all were bound.
func (s *Sender) Unbound() error { return s.unbound }

// open opens an unconnected socket: a connected one would fail while there is no receiver.
func (s *Sender) open(from netip.AddrPort) (*net.UDPConn, error) {
	c, err := net.ListenUDP(s.network, net.UDPAddrFromAddrPort(from))
	if err == nil {
		return c, nil
	}
	if s.unbound == nil {
		s.unbound = fmt.Errorf("send from %v: %w", from, err)
	}
	return net.ListenUDP(s.network, nil)
}

// Close closes the sockets.
func (s *Sender) Close() error {
	var errs []error
	for _, c := range s.sockets {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
