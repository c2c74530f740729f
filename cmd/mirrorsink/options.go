package main

import (
	"math"
	"os"
	"runtime/debug"

	"github.com/spf13/pflag"

	"github.com/mirrorsink/mirrorsink/decap"
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

// allowOptions are the allow-lists.
type allowOptions struct {
	sources prefixes
	vnis    vniRanges
}

func (o *allowOptions) addTo(f *pflag.FlagSet) {
	f.Var(&o.sources, "allow-source", "refuse mirror sessions of interfaces outside these networks (repeatable)")
	f.Var(&o.vnis, "allow-vni", "refuse mirror sessions with other VNIs: N or A-B (repeatable)")
}

func (o *allowOptions) list() *decap.Allow { return decap.NewAllow(o.sources, o.vnis) }

// heapOverhead is what the program needs beside its tables and queues: the runtime, stacks, buffers.
const heapOverhead = 64 * miB

// limitHeap makes the garbage collector run before garbage takes more than the bound, however full the tables are, and
// returns the way back. By default the collector waits until the heap has doubled, which the tables alone would make
// half again as much as was granted. A limit that the environment sets stands.
func limitHeap(memory byteSize) (restore func()) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	old := debug.SetMemoryLimit(min(int64(memory), math.MaxInt64-heapOverhead) + heapOverhead)
	return func() { debug.SetMemoryLimit(old) }
}
