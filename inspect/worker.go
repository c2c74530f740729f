package inspect

import (
	"errors"
	"io"
	"os"
	"sync"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/dedup"
	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/flow"
	"github.com/mirrorsink/mirrorsink/inspect/forward"
	"github.com/mirrorsink/mirrorsink/inspect/frag"
	"github.com/mirrorsink/mirrorsink/inspect/l7"
	"github.com/mirrorsink/mirrorsink/inspect/mirror"
)

// Worker inspects the datagrams of one source. Run is its only goroutine; Counters may be called from others.
type Worker struct {
	cfg    Config
	source Source
	sink   Sink

	batch decap.Batch
	items [decap.BatchSize]item

	known    *Shared
	sessions *mirror.Table
	vlans    *vlans
	flows    *flow.Table
	names    *flow.Names
	talks    talks
	frags    *frag.Table
	pairs    *dedup.Window
	hint     l7.Hint
	conn     l7.Conn   // of the parser that is asked
	state    *l7.State // for the next UDP flow whose first message spans datagrams
	out      *event.Batch
	batches  event.Pool // that out is taken from
	now      int64      // the latest time seen; time does not go back
	clock    int64      // the same, as of the packet that is accounted

	windowEnd int64  // of the current aggregation window, Unix nanoseconds; 0 before the first
	passed    bool   // everything of the window before it was told
	member    uint32 // of the workers that close windows together

	name []byte

	diary   *diary  // of a worker in a crew, which leaves to others what depends on the flows of all; else nil
	gone    bool    // likewise: its flows have ended
	stories stories // of a chronicle, which has no flows of its own; else nil

	forward *forward.Selector // nil if nothing is forwarded

	touched uint64 // says nothing: see flow.Table.TouchRecord

	stats event.Counters

	mu        sync.Mutex // guards published, once a batch, so that every reading of it keeps the loss identity
	published event.Counters
}

// item is one datagram's way through the worker.
type item struct {
	pkt  decap.Packet
	why  decap.Reason
	side flow.Side
	key  decap.Key
	hash uint64
}

// New makes a worker. It takes the memory that cfg grants at once, but pages that are never used cost nothing.
func New(cfg Config, source Source, sink Sink) *Worker {
	w := newWorker(cfg, source, sink)
	if cfg.Interval != 0 {
		w.member = w.known.gate.join()
	}
	return w
}

func newWorker(cfg Config, source Source, sink Sink) *Worker {
	known := cfg.Shared
	if known == nil {
		known = NewShared(cfg.Memory.Names)
	}
	w := &Worker{cfg: cfg, source: source, sink: sink, known: known, sessions: mirror.NewTable(known.sessions, cfg.Owners), vlans: newVLANs(), state: new(l7.State), clock: noTime}
	w.out = w.batches.New()
	w.flows = w.newFlows()
	w.names = flow.NewNames(cfg.Memory.Names)
	waiting := cfg.Forward.ReorderBytes(cfg.Memory.Streams)
	w.talks = newTalks(cfg.Memory.Streams - waiting)
	w.frags = frag.New(cfg.Memory.Fragments, w.incomplete)
	w.pairs = dedup.New(cfg.Memory.Pairs, w.alone)
	w.forward = forward.New(cfg.Forward, forward.Tables{
		Flows: w.flows, Names: w.names, Sessions: w.sessions, Copies: w.pairs, Streams: &w.talks, Counts: &w.stats.Forward,
	}, waiting)
	return w
}

// newFlows makes the flow table, within its memory with all that lies beside it.
func (w *Worker) newFlows() *flow.Table {
	size := flow.RecordSize + w.cfg.Forward.FlowBytes()
	if w.cfg.Interval != 0 {
		size += flow.WindowSize
	}
	t := flow.New(w.cfg.Memory.Flows/size*flow.RecordSize, w.ended)
	if w.cfg.Interval != 0 {
		w.passed = true
		t.Aggregate(w.length())
	}
	return t
}

// Run inspects until the source ends or is closed, then ends every open flow and returns. An error is the source's.
func (w *Worker) Run() error {
	for {
		err := w.source.Read(&w.batch)
		w.parse()
		w.lookup()
		w.update()
		w.adopt()
		w.age()
		w.forward.Flush(w.now)
		if err != nil {
			w.finish()
			if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
				return nil
			}
			return err
		}
		w.publish()
	}
}

// parse decodes the whole batch and counts what became of it.
func (w *Worker) parse() {
	for i := range w.batch.N {
		d, it := &w.batch.D[i], &w.items[i]
		it.why = w.cfg.Decoder.Parse(&it.pkt, d)
		w.stats.Reasons[it.why]++
		w.stats.Bytes += uint64(d.WireLen)
		w.now = max(w.now, d.Nanos)
	}
	w.stats.Datagrams += uint64(w.batch.N)
}

