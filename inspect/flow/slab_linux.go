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
	adviseHuge(m)
	runtime.AddCleanup(owner, func(m []byte) { _ = unix.Munmap(m) }, m) // it fails only for a slice that is no mapping
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(m))), n)
}

// leastHuge is the size from which a slab asks for huge pages. In a smaller one the part of the last page that is never used
// would cost more than is saved. The index of one of two workers with the default memory is as large. With small pages a
// probe maps the kernel's page of zeros where nothing was written, and the insert after it takes that mapping out of the TLB of
// every core: on two cores that was 3 % of a replay.
const leastHuge = 4 << 20

// adviseHuge asks for pages of 2 MiB. Flows are found at random places, and a table of 200 MiB has 50,000 small pages, far more
// than a TLB has entries, so that most accesses would walk the page table as well; and a page fault for every 21 records is a
// tenth of what it costs to begin a flow. A kernel without huge pages, or with none left, gives small ones.
func adviseHuge(m []byte) {
	if len(m) >= leastHuge {
		_ = unix.Madvise(m, unix.MADV_HUGEPAGE)
	}
}
