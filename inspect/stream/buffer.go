package stream

import (
	"slices"
	"sort"
	"unsafe"

	"github.com/mirrorsink/mirrorsink/inspect/l7"
)

// buffer gathers one direction's bytes of a TCP connection from a sequence number on. Segments may come in any order; the first copy
// of a byte wins. Parsers read Bytes, the contiguous front. Memory comes from a pool, and only when a segment has to wait; a segment that
// begins where the buffer does is read where it lies.
type buffer struct {
	base    uint32 // sequence number of the first byte
	opened  bool   // base means something
	inexact bool   // base is a guess: the connection was picked up in the middle, and nothing was consumed yet
	aliased []byte // the segment added last, if it is contiguous and nothing is buffered: aliases the packet
	buf     []byte // from base on, with gaps
	runs    []run
	clashes clashes // where other copies of bytes differed
	charged int     // the part of the runs' memory that the pool counts

	other     []byte // another copy of bytes that were not read yet, which differs
	otherOff  int32  // where in buf they are
	recovered run    // what Believe has believed in spite of its checksum
}

// run is a run of bytes in buf that came in one segment, or in several of which there were too many to remember where each began.
type run struct {
	off, end int32
	head     bool // it begins where its segment began
	doubt    doubt
}

// Bounds of the work for each segment. Up to fewRuns are kept apart, so that it is known where segments began: the buffer holds eleven
// full-sized ones. Of more those that touch become one, so that maxRuns bounds the gaps between them. A message of 2 KiB has no more if every
// second byte comes first.
const (
	fewRuns = 64
	maxRuns = 1 << 10
	runSize = int(unsafe.Sizeof(run{}))
)

// maxBuffered is the largest distance from a buffer's base at which bytes are kept: what a parser is given at once.
const maxBuffered = l7.Window

// Open sets where the buffer starts, if that is not known.
func (b *buffer) Open(seq uint32, exact bool) {
	if !b.opened {
		b.base, b.opened, b.inexact = seq, true, !exact
	}
}

// Opened reports whether the buffer's start is known.
func (b *buffer) Opened() bool { return b.opened }

// Base returns the sequence number of the buffer's first byte.
func (b *buffer) Base() uint32 { return b.base }

// End returns the sequence number behind the contiguous front.
func (b *buffer) End() uint32 { return b.base + uint32(len(b.Bytes())) }

// Busy reports whether any bytes are in the buffer.
func (b *buffer) Busy() bool { return len(b.aliased) > 0 || len(b.runs) > 0 }

// HasGap reports whether bytes wait behind a gap.
func (b *buffer) HasGap() bool {
	return len(b.runs) > 0 && (b.runs[0].off > 0 || b.runs[0].doubt != certain)
}

// Lacks reports whether bytes before a sequence number are missing, while some behind them came.
func (b *buffer) Lacks(seq uint32) bool {
	var n int32
	for i := range b.runs {
		if r := &b.runs[i]; r.off > n {
			return int32(seq-b.base) > n
		} else if r.end > n {
			n = r.end
		}
	}
	return false
}

// GapEnd returns the sequence number at which the first bytes behind the gap begin, or the end of those that are doubtful.
func (b *buffer) GapEnd() uint32 {
	if r := &b.runs[0]; r.off == 0 {
		return b.base + uint32(r.end)
	}
	return b.base + uint32(b.runs[0].off)
}

// placement is what became of a segment that was added.
type placement uint8

// What becomes of a segment.
const (
	duplicate   placement = iota // nothing new in it
	inOrder                      // it lengthened the contiguous front: look at Bytes
	outOfOrder                   // it waits behind a gap
	outOfWindow                  // it lies beyond the buffer, or behind one gap too many: what is missing before it will not come
)

// Add adds a segment. The buffer may alias payload until Detach, which must follow before the payload's memory is reused.
func (b *buffer) Add(seq uint32, payload []byte, pool *bufferPool) placement {
	off := int64(int32(seq - b.base)) // 64 bits, since -off of -2^31 has no place in 32
	if off < 0 && b.inexact && -off <= maxBuffered/2 {
		off += int64(b.rebase(int32(-off), pool))
	}
	if off < 0 {
		if -off >= int64(len(payload)) {
			return duplicate
		}
		payload = payload[-off:]
		off = 0
	}
	switch {
	case off == 0 && len(b.runs) == 0:
		b.aliased = payload
		return inOrder
	case off+int64(len(payload)) > maxBuffered && off > 0:
		return outOfWindow
	}
	payload = payload[:min(len(payload), maxBuffered-int(off))]
	b.yield(int32(off), payload, oddPacket)
	return b.insert(int32(off), payload, certain, pool)
}

// rebase moves the base back by n bytes, at most maxBuffered, for a segment from before the one that was seen first, and returns n. If
// there is no room for that it does nothing and returns 0: the segment is a duplicate then.
func (b *buffer) rebase(n int32, pool *bufferPool) int32 {
	if held := len(b.buf); held > 0 {
		if held+int(n) > maxBuffered {
			return 0
		}
		b.grow(held+int(n), pool)
		copy(b.buf[n:], b.buf[:held])
		for i := range b.runs {
			b.runs[i].off += n
			b.runs[i].end += n
		}
		b.otherOff += n
	}
	b.base -= uint32(n)
	return n
}

