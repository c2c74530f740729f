package l7

import "math"

// Verdict is what a parser says of the bytes it was given.
type Verdict uint8

// A parser that has said Reject or Done says the same for every longer prefix of the same message. With Input.Final
// there is no More, but for a datagram with a State.
const (
	More   Verdict = iota // could be this protocol; not enough bytes yet
	Reject                // not this protocol
	Done                  // a message was read: the Hint is filled, and Hint.Next says where the next one starts
)

// moreUnless is the verdict for a message that is not all there, and of which nothing is worth telling.
func moreUnless(final bool) Verdict {
	if final {
		return Reject
	}
	return More
}

// finalVerdict returns the verdict on a line or message that was not read: More is none if nothing will follow.
func finalVerdict(v Verdict, final bool) Verdict {
	if v == More {
		return moreUnless(final)
	}
	return v
}

// offsetAfter returns the offset of what follows n bytes of body after end; Unknown if n is no length, or beyond all
// offsets.
func offsetAfter(end int, n int64) int {
	if n < 0 || n > math.MaxInt-int64(end) {
		return Unknown
	}
	return end + int(n)
}
