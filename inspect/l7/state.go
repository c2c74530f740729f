package l7

import "slices"

// State is the parsing state of one UDP flow whose handshake spans datagrams. The zero State is that of a flow of which
// nothing was seen. A parser that says Done or Reject has Reset it, so that its owner can use it for another flow; a hint
// does not alias it.
type State struct {
	hello Assembly
	quic  quicState
}

// Size returns the bytes of memory that the state takes.
func (s *State) Size() int {
	return stateSize + cap(s.hello.buf) + cap(s.hello.have)*stretchSize
}

// Bytes of memory on a 64-bit machine, rounded up.
const (
	stateSize   = 512
	stretchSize = 16
)

// Reset makes the state that of a new flow and keeps its memory.
func (s *State) Reset() {
	s.hello.reset()
	s.quic = quicState{}
}

// Assembly puts the bytes of a handshake message together from pieces that come in any order, each with its offset
// (QUIC's CRYPTO frames, RFC 9000 section 19.6; DTLS's fragments, RFC 6347 section 4.2.3). The first copy of a byte wins.
// It holds at most Window bytes.
type Assembly struct {
	buf  []byte
	have []stretch // in order, neither overlapping nor touching
}

// stretch is the range [off, end) of the bytes that are there.
type stretch struct{ off, end int }

// reset forgets the bytes and keeps the memory.
func (a *Assembly) reset() { a.buf, a.have = a.buf[:0], a.have[:0] }

// Add puts a piece in its place; what lies beyond the window is left out.
func (a *Assembly) Add(off int, data []byte) {
	if off < 0 || off >= Window || len(data) == 0 {
		return
	}
	data = data[:min(len(data), Window-off)]
	end := off + len(data)
	first, last := a.touching(off, end)
	if first == last && len(a.have) >= maxStretches {
		return
	}
	a.grow(end)
	joined := stretch{off, end}
	next := off // of data, not yet placed
	for _, s := range a.have[first:last] {
		if s.off > next {
			copy(a.buf[next:s.off], data[next-off:])
		}
		next = max(next, s.end)
		joined = stretch{min(joined.off, s.off), max(joined.end, s.end)}
	}
	if next < end {
		copy(a.buf[next:end], data[next-off:])
	}
	a.have = slices.Replace(a.have, first, last, joined)
}

// maxStretches bounds the work for each piece. A client that scatters its hello on purpose makes a dozen or so.
const maxStretches = 128

// touching returns the indexes of the stretches that overlap or touch a piece: from first up to last. If there are none,
// both are the place where the piece belongs.
func (a *Assembly) touching(off, end int) (first, last int) {
	for first < len(a.have) && a.have[first].end < off {
		first++
	}
	for last = first; last < len(a.have) && a.have[last].off <= end; {
		last++
	}
	return first, last
}

// grow makes the buffer reach up to end. Most hellos fit into the first piece of memory.
func (a *Assembly) grow(end int) {
	if end > cap(a.buf) {
		a.buf = append(make([]byte, 0, min(Window, max(end, 2*cap(a.buf), 2<<10))), a.buf...)
	}
	a.buf = a.buf[:max(end, len(a.buf))]
	if a.have == nil {
		a.have = make([]stretch, 0, 16)
	}
}

// Front returns the bytes from offset 0 on that are there without a hole. They alias the assembly.
func (a *Assembly) Front() []byte {
	if len(a.have) == 0 || a.have[0].off > 0 {
		return nil
	}
	return a.buf[:a.have[0].end:a.have[0].end]
}
