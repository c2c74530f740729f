package inspect

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

// Crew inspects one source, a capture, with several workers. It tells the same events as a worker alone, each with the same
// content, as long as no bound of memory is met, whose parts are smaller here; they come in the order of their packets, but for
// flows that end in the same batch by the passing of time, or with the source.
//
// A dealer reads the source and deals its packets out, in epochs, by flow. Each worker accounts its packets, but what depends on
// the packets of others it writes into a diary: what passive DNS says, and which packets were seen twice. The chronicle reads the
// diaries side by side and tells the events. Three goroutines and more, each with what is its own: what they hand on goes through
// channels, and a sink that waits stops them all.
//
// A crew forwards no frames: a flow's frames would go on in the order in which its workers happen to come to them, and whether
// a packet is the second copy of one is found out too late.
//
// Run may be called once; Counters may be called from others.
type Crew struct {
	dealer    *dealer
	workers   []*Worker
	chronicle *chronicle

	ended atomic.Int32   // workers that have ended all of their flows
	hired sync.WaitGroup // goroutines that Run waits for

	mu    sync.Mutex // guards dealt
	dealt event.Counters
}

// epochs is how many are on their way at a time: one with each of dealer, workers and chronicle, and one between each two.
const epochs = 5

// NewCrew makes a crew of n workers. The memory that cfg grants is for all of them together. Config.Now and Peer are not used; it
// panics if Config.Forward is set.
func NewCrew(cfg Config, n int, source Source, sink Sink) *Crew {
	if cfg.Forward != nil {
		panic("inspect: a Crew does not forward")
	}
	if cfg.Shared == nil {
		cfg.Shared = NewShared(cfg.Memory.Names)
	}
	cfg.Now, cfg.Peer = nil, Peer{}
	c := &Crew{dealer: newDealer(cfg, source, n)}
	theirs := cfg
	theirs.Memory = Memory{Flows: cfg.Memory.Flows / 2 / n, Streams: cfg.Memory.Streams / n} // the other half is for stories
	for range n {
		w := newWorker(theirs, nil, nil)
		w.batch.N = decap.BatchSize // packets always wait
		c.workers = append(c.workers, w)
	}
	c.chronicle = newChronicle(cfg, c.workers, sink)
	return c
}

