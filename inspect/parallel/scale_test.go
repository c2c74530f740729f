package parallel

import (
	"encoding/binary"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// manyFlows is a Source of the same packets again and again, each time from another client. Before it
// ends it looks at the heap.
type manyFlows struct {
	packets []decap.Datagram
	flows   int
	done    int // flows whose packets were given
	after   runtime.MemStats
}

func (m *manyFlows) Read(b *decap.Batch) error {
	b.N = 0
	if m.done == m.flows {
		runtime.GC()
		runtime.ReadMemStats(&m.after)
		return io.EOF
	}
	const source, destination = 14 + 12, 14 + 16 // where a packet's addresses are
	for i := range m.packets {
		d := &m.packets[i]
		at := source
		if binary.BigEndian.Uint16(d.Data[14+20+2:]) >= 40000 { // the port that it goes to is the client's
			at = destination
		}
		binary.BigEndian.PutUint32(d.Data[at:], 0x0a000001+uint32(m.done))
		b.D[i] = *d
	}
	b.N = len(m.packets)
	m.done++
	return nil
}

// released is a Sink that keeps nothing.
type released struct{}

func (released) Events(b *event.Batch) { b.Release() }

// TestHeapDoesNotGrowWithFlows: with many times as many flows the heap is as large as before, but for the batches on their way.
func TestHeapDoesNotGrowWithFlows(t *testing.T) {
	c := newConversation()
	c.open()
	live := func(flows int) *manyFlows {
		src := &manyFlows{packets: c.frames, flows: flows}
		replay := newReplay(t, 256<<20, 2, src, released{})
		require.NoError(t, replay.Run())
		n := replay.Counters()
		require.EqualValues(t, flows, n.FlowsEnded[event.EndShutdown], "none was evicted")
		return src
	}
	few, many := live(5_000), live(testform.Pick(50_000, 200_000))
	require.InDelta(t, few.after.HeapAlloc, many.after.HeapAlloc, 8<<20, "a flow state takes 200 bytes")
}
