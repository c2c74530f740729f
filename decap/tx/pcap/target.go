package pcap

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/mirrorsink/mirrorsink/decap/tx"
)

// Config is where frames are written to, and how.
type Config struct {
	Dir     string        // a folder of files, one after the other
	To      io.Writer     // a pipe, instead of Dir; it is not closed, and it ends with the first failed write
	Rotate  time.Duration // how much of the frames' time a file covers; 0 for no bound
	Size    int64         // the largest size of a file in bytes; 0 for no bound
	Classic bool          // pcap instead of pcapng
	Queue   int           // how many bytes wait to be written at most; 0 for DefaultQueue
	Wait    bool          // wait for room in the queue instead of dropping, and end files by the frames' time alone, for captures
	// Name returns the name and the comment of a mirror session's interface in pcapng. If it is nil or returns an empty name, the
	// name is made of the session's addresses. It is called by one goroutine.
	Name func(outer netip.Addr, vni uint32) (name, comment string)
	Log  *slog.Logger // slog's default if nil
}

// DefaultQueue lets a disk stall for half a second at 1 Gbit/s.
const DefaultQueue = 64 << 20

// The least that a file may cover. Smaller files are more work to open than to read, and a mistyped size would fill a folder with them.
const (
	MinSize   = 64 << 10 // bytes
	MinRotate = time.Second
)

// target is a tx.Target. Workers copy frames into blocks, which one goroutine writes.
type target struct {
	cfg      Config
	counters tx.Counters
	queue    *queue
	progress atomic.Uint64 // counts blocks that were written
	done     chan struct{}
	err      error // of the end; valid once done is closed
}

// Open starts to write captures. In a folder, a file that is being written has a hidden name, so that programs that watch the folder see
// complete files only. Files that a crash left behind are finished first. (suricata --pcap-file-continuous ignores names: its delay
// must be longer than Rotate.) A program that writes to a pipe must ignore SIGPIPE. An error is one line that says what to do.
func Open(cfg Config) (tx.Target, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Queue == 0 {
		cfg.Queue = DefaultQueue
	}
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("pcap target: %w", err)
	}
	var to sink = &stream{to: cfg.To}
	if cfg.To == nil {
		dir := &folder{dir: cfg.Dir, ext: cfg.ext(), log: cfg.Log}
		if err := dir.open(); err != nil {
			return nil, fmt.Errorf("pcap target: %w", err)
		}
		to = dir
	}
	p := &target{cfg: cfg, queue: newQueue(cfg.Queue, cfg.Wait), done: make(chan struct{})}
	go p.run(newRotator(&p.cfg, to, &p.counters))
	return p, nil
}

func (c *Config) check() error {
	switch {
	case (c.Dir == "") == (c.To == nil):
		return errors.New("give either a folder or a pipe")
	case c.To != nil && (c.Rotate != 0 || c.Size != 0):
		return errors.New("a pipe has no files to rotate: give a folder, or neither a time nor a size")
	case c.Rotate != 0 && c.Rotate < MinRotate:
		return fmt.Errorf("cannot rotate every %v: give at least %v", c.Rotate, MinRotate)
	case c.Size != 0 && c.Size < MinSize:
		return fmt.Errorf("files of %d bytes are too small: give at least %d", c.Size, MinSize)
	case c.Queue < 0:
		return fmt.Errorf("a queue of %d bytes holds nothing: give at least 1", c.Queue)
	}
	return nil
}

func (c *Config) ext() string {
	if c.Classic {
		return ".pcap"
	}
	return ".pcapng"
}

// run writes blocks until the queue is closed and empty.
func (p *target) run(r *rotator) {
	defer close(p.done)
	ticks := time.NewTicker(retryInterval)
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

// Open returns an Out that copies frames into the queue. It cannot fail.
func (p *target) Open() (tx.Out, error) { return &out{p: p, block: new(block)}, nil }

func (p *target) Counts() tx.Counts { return p.counters.Counts() }

// closeTimeout is how long Close waits for a reader that takes nothing.
const closeTimeout = 5 * time.Second

// Close writes what is queued and finishes the file. If nothing can be written for closeTimeout, the rest is dropped and counted.
func (p *target) Close() error {
	p.queue.close()
	for {
		before := p.progress.Load()
		select {
		case <-p.done:
			return p.err
		case <-time.After(closeTimeout):
		}
		if p.progress.Load() == before {
			return fmt.Errorf("pcap target: %d frames were not written: their reader took none for %v", p.counters.DropAll(), closeTimeout)
		}
	}
}

// blockSize is how many bytes a block holds before it is queued without waiting for Flush.
const blockSize = 256 << 10

// out is one worker's tx.Out.
type out struct {
	p     *target
	block *block
}

// Add copies a frame.
func (o *out) Add(f *tx.Frame) {
	o.block.add(f)
	if len(o.block.data) >= blockSize {
		o.Flush()
	}
}

// Flush queues the frames.
func (o *out) Flush() {
	n := uint64(len(o.block.records))
	if n == 0 {
		return
	}
	o.p.counters.Add(&tx.Counts{Queued: n})
	if o.p.queue.push(o.block) {
		o.block = o.p.queue.spare()
		return
	}
	o.p.counters.Commit(&tx.Counts{Dropped: [tx.Losses]uint64{tx.QueueFull: n}}, n)
	o.block.reset()
}

func (o *out) Close() error { return nil }
