package main

import (
	"os"
	"runtime/debug"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect"
)

// defaultMemory holds about a million flows.
const defaultMemory = 512 * miB

// minMemory is what one worker and its part of the queues need to do anything useful.
const minMemory = 2 * miB

func checkMemory(memory byteSize, workers int) error {
	if least := byteSize(workers * minMemory); memory < least {
		return usagef("--memory %v: %d workers need %v at least", &memory, workers, &least)
	}
	return nil
}

// allowOptions say which networks and mirror sessions are ours.
type allowOptions struct {
	sources prefixes
	vnis    vniRanges
	exempt  prefixes
}

func (o *allowOptions) addTo(f *pflag.FlagSet) {
	f.Var(&o.sources, "allow-source", "refuse mirror sessions of interfaces outside these networks (repeatable)")
	f.Var(&o.vnis, "allow-vni", "refuse mirror sessions with other VNIs: N or A-B (repeatable)")
	f.Var(&o.exempt, "no-lookup-needed", "connections to these networks are never direct_to_address, nor are private ones (repeatable)")
}

func (o *allowOptions) list() *decap.Allow { return decap.NewAllow(o.sources, o.vnis) }

// limitHeap makes the garbage collector run before garbage takes more than the bound, however full the tables are, and
// returns the way back. By default the collector waits until the heap has doubled, which the tables alone would make half
// again as much as was granted. A limit that the environment sets stands.
func limitHeap(memory byteSize) (restore func()) {
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
const leastSlack = 16 * miB
