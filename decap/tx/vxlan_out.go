package tx

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/mirrorsink/mirrorsink/decap"
)

// lanes is how many sockets, and with them UDP source ports, each worker has: the ports are all that tells a sensor's network card
// one flow from another (RFC 7348 section 5). With eight, a batch of 64 frames over veth costs 1 % more than with one (2026-11), with
// sixteen 4 %; and the workers multiply them.
const lanes = 8

// burst is how many frames one system call sends at most; more wait no longer than for these.
const burst = 64

// vxlanOut is one worker's sockets. Frames gather in the lane of their flow, so that those of a flow stay in order and leave from
// one port.
type vxlanOut struct {
	v      *vxlan
	lanes  [lanes]*lane
	views  []view // of the sensors, as they were at the first frame since Flush
	fresh  bool   // views are
	retry  bool   // some sensor is being tried again
	cut    decap.Segments
	counts Counts // since Flush
}

// A slot is what is counted of a datagram that waits in a lane.
type slot struct {
	host  int
	size  int  // of the frame that it is or belongs to
	moved bool // to a host that is not the flow's own
	piece bool // one of several that were made of the frame
	more  bool // pieces of the same frame follow: the frame's fate is told by the last
}

// A view is what a way knows of a sensor, for the time of a batch.
type view struct {
	*sensor
	takes bool
	room  int
}

// Open opens the sockets of one worker.
func (v *vxlan) Open() (Out, error) {
	o := &vxlanOut{v: v, views: make([]view, len(v.sensors))}
	for i, s := range v.sensors {
		o.views[i].sensor = s
	}
	addrs := sockaddrs(v.sensors, v.ipv4)
	for i := range o.lanes {
		l, err := openLane(v.ipv4, addrs)
		if err != nil {
			o.Close()
			return nil, fmt.Errorf("vxlan target: %w", err)
		}
		o.lanes[i] = l
	}
	if given := o.lanes[0].buffer(); given < sendBuffer {
		v.warned.Do(func() {
			v.cfg.Log.Warn(fmt.Sprintf("the send buffer is %d bytes instead of %d: run \"sysctl -w net.core.wmem_max=%d\" and start again",
				given, sendBuffer, sendBuffer))
		})
	}
	return o, nil
}

// Add takes a frame. It sends what has gathered for the same lane if there is no more room.
func (o *vxlanOut) Add(f *Frame) {
	if !o.fresh {
		o.look()
	}
	first, host := o.choose(f.Hash)
	switch {
	case host < 0:
		o.counts.Dropped[Down]++
	case f.Len() > o.views[host].room:
		o.segment(f, host, host != first)
	default:
		o.lane(f.Hash).put(f, o.vni(f), slot{host: host, size: f.Len(), moved: host != first})
	}
}

// segment adds a frame that is too long in pieces, if that was asked for and can be done.
func (o *vxlanOut) segment(f *Frame, host int, moved bool) {
	room := o.views[host].room
	if !o.v.cfg.Segment || f.Packet == nil || !o.cut.Begin(f.Packet, f.Head, f.Tail, room-linkLen(f)) {
		o.counts.Dropped[Oversize]++
		return
	}
	left := len(f.Packet.Payload)
	for {
		l := o.lane(f.Hash)
		head, payload, ok := o.cut.Next(l.space())
		if !ok {
			return
		}
		left -= len(payload)
		l.put(&Frame{Head: head, Tail: payload}, o.vni(f), slot{host: host, size: f.Len(), moved: moved, piece: true, more: left > 0})
	}
}

// linkLen is the length of a frame's Ethernet header with its tags.
func linkLen(f *Frame) int {
	n := 14 + 4*int(f.Packet.NumVLANs)
	if f.VLAN != 0 {
		n += 4
	}
	return n
}

// lane returns the lane of a flow, with room for one frame.
func (o *vxlanOut) lane(hash uint32) *lane {
	l := o.lanes[laneOf(hash)]
	if l.n == burst {
		o.send(l)
	}
	return l
}

func (o *vxlanOut) vni(f *Frame) uint32 {
	if o.v.cfg.SetVNI {
		return o.v.cfg.VNI
	}
	return f.VNI & MaxVNI
}

