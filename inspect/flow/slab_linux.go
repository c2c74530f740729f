package flow

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// slab returns zeroed memory for n values of a type without pointers, outside the Go heap: the collector neither looks at
// it nor lets its size delay a collection, and the kernel gives pages only as they are used. It is given back when owner
// is not reachable any more. If there is no such memory to be had, it comes from the heap.
func slab[T, O any](owner *O, n int) []T {
	size := n * int(unsafe.Sizeof(*new(T)))
	m, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return make([]T, n)
	}
	runtime.AddCleanup(owner, func(m []byte) { _ = unix.Munmap(m) }, m) // it fails only for a slice that is no mapping
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(m))), n)
}