// lookup finds the keys of the whole batch and touches their places in the index, and then their records, so that the memory
// accesses of the batch overlap.
func (w *Worker) lookup() {
	w.sessions.Refresh()
	var refs [decap.BatchSize]uint32
	for i := range w.batch.N {
		if it := &w.items[i]; it.why == decap.OK {
			w.identify(it)
			refs[i] = w.flows.Touch(it.hash)
		}
	}
	for _, ref := range refs[:w.batch.N] {
		w.touched += w.flows.TouchRecord(ref)
	}
	w.touched += w.forward.Touch(refs[:w.batch.N])
}

// update accounts the batch packet by packet, in the order of arrival.
func (w *Worker) update() {
	for i := range w.batch.N {
		it, nanos := &w.items[i], w.batch.D[i].Nanos
		w.tick(nanos)
		switch it.why {
		case decap.OK:
			r, duplicate := w.packet(it, one(&it.pkt, nanos))
			w.forward.Decide(r, w.forwardPacket(i), duplicate)
		case decap.Fragment:
			w.fragment(&it.pkt, nanos)
			if w.forward.Active() {
				w.identify(it)
				w.forward.DecideFragment(it.key, w.forwardPacket(i))
			}
		default: // counted by parse
			w.forward.Exclude(event.Unreadable, len(w.batch.D[i].Data))
		}
	}
}

// forwardPacket returns a packet of the batch for forwarding.
func (w *Worker) forwardPacket(i int) forward.Packet {
	it := &w.items[i]
	return forward.Packet{Packet: &it.pkt, Datagram: &w.batch.D[i], Side: it.side, Clock: w.clock}
}

// tick moves the clock on to the time of the next packet, unless that is from the past.
func (w *Worker) tick(nanos int64) {
	if nanos <= w.clock {
		return
	}
	w.clock = nanos
	w.flows.Tick(nanos)
	if w.cfg.Interval != 0 && nanos >= w.windowEnd {
		w.enter(nanos)
	}
}

// noTime is before all times: captures may begin with 0.
const noTime = -1

// age ends what has been idle for too long, on a quiet wire by the clock.
func (w *Worker) age() {
	if w.batch.N == 0 && w.cfg.Now != nil {
		w.now = max(w.now, w.cfg.Now())
	}
	w.frags.Expire(w.now)
	w.pairs.Expire(w.now)
	w.flows.Age(w.now, w.mostAged())
	if w.cfg.Interval != 0 && w.now > 0 {
		w.turn()
	}
	if w.batch.N < decap.BatchSize {
		w.deliver() // nothing more is waiting
	}
}

// How many flows a batch ends of those that are idle for too long. While packets wait it is more than a batch can begin, so that
// those that are due do not pile up.
const (
	ageBusy  = 2 * decap.BatchSize // another batch is waiting
	ageQuiet = 1 << 10
)

func (w *Worker) mostAged() int {
	if w.batch.N == decap.BatchSize {
		return ageBusy
	}
	return ageQuiet
}

// batchBytes is the size at which a batch of events is handed over even if more packets are waiting.
const batchBytes = 256 << 10

// spill hands the events over when they are many. It may be called only after an event is complete.
func (w *Worker) spill() {
	if w.out.Size() >= batchBytes {
		w.deliver()
	}
}

// finish ends every open flow.
func (w *Worker) finish() {
	w.frags.Flush()
	w.flows.Age(w.now, -1) // before what is left
	w.flows.Flush(event.EndShutdown)
	w.deliver()
	w.forward.Flush(w.now) // the segments that waited
	if w.cfg.Interval != 0 {
		w.leave()
	}
	w.publish()
}

// deliver hands the events gathered so far to the sink.
func (w *Worker) deliver() {
	if len(w.out.Events) > 0 && w.diary == nil {
		w.sink.Events(w.out)
		w.out = w.batches.New()
	}
}

// publish makes the counters of the batch visible, all at once.
func (w *Worker) publish() {
	w.stats.Sessions = uint64(w.sessions.Len() - 1)
	pairs := w.pairs.Counts()
	w.stats.Paired, w.stats.PairsEvicted = pairs.Pairs, pairs.Evicted
	w.stats.FlowsActive = uint64(w.flows.Live())
	w.stats.StreamsActive = uint64(w.talks.live)
	w.mu.Lock()
	w.published = w.stats
	w.mu.Unlock()
}

// Counters returns the counts up to the last batch. It is safe for concurrent use.
func (w *Worker) Counters() event.Counters {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.published
}