// laneOf uses bits from the middle of the hash: the upper ones have chosen the worker, and the lowest are mixed least.
func laneOf(hash uint32) int { return int(hash >> 16 % lanes) }

// look notes how the sensors are.
func (o *vxlanOut) look() {
	o.fresh, o.retry = true, false
	for i := range o.views {
		s := &o.views[i]
		h := s.health.Load()
		s.takes, s.room = takesFrames(h), int(s.sensor.room.Load())
		o.retry = o.retry || h == retried
	}
}

// choose returns the sensor of a flow, were all alive, and the one that it has now: -1 if there is none.
func (o *vxlanOut) choose(hash uint32) (first, host int) {
	first, host = -1, -1
	var best, living uint64
	for i := range o.views {
		s := &o.views[i]
		w := s.weight(hash)
		if first < 0 || w > best {
			first, best = i, w
		}
		if s.takes && (host < 0 || w > living) {
			host, living = i, w
		}
	}
	return first, host
}

// Flush sends what has gathered.
func (o *vxlanOut) Flush() {
	for _, l := range o.lanes {
		if l.n > 0 {
			o.send(l)
		}
	}
	o.fresh = false
	o.v.tally.add(&o.counts)
}

// send sends what a lane holds, or drops what it cannot.
func (o *vxlanOut) send(l *lane) {
	for at := 0; at < l.n; {
		n, err := l.send(at)
		o.sent(l, at, at+n)
		at += n
		if err != nil {
			at += o.failed(l, at, err)
		}
	}
	l.reset()
}

func (o *vxlanOut) sent(l *lane, from, to int) {
	for i := from; i < to; i++ {
		s := &l.slots[i]
		if s.piece {
			o.counts.Segments++
		}
		if o.retry {
			o.v.reached(o.views[s.host].sensor)
		}
		if s.more {
			continue
		}
		if l.torn {
			o.counts.Dropped[l.tornBy]++
			l.torn = false
			continue
		}
		o.counts.Frames++
		o.counts.Bytes += uint64(s.size)
		if s.moved {
			o.counts.Moved++
		}
	}
	if to > from {
		l.suspect = -1
	}
}

// drop gives up datagrams of a lane. A frame of which a piece is missing is dropped, though the others may have been sent.
func (o *vxlanOut) drop(l *lane, from, to int, why Loss) int {
	for i := from; i < to; i++ {
		if l.slots[i].more {
			l.torn, l.tornBy = true, why
			continue
		}
		o.counts.Dropped[why]++
		l.torn = false
	}
	return to - from
}

// failed says what is to be done about frame at of a lane, which was not sent: it returns how many frames were given up. Whatever
// an answer of the network to an earlier datagram may have caused, such as that nobody listens there, is tried again, since it
// has nothing to do with this frame; if it was the system's own word, it says so once more.
func (o *vxlanOut) failed(l *lane, at int, err error) int {
	switch {
	case errors.Is(err, syscall.EINTR):
		return 0
	case errors.Is(err, syscall.EAGAIN):
		if o.v.cfg.Wait {
			l.wait()
			return 0
		}
		return o.drop(l, at, l.n, Busy)
	case errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.ENOMEM):
		if o.v.cfg.Wait {
			time.Sleep(time.Millisecond) // nothing tells when the interface's queue has room
			return 0
		}
		return o.drop(l, at, at+1, Busy)
	case errors.Is(err, syscall.ECONNREFUSED), l.suspect != at:
		l.suspect = at
		l.drain()
		return 0
	case errors.Is(err, syscall.EMSGSIZE):
		return o.drop(l, at, at+1, Oversize)
	default:
		o.v.cut(o.views[l.slots[at].host].sensor, err)
		return o.drop(l, at, at+1, Down)
	}
}

func (o *vxlanOut) Close() error {
	var errs []error
	for _, l := range o.lanes {
		if l != nil {
			errs = append(errs, l.close())
		}
	}
	return errors.Join(errs...)
}

// vxlanHeader is the header with the I flag and a VNI of 24 bits.
func vxlanHeader(vni uint32) [vxlanHeaderLen]byte {
	return [vxlanHeaderLen]byte{0: 0x08, 4: byte(vni >> 16), 5: byte(vni >> 8), 6: byte(vni)}
}
