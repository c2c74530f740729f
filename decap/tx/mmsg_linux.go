package tx

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmsghdr is the kernel's struct mmsghdr; Go pads it to the same size.
type mmsghdr struct {
	unix.Msghdr
	_ uint32 // bytes sent
}

// sendmmsg sends messages, of which there must be one at least, without waiting, and returns how many. An error is about the first one,
// and then none was sent.
func sendmmsg(fd int, messages []mmsghdr) (int, error) {
	n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&messages[0])), uintptr(len(messages)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// setSendBuffer lets a socket have so many bytes on their way, as far as that is allowed: more than the system's bound with CAP_NET_ADMIN
// alone.
func setSendBuffer(fd, bytes int) error {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, bytes) == nil {
		return nil
	}
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, bytes)
}

// point makes an element of a message refer to bytes, which may be none.
func point(v *unix.Iovec, b []byte) {
	v.Base = unsafe.SliceData(b)
	v.SetLen(len(b))
}
