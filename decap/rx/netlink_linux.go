package rx

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// routeSocket speaks rtnetlink (RFC 3549, rtnetlink(7)): requests one after another, each with its answers.
type routeSocket struct {
	fd       int
	sequence uint32
	buf      [32 << 10]byte // what the kernel puts into one datagram of a dump at most
}

func openRouteSocket() (*routeSocket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("create netlink socket: %w", err)
	}
	return &routeSocket{fd: fd}, nil
}

func (s *routeSocket) close() { _ = unix.Close(s.fd) }

// request sends a message of a kind and calls each for the bodies of what comes back. The bodies are valid during the call.
func (s *routeSocket) request(kind, flags uint16, body []byte, each func(body []byte)) error {
	s.sequence++
	m := binary.NativeEndian.AppendUint32(nil, uint32(unix.NLMSG_HDRLEN+len(body)))
	m = binary.NativeEndian.AppendUint16(m, kind)
	m = binary.NativeEndian.AppendUint16(m, flags|unix.NLM_F_REQUEST)
	m = binary.NativeEndian.AppendUint32(m, s.sequence)
	m = binary.NativeEndian.AppendUint32(m, 0) // to the kernel
	if err := unix.Sendto(s.fd, append(m, body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	for {
		n, _, err := unix.Recvfrom(s.fd, s.buf[:], 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		if done, err := s.answers(s.buf[:n], each); done || err != nil {
			return err
		}
	}
}

// answers goes through one datagram of messages. It reports whether the last of them was among them.
func (s *routeSocket) answers(b []byte, each func(body []byte)) (done bool, err error) {
	for len(b) >= unix.NLMSG_HDRLEN {
		length := int(binary.NativeEndian.Uint32(b))
		if length < unix.NLMSG_HDRLEN || length > len(b) {
			return true, errNetlink
		}
		kind, body := binary.NativeEndian.Uint16(b[4:]), b[unix.NLMSG_HDRLEN:length]
		mine := binary.NativeEndian.Uint32(b[8:]) == s.sequence
		b = b[min(align4(length), len(b)):]
		switch {
		case !mine:
		case kind == unix.NLMSG_DONE:
			return true, nil
		case kind != unix.NLMSG_ERROR:
			each(body)
		case len(body) < 4:
			return true, errNetlink
		default: // an error, or with number 0 the acknowledgment
			if errno := -int32(binary.NativeEndian.Uint32(body)); errno != 0 {
				return true, unix.Errno(errno)
			}
			return true, nil
		}
	}
	return false, nil
}

var errNetlink = errors.New("the kernel's netlink answer makes no sense")

// nlaTypeMask is without the two flags that an attribute's kind may carry.
const nlaTypeMask = 0x3fff

func align4(n int) int { return (n + 3) &^ 3 }

// appendAttribute appends an attribute and its padding.
func appendAttribute(b []byte, kind uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofNlAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	return append(b, make([]byte, align4(len(value))-len(value))...)
}

// attribute returns the value of the first attribute of a kind, nil if there is none.
func attribute(b []byte, kind uint16) []byte {
	for len(b) >= unix.SizeofNlAttr {
		length := int(binary.NativeEndian.Uint16(b))
		if length < unix.SizeofNlAttr || length > len(b) {
			return nil
		}
		if binary.NativeEndian.Uint16(b[2:])&nlaTypeMask == kind {
			return b[unix.SizeofNlAttr:length]
		}
		b = b[min(align4(length), len(b)):]
	}
	return nil
}