// insert copies those bytes of [off, off+len(data)) that are not there yet, and compares the others.
func (b *buffer) insert(off int32, data []byte, why doubt, pool *bufferPool) placement {
	end := off + int32(len(data))
	if len(b.runs) >= 2*maxRuns || len(b.runs) >= maxRuns && !b.touches(off, end) {
		return outOfWindow
	}
	b.grow(int(end), pool)
	front := b.front()
	start := off
	for i := b.find(off); start < end; i++ {
		stop := end
		if i < len(b.runs) {
			if b.runs[i].end <= start {
				continue
			}
			stop = min(end, b.runs[i].off)
		}
		if stop > start {
			copy(b.buf[start:stop], data[start-off:stop-off])
			b.runs = slices.Insert(b.runs, i, run{start, stop, start == off, why})
			i = b.join(i) + 1
		}
		if i == len(b.runs) {
			break
		}
		r := b.runs[i]
		if why != wrongSum {
			b.compare(r, off, data, why == certain && r.doubt == certain, front, pool)
		}
		start = max(start, r.end)
	}
	b.charge(pool)
	switch {
	case b.front() > front:
		return inOrder
	case front >= end:
		return duplicate
	}
	return outOfOrder
}

// find returns the first run that ends behind a place.
func (b *buffer) find(off int32) int {
	return sort.Search(len(b.runs), func(i int) bool { return b.runs[i].end > off })
}

// join makes one run of the new one at i and those that it touches and that are equally certain, if there are more than a few, and returns
// where that is.
func (b *buffer) join(i int) int {
	if len(b.runs) <= fewRuns {
		return i
	}
	if next := i + 1; next < len(b.runs) && b.runs[next].off == b.runs[i].end && b.runs[next].doubt == b.runs[i].doubt {
		b.runs[i].end = b.runs[next].end
		b.runs = slices.Delete(b.runs, next, next+1)
	}
	if last := i - 1; last >= 0 && b.runs[last].end == b.runs[i].off && b.runs[last].doubt == b.runs[i].doubt {
		b.runs[last].end = b.runs[i].end
		b.runs = slices.Delete(b.runs, i, i+1)
		return last
	}
	return i
}

// charge counts the memory of the runs, as far as it is more than that of a few, which a conn has anyway.
func (b *buffer) charge(pool *bufferPool) {
	n := max(cap(b.runs)-2*fewRuns, 0) * runSize
	pool.used += n - b.charged
	b.charged = n
}

// touches reports whether bytes would lengthen a run.
func (b *buffer) touches(off, end int32) bool {
	i := b.find(off - 1)
	return i < len(b.runs) && b.runs[i].off <= end
}

// grow makes the buffer at least size bytes long.
func (b *buffer) grow(size int, pool *bufferPool) {
	if size > cap(b.buf) {
		buf := pool.Get(size)[:len(b.buf)]
		copy(buf, b.buf)
		pool.Put(b.buf)
		b.buf = buf
	}
	b.buf = b.buf[:max(size, len(b.buf))]
}

// front returns the length of the contiguous front of the buffer.
func (b *buffer) front() int32 {
	var n int32
	for _, p := range b.runs {
		if p.off > n || p.doubt != certain {
			break
		}
		n = max(n, p.end)
	}
	return n
}

// Bytes returns the contiguous front, at most maxBuffered bytes. It aliases the packet or the buffer.
func (b *buffer) Bytes() []byte {
	if b.aliased != nil {
		n := min(len(b.aliased), maxBuffered)
		return b.aliased[:n:n]
	}
	n := b.front()
	return b.buf[:n:n]
}

// Detach makes the buffer independent of the packet's memory.
func (b *buffer) Detach(pool *bufferPool) {
	data := b.aliased
	b.aliased = nil
	if len(data) > 0 {
		b.insert(0, data[:min(len(data), maxBuffered)], certain, pool)
	}
}

// Consume moves the base on by n bytes, which may be more than are there.
func (b *buffer) Consume(n int, pool *bufferPool) {
	b.base += uint32(n)
	b.inexact = false
	if b.aliased != nil {
		b.aliased = b.aliased[min(n, len(b.aliased)):]
		if len(b.aliased) == 0 {
			b.aliased = nil
		}
		return
	}
	if b.otherOff -= int32(n); b.otherOff < 0 {
		b.dropOther(pool)
	}
	keep := b.runs[:0]
	for _, p := range b.runs {
		if int(p.end) > n {
			keep = append(keep, run{max(p.off-int32(n), 0), p.end - int32(n), p.head && int(p.off) >= n, p.doubt})
		}
	}
	b.runs = keep
	if len(keep) == 0 {
		b.drop(pool)
		return
	}
	b.buf = b.buf[:copy(b.buf, b.buf[n:])]
}

// Seek skips what is missing: it moves the base to the first segment in the buffer for which begins is true, and returns true. If there is
// none it closes the buffer. The next segment may then open it again.
func (b *buffer) Seek(begins func([]byte) bool, pool *bufferPool) bool {
	for _, p := range b.runs {
		if p.head && begins(b.buf[p.off:p.end]) {
			b.Consume(int(p.off), pool)
			return true
		}
	}
	b.Close(pool)
	return false
}

// Close empties the buffer and forgets where it starts.
func (b *buffer) Close(pool *bufferPool) {
	b.runs = b.runs[:0]
	b.drop(pool)
	b.opened, b.inexact, b.aliased, b.clashes = false, false, nil, 0
}

func (b *buffer) drop(pool *bufferPool) {
	pool.Put(b.buf)
	b.buf = nil
	b.dropOther(pool)
	if b.charged != 0 {
		b.runs = nil
		b.charge(pool)
	}
}
