package tx

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mirrorsink/mirrorsink/decap"
)

// A way is a descriptor that frames go out by.
type way interface {
	// attach makes it lead to an interface, whatever it led to before.
	attach(d *device) error
	close() error
	// send gives the kernel frames from the one numbered first on, and returns how many it took. An error is why it took none.
	send(q *queue, first int) (int, error)
}

// netOut is an Out to an interface.
type netOut struct {
	target *netTarget
	way    way
	on     *device // what the way leads to; nil for nothing
	limit  int     // bytes of a frame without a tag
	queue  queue
	cut    decap.Segments
	heads  []byte // of the segments in the queue, decap.MaxHead for each; nil unless long frames are cut
	counts Counts // since the last Flush

	lost  Loss      // what happened to the segments so far of a frame that is cut; Losses for nothing
	long  bool      // a frame was too long, as far as was known
	stuck time.Time // since when there was no room; the zero time if there is
}

const (
	etherLen = 14
	tagLen   = 4
	// patience is how long Wait waits for an interface that takes nothing at all, such as one that is up without a carrier.
	patience = time.Second
	// roomNap is much less than the time in which a full queue drains.
	roomNap = 100 * time.Microsecond
)

// Add takes a frame. It sends what was taken when there are decap.BatchSize of them.
func (o *netOut) Add(f *Frame) {
	n, limit := f.Len(), o.limit
	if n >= etherLen+tagLen && tagged(f) {
		limit += tagLen
	}
	switch {
	case n >= etherLen && n <= limit:
		o.push(f.Head, f.Tail, message{})
	case !o.segment(f, limit):
		o.counts.Dropped[Oversize]++
	}
	o.long = o.long || n > limit
}

// segment takes a frame that is too long in segments of at most so many bytes, if that was asked for and can be done.
func (o *netOut) segment(f *Frame, limit int) bool {
	if o.heads == nil || f.Packet == nil || !o.cut.Begin(f.Packet, f.Head, f.Tail, limit-linkLen(f)) {
		return false
	}
	for left := len(f.Packet.Payload); ; {
		if o.queue.n == decap.BatchSize {
			o.send()
		}
		room := o.heads[o.queue.n*decap.MaxHead:][:decap.MaxHead]
		head, payload, ok := o.cut.Next(room[:0:decap.MaxHead])
		if !ok {
			return true
		}
		left -= len(payload)
		o.queue.push(head, payload, message{segment: true, more: left > 0})
	}
}

func (o *netOut) push(head, tail []byte, m message) {
	if o.queue.n == decap.BatchSize {
		o.send()
	}
	o.queue.push(head, tail, m)
}

// tagged reports whether a frame has an 802.1Q tag outermost, which does not count towards the MTU.
func tagged(f *Frame) bool {
	at := func(i int) byte {
		if i < len(f.Head) {
			return f.Head[i]
		}
		return f.Tail[i-len(f.Head)]
	}
	return at(12) == unix.ETH_P_8021Q>>8 && at(13) == unix.ETH_P_8021Q&0xff
}

// Flush sends what was taken and publishes the counts.
func (o *netOut) Flush() {
	o.send()
	o.target.tally.add(&o.counts)
}

// Close sends what is left.
func (o *netOut) Close() error {
	o.Flush()
	return o.way.close()
}

func (o *netOut) send() {
	q := &o.queue
	defer q.reset()
	if q.n == 0 && !o.long {
		return
	}
	o.long = false
	if !o.prepare() {
		o.settle(0, q.n, Down)
		return
	}
	for first := 0; first < q.n; {
		n, err := o.way.send(q, first)
		if err != nil {
			first += o.refused(first, err)
			continue
		}
		o.settle(first, first+n, Losses)
		first += n
		o.stuck = time.Time{}
		o.target.link.back(o.on)
	}
}

// prepare makes the way lead to where the interface is now. It reports whether there is one.
func (o *netOut) prepare() bool {
	d := o.target.link.use()
	if d == nil {
		return false
	}
	if d == o.on {
		return true
	}
	if err := o.way.attach(d); err != nil {
		o.away(d, err)
		return false
	}
	o.on, o.limit = d, d.mtu+etherLen
	return true
}

func (o *netOut) away(d *device, err error) {
	o.on = nil
	o.target.link.lost(d, err)
}

// refused deals with a frame that the kernel did not take, and returns how many are given up with it. Others behind it may
// fare better, unless nothing can be sent at all.
func (o *netOut) refused(first int, err error) int {
	rest := o.queue.n - first
	switch {
	case errors.Is(err, unix.EINTR):
		return 0
	case errors.Is(err, unix.EAGAIN): // the socket's buffer is full
		return o.busy(first, rest)
	case errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.ENOMEM): // a queue behind it was full, and drains while we go on
		return o.busy(first, 1)
	case errors.Is(err, unix.EMSGSIZE): // the MTU has shrunk
		o.settle(first, first+1, Oversize)
		return 1
	default:
		o.away(o.on, err)
		o.settle(first, o.queue.n, Down)
		return rest
	}
}

// busy waits a little, or gives up n frames.
func (o *netOut) busy(first, n int) int {
	if o.target.cfg.Wait {
		if o.stuck.IsZero() {
			o.stuck = time.Now()
		}
		if time.Since(o.stuck) < patience {
			time.Sleep(roomNap)
			return 0
		}
	}
	o.settle(first, first+n, Busy)
	return n
}

// settle counts messages that were sent, or lost. A frame that was cut is sent if all its segments are.
func (o *netOut) settle(from, to int, lost Loss) {
	for i := from; i < to; i++ {
		m := &o.queue.messages[i]
		switch {
		case lost == Losses:
			o.counts.Bytes += uint64(m.size)
			if m.segment {
				o.counts.Segments++
			}
		case o.lost == Losses:
			o.lost = lost
		}
		if m.more {
			continue
		}
		if o.lost == Losses {
			o.counts.Frames++
		} else {
			o.counts.Dropped[o.lost]++
		}
		o.lost = Losses
	}
}
