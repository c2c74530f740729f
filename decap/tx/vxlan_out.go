package tx

import (
	"errors"
	"fmt"
	"syscall"
	"time"
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
	counts Counts // since Flush
}

// A view is what a way knows of a sensor, for the time of a batch.
type view struct {
	*sensor
	takes bool
	room  int
}

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
		o.counts.Dropped[Oversize]++
	default:
		o.put(f, host, host != first)
	}
}

func (o *vxlanOut) put(f *Frame, host int, moved bool) {
	l := o.lanes[laneOf(f.Hash)]
	if l.n == burst {
		o.send(l)
	}
	vni := f.VNI
	if o.v.cfg.SetVNI {
		vni = o.v.cfg.VNI
	}
	l.put(f, host, vni&MaxVNI)
	l.sizes[l.n-1], l.moved[l.n-1] = f.Len(), moved
}

// laneOf mixes the hash once more, since its upper bits have chosen the worker.
func laneOf(hash uint32) int { return int(hash * 0x85ebca6b >> 16 % lanes) }

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
		o.counts.Frames++
		o.counts.Bytes += uint64(l.sizes[i])
		if l.moved[i] {
			o.counts.Moved++
		}
		if o.retry {
			o.v.reached(o.views[l.hosts[i]].sensor)
		}
	}
	if to > from {
		l.suspect = -1
	}
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
		o.counts.Dropped[Busy] += uint64(l.n - at)
		return l.n - at
	case errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.ENOMEM):
		if o.v.cfg.Wait {
			time.Sleep(time.Millisecond) // nothing tells when the interface's queue has room
			return 0
		}
		o.counts.Dropped[Busy]++
		return 1
	case errors.Is(err, syscall.ECONNREFUSED), l.suspect != at:
		l.suspect = at
		l.drain()
		return 0
	case errors.Is(err, syscall.EMSGSIZE):
		o.counts.Dropped[Oversize]++
		return 1
	default:
		o.counts.Dropped[Down]++
		o.v.cut(o.views[l.hosts[at]].sensor, err)
		return 1
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
