package vxlan

import (
	"errors"
	"fmt"
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
	"github.com/mirrorsink/mirrorsink/decap/tx"
	"github.com/mirrorsink/mirrorsink/decap/tx/internal/outbox"
)

// sockets is how many sockets, and so how many UDP source ports, each worker has. The port alone shows a sensor's network card which
// flow a datagram belongs to (RFC 7348 section 5). With eight, a batch of 64 frames over veth costs 1 % more than with one (2026-11),
// with sixteen 4 %. Each worker has as many.
const sockets = 8

// maxBatch is how many datagrams one system call sends at most. That many can be pending in a socket.
const maxBatch = 64

// out is one worker's sockets. Frames are pending in the socket of their flow, so that those of a flow stay in order and leave from one
// port.
type out struct {
	target   *target
	sockets  [sockets]*socket
	views    []view // of the sensors, as they were at the first frame since Flush
	fresh    bool   // the views are of this batch
	probing  bool   // some sensor is being probed
	segments decap.Segments
	cutting  cutting
	counts   tx.Counts // since Flush
}

// A pending datagram is a message with the index of its sensor.
type pending struct {
	outbox.Message
	host int
}

// A view is the state of a sensor during a batch.
type view struct {
	*sensor
	takes bool
	room  int
}

// Open opens the sockets of one worker.
func (t *target) Open() (tx.Out, error) {
	o := &out{target: t, views: make([]view, len(t.sensors))}
	o.cutting.out = o
	for i, s := range t.sensors {
		o.views[i].sensor = s
	}
	addrs := sockaddrs(t.sensors, t.ipv4)
	for i := range o.sockets {
		s, err := openSocket(t.ipv4, addrs)
		if err != nil {
			o.Close()
			return nil, fmt.Errorf("vxlan target: %w", err)
		}
		o.sockets[i] = s
	}
	if given := o.sockets[0].buffer(); given < sendBuffer {
		t.warned.Do(func() {
			t.cfg.Log.Warn(fmt.Sprintf("the send buffer is %d bytes instead of %d: run \"sysctl -w net.core.wmem_max=%d\" and start again",
				given, sendBuffer, sendBuffer))
		})
	}
	return o, nil
}

// Add takes a frame. It sends what is pending in the frame's socket if there is no more room.
func (o *out) Add(f *tx.Frame) {
	if !o.fresh {
		o.refresh()
	}
	first, host := o.choose(f.Hash)
	switch {
	case host < 0:
		o.counts.Dropped[tx.Down]++
	case f.Len() > o.views[host].room:
		o.segment(f, host, host != first)
	default:
		m := outbox.Message{Bytes: f.Len(), Moved: host != first}
		o.socket(f.Hash).put(f.Head, f.Tail, o.vni(f), pending{m, host})
	}
}

// segment adds a frame that is too long in segments, if that was configured and can be done.
func (o *out) segment(f *tx.Frame, host int, moved bool) {
	o.cutting.hash, o.cutting.vni, o.cutting.host, o.cutting.moved = f.Hash, o.vni(f), host, moved
	if !o.target.cfg.Segment || !outbox.Cut(&o.segments, f, o.views[host].room, &o.cutting) {
		o.counts.Dropped[tx.Oversize]++
	}
}

// cutting is the outbox.Sink of the frame that is being cut.
type cutting struct {
	out   *out
	hash  uint32
	vni   uint32
	host  int
	moved bool
}

func (c *cutting) Space() []byte { return c.out.socket(c.hash).space() }

func (c *cutting) Put(head, payload []byte, m outbox.Message) {
	m.Moved = c.moved
	c.out.socket(c.hash).put(head, payload, c.vni, pending{m, c.host})
}

// socket returns the socket of a flow, with room for one frame.
func (o *out) socket(hash uint32) *socket {
	s := o.sockets[socketOf(hash)]
	if s.n == maxBatch {
		o.send(s)
	}
	return s
}

