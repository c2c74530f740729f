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
		return flags.Usagef("--memory %v: %d workers need %v at least", &memory, workers, &least)
	}
	return nil
}

// limitHeap makes the garbage collector run before garbage takes more than the bound, however full the tables are, and
// returns the way back. By default the collector waits until the heap has doubled, which the tables alone would make half
// again as much as was granted. A limit that the environment sets stands.
func limitHeap(memory flags.Size) (restore func()) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	old := debug.SetMemoryLimit(heapLimit(int64(memory)))
	return func() { debug.SetMemoryLimit(old) }
}

// heapLimit is what of the bound is left beside the slabs of flow records and names, which are not in the heap; but at least
// leastSlack more than the shares that are.
func heapLimit(memory int64) int64 {
	queues, dns := memory/queueShare, memory/dnsShare
	m := inspect.Share(int(memory - queues - dns)) // of all workers together
	inHeap := queues + dns + int64(m.Streams+m.Fragments+m.Pairs)
	return max(memory-int64(m.Flows+m.Names), inHeap+leastSlack)
}

// leastSlack is what the program takes with empty tables. Measured with a limit of less the collector spends more time than
// the packets, with more it gains nothing.
const leastSlack = 16 * flags.MiB
