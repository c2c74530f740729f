package l7

import "math"

// Verdict is a parser's decision on the bytes of an Input.
type Verdict uint8

// A parser that returns Reject or Done returns the same for every longer prefix of the same message. With Input.Final it does not
// return More, except for a datagram with a State.
const (
	More   Verdict = iota // possibly this protocol: more bytes are needed
	Reject                // not this protocol
	Done                  // a message was read: the Hint is filled, and Hint.Next is the start of the next message
)

// moreUnless returns the verdict on a message that is too incomplete to be reported: More, or Reject if no more bytes follow.
func moreUnless(final bool) Verdict {
	if final {
		return Reject
	}
	return More
}

// finalVerdict returns v, or Reject in place of More if no more bytes follow.
func finalVerdict(v Verdict, final bool) Verdict {
	if v == More {
		return moreUnless(final)
	}
	return v
}

// offsetAfter returns the offset behind a body of n bytes that starts at end; Unknown if n is negative or too large.
func offsetAfter(end int, n int64) int {
	if n < 0 || n > math.MaxInt-int64(end) {
		return Unknown
	}
	return end + int(n)
}