func (o *out) vni(f *tx.Frame) uint32 {
	if o.target.cfg.SetVNI {
		return o.target.cfg.VNI
	}
	return f.VNI & decap.MaxVNI
}

// socketOf uses bits from the middle of the hash: the upper ones have chosen the worker, and the lowest are mixed least.
func socketOf(hash uint32) int { return int(hash >> 16 % sockets) }

// refresh takes a view of each sensor.
func (o *out) refresh() {
	o.fresh, o.probing = true, false
	for i := range o.views {
		s := &o.views[i]
		now := s.state.Load()
		s.takes, s.room = takesFrames(now), int(s.sensor.room.Load())
		o.probing = o.probing || now == probing
	}
}

// choose returns the sensor that a flow has if all are reachable, and the one that it has now, -1 if there is none.
func (o *out) choose(hash uint32) (first, host int) {
	first, host = -1, -1
	var best, bestReachable uint64
	for i := range o.views {
		s := &o.views[i]
		w := s.weight(hash)
		if first < 0 || w > best {
			first, best = i, w
		}
		if s.takes && (host < 0 || w > bestReachable) {
			host, bestReachable = i, w
		}
	}
	return first, host
}

// Flush sends what is pending.
func (o *out) Flush() {
	for _, s := range o.sockets {
		if s.n > 0 {
			o.send(s)
		}
	}
	o.fresh = false
	o.target.counters.Add(&o.counts)
}

// send sends what is pending in a socket, or drops what cannot be sent.
func (o *out) send(s *socket) {
	for at := 0; at < s.n; {
		n, err := s.send(at)
		o.sent(s, at, at+n)
		at += n
		if err != nil {
			at += o.failed(s, at, err)
		}
	}
	s.reset()
}

func (o *out) sent(s *socket, from, to int) {
	for i := from; i < to; i++ {
		m := &s.pending[i]
		if o.probing {
			o.target.sent(o.views[m.host].sensor)
		}
		s.fate.Sent(&o.counts, &m.Message)
	}
	if to > from {
		s.suspect = -1
	}
}

// drop drops n datagrams of a socket.
func (o *out) drop(s *socket, from, n int, why tx.Loss) int {
	for i := from; i < from+n; i++ {
		s.fate.Dropped(&o.counts, &s.pending[i].Message, why)
	}
	return n
}

// failed handles datagram at of a socket, which was not sent, and returns how many datagrams were dropped. The error may be due to an
// earlier datagram, such as an ICMP port unreachable. So the datagram is tried once more: an error that
// concerns it comes again.
func (o *out) failed(s *socket, at int, err error) int {
	verdict := outbox.Classify(err)
	switch {
	case verdict == outbox.Again:
		return 0
	case verdict == outbox.Full && o.target.cfg.Wait:
		s.wait()
		return 0
	case verdict == outbox.Full:
		return o.drop(s, at, s.n-at, tx.QueueFull)
	case verdict == outbox.FullAhead && o.target.cfg.Wait:
		time.Sleep(time.Millisecond) // nothing shows when the interface's queue has room
		return 0
	case verdict == outbox.FullAhead:
		return o.drop(s, at, 1, tx.QueueFull)
	case verdict == outbox.Answered, s.suspect != at:
		s.suspect = at
		s.drain()
		return 0
	case verdict == outbox.TooLong:
		return o.drop(s, at, 1, tx.Oversize)
	default:
		o.target.sendFailed(o.views[s.pending[at].host].sensor, err)
		return o.drop(s, at, 1, tx.Down)
	}
}

func (o *out) Close() error {
	var errs []error
	for _, s := range o.sockets {
		if s != nil {
			errs = append(errs, s.close())
		}
	}
	return errors.Join(errs...)
}

// header returns a VXLAN header with the I flag and a VNI.
func header(vni uint32) [decap.VXLANLen]byte {
	return [decap.VXLANLen]byte{0: 0x08, 4: byte(vni >> 16), 5: byte(vni >> 8), 6: byte(vni)}
}
