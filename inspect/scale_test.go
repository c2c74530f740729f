package inspect

import (
	"encoding/binary"
	"io"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/pdns"
	"github.com/mirrorsink/mirrorsink/testdata/testform"
)

// manyFlows is a Source of the same packets again and again, each time from another client, or from one of a number of clients. Before it
// ends it looks at the heap.
type manyFlows struct {
	packets []decap.Datagram
	flows   int
	clients int // 0 is for as many as flows
	done    int // flows whose packets were given
	before  runtime.MemStats
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
		client := m.done
		if m.clients > 0 {
			client %= m.clients
		}
		binary.BigEndian.PutUint32(d.Data[at:], 0x0a000001+uint32(client))
		b.D[i] = *d
	}
	b.N = len(m.packets)
	if m.done++; m.done == m.flows/10 { // buffers have their size by now
		runtime.ReadMemStats(&m.before)
	}
	return nil
}

// released is a Sink that keeps nothing.
type released struct{}

func (released) Events(b *event.Batch) { b.Release() }

// TestHeapDoesNotGrowWithFlows: with many times as many named flows in the table the heap is as large as before, and a flow
// allocates nothing.
func TestHeapDoesNotGrowWithFlows(t *testing.T) {
	c := newConversation()
	c.open()
	live := func(flows int) *manyFlows {
		known := NewShared(1 << 20)
		known.dns.Add(pdns.Host{}, addr(c.server), []byte("www.example.com"), 3600, c.nanos)
		src := &manyFlows{packets: c.frames, flows: flows}
		w := New(Config{Memory: Share(128 << 20), Shared: known}, src, released{})
		require.NoError(t, w.Run())
		n := w.Counters()
		require.EqualValues(t, flows, n.FlowsNew)
		require.EqualValues(t, flows, n.FlowsEnded[event.EndShutdown], "none was evicted")
		require.Zero(t, n.NamesRefused)
		return src
	}
	few, many := live(1000), live(testform.Pick(20_000, 100_000))
	require.InDelta(t, few.after.HeapAlloc, many.after.HeapAlloc, 512<<10)
	require.Less(t, many.after.Mallocs-many.before.Mallocs, uint64(1000))
}

// TestReadingAllocatesNothing: connections whose messages are read allocate nothing once as many as are open at the same time were
// read before.
func TestReadingAllocatesNothing(t *testing.T) {
	c := newConversation()
	c.open()
	c.say(get("/"))
	c.hear(ok("x"))
	c.close()
	src := &manyFlows{packets: c.frames, flows: testform.Pick(8_000, 20_000), clients: 100}
	w := New(Config{Memory: Share(8 << 20)}, src, released{})
	require.NoError(t, w.Run())
	n := w.Counters()
	require.EqualValues(t, src.flows, n.FlowsNew)
	require.EqualValues(t, src.flows, n.StreamsNew)
	require.Zero(t, n.StreamsEvicted)
	require.Less(t, src.after.Mallocs-src.before.Mallocs, uint64(src.flows/10))
}

// TestDataFloodTakesNoConversation: what waits for the rest of a message of a connection of which both directions were seen is
// kept, whatever others send from invented addresses.
func TestDataFloodTakesNoConversation(t *testing.T) {
	const conversations, flood = 100, 5000
	var begin, end []decap.Datagram
	for i := range conversations {
		c := newConversation()
		c.client.port = uint16(10000 + i)
		c.open()
		c.say("GET /long HTTP/1.1\r\nHost: www.example.com\r\nX: ")
		begin = append(begin, c.frames...)
		c.frames, c.nanos = nil, c.nanos+int64(10e9)
		c.say("y\r\n\r\n")
		c.hear(ok("z"))
		end = append(end, c.frames...)
	}
	var forged []decap.Datagram
	for i := range flood {
		c := newConversation()
		c.client.addr = netip.AddrFrom4([4]byte{11, 0, byte(i >> 8), byte(i)})
		c.nanos += int64(5e9)
		c.say("GET /flood HTTP/1.1\r\nHost: www.example.com\r\nX: ")
		forged = append(forged, c.frames...)
	}
	out, n := inspect(t, Config{Memory: Memory{Flows: 4 << 20, Names: 1 << 20, Streams: 512 << 10, Fragments: 64 << 10}}, slices.Concat(begin, forged, end))
	require.Greater(t, n.StreamsEvicted, uint64(flood/2))
	whole := 0
	for _, l := range out.lines(event.AppLayer) {
		if strings.Contains(l, "/long") && strings.Contains(l, "status=200") {
			whole++
		}
	}
	require.Equal(t, conversations, whole, "requests with their responses")
}
