package capture

import (
	"errors"
	"math/bits"
)

// Options of an interface description (draft-ietf-opsawg-pcapng section 4.2): code (2), length (2), value padded to 32
// bits.
const (
	optionEnd        = 0
	optionResolution = 9  // one byte: n for 10^-n seconds; with the top bit set, for 2^-n
	optionOffset     = 14 // 8 bytes: seconds to add, signed

	optionHeadLen = 4
)

// maxNanos is the latest time that is returned, in the year 2116: later than any in a pcap file (2106), and early
// enough that a timeout can be added. Later ones become it, and those before 1970 become 0.
const maxNanos = 1 << 62

// A clock turns an interface's time stamps into nanoseconds since 1970: units * mul / div + offset.
type clock struct {
	mul, div uint64
	offset   int64 // nanoseconds, within maxNanos on either side
}

// microseconds is the clock of an interface without an option.
var microseconds = clock{mul: 1e3, div: 1}

// clockOf reads the clock out of an interface's options. Some writers do not pad them, which shows in a length that is no multiple of 32 bits,
// if they fill it exactly.
func clockOf(options []byte, order byteOrder) (clock, error) {
	if len(options)%4 != 0 {
		if c, left := parseOptions(options, order, 1); left == 0 {
			return c, nil
		}
	}
	c, left := parseOptions(options, order, 4)
	if left < 0 {
		return c, errors.New("damaged: an option is longer than its block")
	}
	return c, nil
}

// parseOptions is clockOf for values that are padded to a multiple of align. It returns how many bytes are left behind the options, a
// negative number if they do not fit into the block.
func parseOptions(options []byte, order byteOrder, align int) (c clock, left int) {
	c = microseconds
	for len(options) >= optionHeadLen {
		code, n := order.u16(options), int(order.u16(options[2:]))
		options = options[optionHeadLen:]
		if code == optionEnd {
			break
		}
		if n > len(options) {
			return c, len(options) - n
		}
		switch {
		case code == optionResolution && n == 1:
			c.mul, c.div = resolution(options[0])
		case code == optionOffset && n == 8:
			c.offset = offsetNanos(order, options)
		}
		options = options[min((n+align-1)&^(align-1), len(options)):]
	}
	return c, len(options)
}

// resolution returns the factor and the divisor that turn units of if_tsresol into nanoseconds.
func resolution(v byte) (mul, div uint64) {
	n := int(v & 0x7f)
	switch {
	case v&0x80 == 0 && n <= 9:
		return pow10(9 - n), 1
	case v&0x80 == 0 && n <= 28:
		return 1, pow10(n - 9)
	case v&0x80 == 0:
		return 0, 1 // 64 bits of it are less than a nanosecond
	case n <= 63:
		return 1e9, 1 << n
	}
	return 1e9 >> (n - 63), 1 << 63
}

func pow10(n int) uint64 {
	v := uint64(1)
	for range n {
		v *= 10
	}
	return v
}

// offsetNanos reads seconds and clamps them to what a sum of two can hold.
func offsetNanos(order byteOrder, b []byte) int64 {
	high, low := order.u32(b), order.u32(b[4:])
	if order == littleEndian {
		high, low = low, high
	}
	seconds := int64(uint64(high)<<32 | uint64(low))
	const limit = maxNanos / 1_000_000_000
	return max(-limit, min(seconds, limit)) * 1e9
}

// nanos returns the time of a stamp, between 0 and maxNanos.
func (c *clock) nanos(units uint64) int64 {
	since := uint64(maxNanos)
	if high, low := bits.Mul64(units, c.mul); high < c.div { // else it overflows
		quotient, _ := bits.Div64(high, low, c.div)
		since = min(since, quotient)
	}
	return max(0, min(int64(since)+c.offset, maxNanos))
}
