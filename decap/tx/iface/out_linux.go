package iface

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/decap/tx/internal/outbox"
)

// A port is a descriptor by which frames are sent.
type port interface {
	// attach connects it to an interface, in place of the one before.
	attach(d *device) error
	close() error
	// send hands frames to the kernel, from the one numbered first on, and returns how many it took. An error is why it took none.
	send(q *queue, first int) (int, error)
}

// out is a tx.Out to an interface.
type out struct {
	target   *target
	port     port
	on       *device // what the port is attached to; nil for nothing
	limit    int     // bytes of a frame without a tag
	queue    queue
	segments decap.Segments
	heads    []byte    // of the segments in the queue, decap.MaxHead for each; nil if long frames are not cut
	counts   tx.Counts // since the last Flush
	fate     outbox.Fate

	long  bool      // a frame was longer than the MTU that was last seen
	stuck time.Time // since when there was no room; the zero time if there is
}

const (
	// maxWait is how long Wait waits for an interface that takes nothing at all, such as one that is up without a carrier.
	maxWait = time.Second
	// roomPoll is much less than the time in which a full queue drains.
	roomPoll = 100 * time.Microsecond
)

// Add takes a frame. When decap.BatchSize frames are queued it sends them.
func (o *out) Add(f *tx.Frame) {
	n, limit := f.Len(), o.limit
	if n >= decap.EthernetLen+decap.VLANLen && tagged(f) {
		limit += decap.VLANLen
	}
	switch {
	case n >= decap.EthernetLen && n <= limit:
		o.Put(f.Head, f.Tail, outbox.Message{Bytes: n})
	case o.heads == nil || !outbox.Cut(&o.segments, f, limit, o):
		o.counts.Dropped[tx.Oversize]++
	}
	o.long = o.long || n > limit
}

// Space implements outbox.Sink.
func (o *out) Space() []byte {
	o.makeRoom()
	return o.heads[o.queue.n*decap.MaxHead:][:0:decap.MaxHead]
}

// Put implements outbox.Sink.
func (o *out) Put(head, tail []byte, m outbox.Message) {
	o.makeRoom()
	o.queue.push(head, tail, m)
}

func (o *out) makeRoom() {
	if o.queue.n == decap.BatchSize {
		o.send()
	}
}

// tagged reports whether the outermost tag of a frame is of 802.1Q. Such a tag does not count towards the MTU.
func tagged(f *tx.Frame) bool {
	at := func(i int) byte {
		if i < len(f.Head) {
			return f.Head[i]
		}
		return f.Tail[i-len(f.Head)]
	}
	return at(12) == unix.ETH_P_8021Q>>8 && at(13) == unix.ETH_P_8021Q&0xff
}

// Flush sends all frames taken and publishes the counts.
func (o *out) Flush() {
	o.send()
	o.target.counters.Add(&o.counts)
}

// Close flushes and closes the port.
func (o *out) Close() error {
	o.Flush()
	return o.port.close()
}

func (o *out) send() {
	q := &o.queue
	defer q.reset()
	if q.n == 0 && !o.long {
		return
	}
	o.long = false
	if !o.prepare() {
		o.drop(0, q.n, tx.Down)
		return
	}
	for first := 0; first < q.n; {
		n, err := o.port.send(q, first)
		if err != nil {
			first += o.failed(first, err)
			continue
		}
		for i := first; i < first+n; i++ {
			o.fate.Sent(&o.counts, &q.messages[i])
		}
		first += n
		o.stuck = time.Time{}
		o.target.link.back(o.on)
	}
}

// prepare attaches the port to where the interface is now. It reports whether there is one.
func (o *out) prepare() bool {
	d := o.target.link.use()
	if d == nil {
		return false
	}
	if d == o.on {
		return true
	}
	if err := o.port.attach(d); err != nil {
		o.away(d, err)
		return false
	}
	o.attached(d)
	return true
}

func (o *out) attached(d *device) { o.on, o.limit = d, d.mtu+decap.EthernetLen }

func (o *out) away(d *device, err error) {
	o.on = nil
	o.target.link.lost(d, err)
}

// failed handles a message that the kernel did not take, and returns how many messages are dropped. Those behind it may be sent,
// unless nothing can be sent at all.
func (o *out) failed(first int, err error) int {
	rest := o.queue.n - first
	switch outbox.Classify(err) {
	case outbox.Again:
		return 0
	case outbox.Full:
		return o.full(first, rest)
	case outbox.FullAhead:
		return o.full(first, 1)
	case outbox.TooLong: // the MTU has shrunk
		return o.drop(first, 1, tx.Oversize)
	default:
		o.away(o.on, err)
		return o.drop(first, rest, tx.Down)
	}
}

// full waits a little, or drops n messages.
func (o *out) full(first, n int) int {
	if o.target.cfg.Wait {
		if o.stuck.IsZero() {
			o.stuck = time.Now()
		}
		if time.Since(o.stuck) < maxWait {
			time.Sleep(roomPoll)
			return 0
		}
	}
	return o.drop(first, n, tx.QueueFull)
}

func (o *out) drop(first, n int, why tx.Loss) int {
	for i := first; i < first+n; i++ {
		o.fate.Dropped(&o.counts, &o.queue.messages[i], why)
	}
	return n
}
