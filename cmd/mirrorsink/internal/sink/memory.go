package sink

import (
	"os"
	"runtime/debug"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect"
)

// DefaultMemory holds about a million flows.
const DefaultMemory = 512 * flags.MiB

// MinMemory is what one worker and its part of the queues need to do anything useful.
const MinMemory = 2 * flags.MiB

func CheckMemory(memory flags.Size, workers int) error {
	if least := flags.Size(workers * MinMemory); memory < least {
		return flags.Usagef("--memory %v: want at least %v: 2MiB for each worker", &memory, &least)
	}
	return nil
}

// LimitHeap sets the memory limit of the garbage collector, unless GOMEMLIMIT is set, and returns a function that restores it. Without
// a limit the collector waits until the heap has doubled, so that full tables would take more memory than was granted.
func LimitHeap(bytes int64) (restore func()) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	old := debug.SetMemoryLimit(bytes)
	return func() { debug.SetMemoryLimit(old) }
}

// limitSink sets the memory limit of a sink's heap, and lets it grow further between collections than Go does by itself, unless GOGC is
// set. It returns a function that restores both. A sink keeps tables that last and makes little garbage: a collection marks much and
// frees little, and within the limit the memory is granted.
func limitSink(memory int64, judged bool) (restore func()) {
	limit := LimitHeap(heapLimit(memory, judged))
	if os.Getenv("GOGC") != "" {
		return limit
	}
	old := debug.SetGCPercent(sinkGrowth)
	return func() { debug.SetGCPercent(old); limit() }
}

// sinkGrowth is how much of the live heap may be added to it before it is collected, in percent. Go's own is 100.
const sinkGrowth = 300

// reserved is the part of the memory that is not the workers': of the queues, of the answers of DNS, and of alerts if they are found.
func reserved(memory int, alerts bool) int {
	n := memory/queueShare + memory/dnsShare
	if alerts {
		n += memory / finderShare
	}
	return n
}

// heapLimit is the part of the memory for the heap: without the slabs of flow records and names, which are outside of it, but at least
// leastSlack more than the shares inside it. judged reports that there is a policy, whose alerts have a share.
func heapLimit(memory int64, judged bool) int64 {
	shares := int64(reserved(int(memory), judged))
	m := inspect.Share(int(memory - shares)) // of all workers together
	inHeap := shares + int64(m.Streams+m.Fragments+m.Pairs)
	return max(memory-int64(m.Flows+m.Names), inHeap+leastSlack)
}

// leastSlack is what the program takes with empty tables. Measured with a limit of less the collector spends more time than
// the packets, with more it gains nothing.
const leastSlack = 16 * flags.MiB
