package tx

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"
)

// PcapConfig says where frames are written to, and how.
type PcapConfig struct {
	Dir     string        // a folder of files, one after the other
	To      io.Writer     // a pipe, instead of Dir; it is not closed, and a failed write is its end
	Rotate  time.Duration // how much of the frames' time a file covers; 0 is for all
	Size    int64         // the most bytes in a file; 0 is for any number
	Classic bool          // pcap instead of pcapng
	Queue   int           // the most bytes that wait to be written; 0 is for DefaultPcapQueue
	Wait    bool          // wait for room in the queue instead of dropping, and let no clock end a file: for captures, which can wait
	// Name returns the name and the comment of a mirror session's interface, in pcapng; an empty name is for one made of the
	// session's addresses, as is a nil Name. It is called by one goroutine.
	Name func(outer netip.Addr, vni uint32) (name, comment string)
	Log  *slog.Logger // slog's default if nil
}

// DefaultPcapQueue lets a disk stall for half a second at 1 Gbit/s.
const DefaultPcapQueue = 64 << 20

// The least that a file may cover: smaller ones are more work to open than to read, and a mistyped size would fill a folder with them.
const (
	MinPcapSize   = 64 << 10 // bytes
	MinPcapRotate = time.Second
)

// pcapTarget is the target that OpenPcap opens. Workers copy frames into blocks, which one goroutine writes.
type pcapTarget struct {
	cfg      PcapConfig
	tally    tally
	queue    *pcapQueue
	progress atomic.Uint64 // counts blocks that were written
	done     chan struct{}
	err      error // of the end; for who has seen done closed
}

// OpenPcap begins to write captures. In a folder a file that is still written has a hidden name, so that who takes what is there
// gets whole files only; those that a crash left behind are finished first. (suricata --pcap-file-continuous looks at no names: its delay
// must be longer than Rotate.) A program that writes to a pipe must ignore SIGPIPE. An error is one line that says what to do.
func OpenPcap(cfg PcapConfig) (Target, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Queue == 0 {
		cfg.Queue = DefaultPcapQueue
	}
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("pcap target: %w", err)
	}
	var to outlet = &stream{to: cfg.To}
	if cfg.To == nil {
		dir := &folder{dir: cfg.Dir, ext: cfg.ext(), log: cfg.Log}
		if err := dir.open(); err != nil {
			return nil, fmt.Errorf("pcap target: %w", err)
		}
		to = dir
	}
	p := &pcapTarget{cfg: cfg, queue: newPcapQueue(cfg.Queue, cfg.Wait), done: make(chan struct{})}
	go p.run(newRecorder(&p.cfg, to, &p.tally))
	return p, nil
}

func (c *PcapConfig) check() error {
	switch {
	case (c.Dir == "") == (c.To == nil):
		return errors.New("give either a folder or a pipe")
	case c.To != nil && (c.Rotate != 0 || c.Size != 0):
		return errors.New("a pipe has no files to rotate: give a folder, or neither a time nor a size")
	case c.Rotate != 0 && c.Rotate < MinPcapRotate:
		return fmt.Errorf("cannot rotate every %v: give at least %v", c.Rotate, MinPcapRotate)
	case c.Size != 0 && c.Size < MinPcapSize:
		return fmt.Errorf("files of %d bytes are too small: give at least %d", c.Size, MinPcapSize)
	case c.Queue < 0:
		return fmt.Errorf("a queue of %d bytes holds nothing: give at least 1", c.Queue)
	}
	return nil
}

func (c *PcapConfig) ext() string {
	if c.Classic {
		return ".pcap"
	}
	return ".pcapng"
}

// run writes blocks until the queue is closed and empty.
func (p *pcapTarget) run(r *recorder) {
	defer close(p.done)
	ticks := time.NewTicker(retryEvery)
	defer ticks.Stop()
	for {
		blocks, more := p.queue.take()
		for _, b := range blocks {
			r.write(b)
			p.queue.release(b)
			p.progress.Add(1)
		}
		r.flush()
		switch {
		case len(blocks) > 0:
		case !more:
			p.err = r.end()
			return
		default:
			select {
			case <-p.queue.wake:
			case <-ticks.C:
				r.idle()
			}
		}
	}
}

// Open returns a way that copies frames into the queue. It cannot fail.
func (p *pcapTarget) Open() (Out, error) { return &pcapOut{p: p, block: new(block)}, nil }

func (p *pcapTarget) Counts() Counts { return p.tally.counts() }

// giveUpAfter is how long Close waits for a reader that takes nothing.
const giveUpAfter = 5 * time.Second

// Close writes what is queued and finishes the file. If nothing of it can be written for giveUpAfter, the rest is dropped and counted.
func (p *pcapTarget) Close() error {
	p.queue.close()
	for {
		before := p.progress.Load()
		select {
		case <-p.done:
			return p.err
		case <-time.After(giveUpAfter):
		}
		if p.progress.Load() == before {
			return fmt.Errorf("pcap target: %d frames were not written: nobody took any of them for %v", p.tally.abandon(), giveUpAfter)
		}
	}
}

// blockSize is how many bytes a block gathers before it is queued without waiting for Flush.
const blockSize = 256 << 10

// pcapOut is one worker's way into the queue.
type pcapOut struct {
	p     *pcapTarget
	block *block
}

// Add copies a frame.
func (o *pcapOut) Add(f *Frame) {
	o.block.add(f)
	if len(o.block.data) >= blockSize {
		o.Flush()
	}
}

// Flush queues the frames.
func (o *pcapOut) Flush() {
	n := uint64(len(o.block.records))
	if n == 0 {
		return
	}
	o.p.tally.add(&Counts{Queued: n})
	if o.p.queue.push(o.block) {
		o.block = o.p.queue.spare()
		return
	}
	o.p.tally.settled(&Counts{Dropped: [Losses]uint64{Busy: n}}, n)
	o.block.reset()
}

func (o *pcapOut) Close() error { return nil }
