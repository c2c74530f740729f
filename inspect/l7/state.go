package l7

import "slices"

// State is the parsing state of one UDP flow whose handshake spans datagrams. The zero State is that of a new flow. A parser that
// returns Done or Reject has Reset it, so that its owner can use it for another flow, unless Hint.Pending is set. Hints do not alias it.
type State struct {
	hello Assembly
	quic  quicState
	next  *State // of another connection on the same flow
}

// Size returns the memory of the state in bytes.
func (s *State) Size() (n int) {
	for ; s != nil; s = s.next {
		n += stateSize + cap(s.hello.buf) + cap(s.hello.have)*extentSize
	}
	return n
}

// Bytes of memory on a 64-bit machine, rounded up.
const (
	stateSize  = 512
	extentSize = 16
)

// Reset makes the state that of a new flow, and keeps its memory.
func (s *State) Reset() {
	s.hello.reset()
	s.quic, s.next = quicState{}, nil
}

// Assembly reassembles a handshake message from fragments that come in any order, each with its offset (CRYPTO frames of QUIC,
// RFC 9000 section 19.6; fragments of DTLS, RFC 6347 section 4.2.3). The first copy of a byte is kept. It holds at most Window
// bytes.
type Assembly struct {
	buf  []byte
	have []extent // in order, with gaps between them
}

// extent is the range [off, end) of bytes that were added.
type extent struct{ off, end int }

// reset removes the bytes and keeps the memory.
func (a *Assembly) reset() { a.buf, a.have = a.buf[:0], a.have[:0] }

// Add adds a fragment. Bytes beyond the window are ignored.
func (a *Assembly) Add(off int, data []byte) {
	if off < 0 || off >= Window || len(data) == 0 {
		return
	}
	data = data[:min(len(data), Window-off)]
	end := off + len(data)
	first, last := a.touching(off, end)
	if first == last && len(a.have) >= maxExtents {
		return
	}
	a.grow(end)
	joined := extent{off, end}
	next := off // of data, not yet placed
	for _, s := range a.have[first:last] {
		if s.off > next {
			copy(a.buf[next:s.off], data[next-off:])
		}
		next = max(next, s.end)
		joined = extent{min(joined.off, s.off), max(joined.end, s.end)}
	}
	if next < end {
		copy(a.buf[next:end], data[next-off:])
	}
	a.have = slices.Replace(a.have, first, last, joined)
}

// maxExtents bounds the work per fragment. A client that scatters its hello on purpose makes about a dozen extents.
const maxExtents = 128

// touching returns the indexes of the extents that overlap or touch a range: first inclusive, last exclusive. If there are none,
// both are the index at which the range is inserted.
func (a *Assembly) touching(off, end int) (first, last int) {
	for first < len(a.have) && a.have[first].end < off {
		first++
	}
	for last = first; last < len(a.have) && a.have[last].off <= end; {
		last++
	}
	return first, last
}

// grow makes the buffer reach up to end. Most hellos fit into the first allocation.
func (a *Assembly) grow(end int) {
	if end > cap(a.buf) {
		a.buf = append(make([]byte, 0, min(Window, max(end, 2*cap(a.buf), 2<<10))), a.buf...)
	}
	a.buf = a.buf[:max(end, len(a.buf))]
	if a.have == nil {
		a.have = make([]extent, 0, 16)
	}
}

// Front returns the contiguous bytes from offset 0 on. They alias the assembly.
func (a *Assembly) Front() []byte {
	if len(a.have) == 0 || a.have[0].off > 0 {
		return nil
	}
	return a.buf[:a.have[0].end:a.have[0].end]
}
