package mmsg

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Header is the kernel's struct mmsghdr. Go pads it to the same size.
type Header struct {
	unix.Msghdr
	Len uint32 // bytes sent or received; if MSG_TRUNC is given to Receive, the real length of the datagram
}

// Send sends messages and returns how many were sent. There must be at least one. An error concerns the first message, and then
// none was sent.
func Send(fd int, messages []Header, flags int) (int, error) {
	return call(unix.SYS_SENDMMSG, fd, messages, flags)
}

// Receive fills messages and returns how many were received. There must be room for at least one. With MSG_DONTWAIT it returns
// unix.EAGAIN if no message is there.
func Receive(fd int, messages []Header, flags int) (int, error) {
	return call(unix.SYS_RECVMMSG, fd, messages, flags)
}

func call(number uintptr, fd int, messages []Header, flags int) (int, error) {
	n, _, errno := unix.Syscall6(number, uintptr(fd), uintptr(unsafe.Pointer(&messages[0])), uintptr(len(messages)), uintptr(flags), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// Point makes v refer to b, which may be empty.
func Point(v *unix.Iovec, b []byte) {
	v.Base = unsafe.SliceData(b)
	v.SetLen(len(b))
}

// SetSendBuffer asks for a send buffer of a socket in bytes. Beyond net.core.wmem_max that needs CAP_NET_ADMIN; without it the
// kernel grants less.
func SetSendBuffer(fd, bytes int) error {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, bytes) == nil {
		return nil
	}
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, bytes)
}
