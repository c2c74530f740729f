package l7

// State is the parsing state of one UDP flow whose handshake spans datagrams. Its owner gives it up when the parser has said
// Done or Reject, or when it needs the memory.
type State struct {
	hello Assembly
}

// Size returns the bytes of memory that the state takes.
func (s *State) Size() int { return stateSize + cap(s.hello.buf) }

const stateSize = 512 // State itself, rounded up

// Assembly puts the bytes of a handshake message together from pieces that come in any order, each with its offset
// (QUIC's CRYPTO frames, RFC 9000 section 19.6; DTLS's fragments, RFC 6347 section 4.2.3). The first copy of a byte wins.
// It holds at most Window bytes.
type Assembly struct {
	buf  []byte
	have []stretch // in order, neither overlapping nor touching
}

// stretch is the range [off, end) of the bytes that are there.
type stretch struct{ off, end int }

// Add puts a piece in its place; what lies beyond the window is left out.
func (a *Assembly) Add(off int, data []byte) {
	if off < 0 || off >= Window || len(data) == 0 {
		return
	}
	data = data[:min(len(data), Window-off)]
	end := off + len(data)
	if end > len(a.buf) {
		a.buf = append(a.buf, make([]byte, end-len(a.buf))...)
	}
	joined := stretch{off, end}
	next := off // of data, not yet placed
	kept := a.have[:0:0]
	for _, s := range a.have {
		if s.end < joined.off || s.off > joined.end {
			kept = append(kept, s)
			continue
		}
		if s.off > next {
			copy(a.buf[next:s.off], data[next-off:])
		}
		next = max(next, s.end)
		joined = stretch{min(joined.off, s.off), max(joined.end, s.end)}
	}
	if next < end {
		copy(a.buf[next:end], data[next-off:])
	}
	if len(kept) < maxStretches {
		a.have = insertStretch(kept, joined)
	}
}

// maxStretches bounds the work for each piece. A client that scatters its hello on purpose makes a dozen or so.
const maxStretches = 128

func insertStretch(have []stretch, s stretch) []stretch {
	i := 0
	for i < len(have) && have[i].off < s.off {
		i++
	}
	have = append(have, stretch{})
	copy(have[i+1:], have[i:])
	have[i] = s
	return have
}

// Front returns the bytes from offset 0 on that are there without a hole. They alias the assembly.
func (a *Assembly) Front() []byte {
	if len(a.have) == 0 || a.have[0].off > 0 {
		return nil
	}
	return a.buf[:a.have[0].end:a.have[0].end]
}