// Run inspects until the source ends or is closed, then ends every open flow and returns. An error is the source's.
func (c *Crew) Run() error {
	free, told := make(chan *epoch, epochs), make(chan *epoch, epochs)
	hands := make([]chan *epoch, len(c.workers))
	for range epochs {
		free <- newEpoch(len(c.workers))
	}
	for i, w := range c.workers {
		hands[i] = make(chan *epoch, epochs)
		c.hired.Go(func() { c.work(w, hands[i], i) })
	}
	c.hired.Go(func() { c.tell(told, free) })
	err := c.deal(free, hands, told)
	c.hired.Wait()
	c.dealer.release()
	if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// deal is the dealer's goroutine. It closes the others' channels.
func (c *Crew) deal(free <-chan *epoch, hands []chan *epoch, told chan<- *epoch) (err error) {
	for last, released := false, false; !last; {
		e := <-free
		if e.ending && !released { // the workers have done with all datagrams, and flows are left to end meanwhile
			released = true
			c.hired.Go(c.dealer.release)
		}
		e.clear()
		if err == nil {
			err = c.dealer.fill(e)
			c.mu.Lock()
			c.dealt = c.dealer.stats
			c.mu.Unlock()
		} else {
			last = int(c.ended.Load()) == len(hands)
			e.ending, e.last = true, last
		}
		e.told.Add(len(hands))
		for _, hand := range hands {
			hand <- e
		}
		told <- e
	}
	for _, hand := range hands {
		close(hand)
	}
	close(told)
	return err
}

// tell is the chronicle's goroutine.
func (c *Crew) tell(told <-chan *epoch, free chan<- *epoch) {
	for e := range told {
		e.told.Wait()
		c.chronicle.read(e)
		free <- e
	}
}

// Counters returns the counts up to the last epoch.
func (c *Crew) Counters() event.Counters {
	c.mu.Lock()
	sum := c.dealt
	c.mu.Unlock()
	for _, w := range c.workers {
		n := w.Counters()
		n.Sessions = 0 // each counts those that it has seen; the chronicle has them all
		sum.Add(&n)
	}
	n := c.chronicle.voice.Counters()
	sum.Add(&n)
	return sum
}

// work is the goroutine of a worker. i is its number.
func (c *Crew) work(w *Worker, hands <-chan *epoch, i int) {
	for e := range hands {
		w.diary = &e.diaries[i]
		w.diary.pairs = c.chronicle.voice.pairs
		w.out = &w.diary.batch
		w.sessions.Refresh()
		w.play(e.hands[i], e.marks)
		if e.ending && w.bowOut() {
			c.ended.Add(1)
		}
		w.publish()
		e.told.Done()
	}
}

// bowOut ends some flows, no more than a batch may, so that an epoch of ends has no more to tell than one of packets. It reports
// whether none is left for the first time.
func (w *Worker) bowOut() (done bool) {
	if w.gone {
		return false
	}
	w.diary.at = atEnd
	live := w.flows.Live()
	if w.flows.Age(w.now, ageBusy); w.flows.Live() == live { // those that are idle for too long have ended
		w.flows.FlushSome(event.EndShutdown, ageBusy)
	}
	w.gone = w.flows.Live() == 0
	if w.gone && w.cfg.Interval != 0 {
		w.leave()
	}
	return w.gone
}

// play accounts a worker's packets of an epoch, up to 64 at a time as Run does.
func (w *Worker) play(hand []dealt, marks []mark) {
	for len(hand) > 0 {
		n := min(len(hand), len(w.items))
		w.sight(hand[:n])
		for i := range n {
			d := &hand[i]
			marks = w.heed(marks, d.at)
			w.clock = d.clock
			w.flows.Tick(d.clock)
			w.diary.at, w.diary.several = d.at, d.several
			w.take(&w.items[i], d)
		}
		hand = hand[n:]
	}
	w.heed(marks, atEnd)
}

// sight is parse and lookup for packets that were dealt.
func (w *Worker) sight(hand []dealt) {
	var refs [decap.BatchSize]uint32
	for i := range hand {
		d, it := &hand[i], &w.items[i]
		switch {
		case d.whole == nil:
			it.why = w.cfg.Decoder.Parse(&it.pkt, &d.datagram) // OK, as it was for the dealer
		case d.whole.pieces:
			it.why = decap.Fragment
			continue
		default:
			it.pkt, it.why = d.whole.pkt, decap.OK
		}
		w.identify(it)
		refs[i] = w.flows.Touch(it.hash)
	}
	for _, ref := range refs[:len(hand)] {
		w.touched += w.flows.TouchRecord(ref)
	}
}

// take accounts a packet that was dealt.
func (w *Worker) take(it *item, d *dealt) {
	switch {
	case d.whole == nil:
		w.packet(it, one(&it.pkt, d.datagram.Nanos))
	case d.whole.pieces:
		w.pieces(d.whole.pkt, d.whole.v)
	default:
		w.packet(it, d.whole.v)
	}
}

// heed does what is due before something that happened at a time, and returns the other marks.
func (w *Worker) heed(marks []mark, at moment) []mark {
	for ; len(marks) > 0 && marks[0].at < at; marks = marks[1:] {
		m := &marks[0]
		w.clock = m.nanos
		w.flows.Tick(m.nanos)
		w.diary.at = m.at
		if m.at.part() == afterBatch {
			w.now = m.nanos
			w.flows.Age(w.now, ageBusy)
			if w.cfg.Interval != 0 && w.now > 0 {
				w.turn()
			}
		} else {
			w.enter(m.nanos)
		}
	}
	return marks
}
