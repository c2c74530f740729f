package event

import "github.com/mirrorsink/mirrorsink/inspect/l7"

// AppProto returns the flow's application protocol as EVE and flow logs print it: "failed" for a flow whose payload was seen and
// not recognized, "" for a flow without payload.
func (e *Event) AppProto() string {
	if e.Proto != l7.None || e.HasPorts() && e.Flow.Payload != [2]uint64{} {
		return e.Proto.String()
	}
	return ""
}

// Completeness returns which share of the TCP bytes that were sent has been seen, in thousandths rounded down: it is 1 only if
// nothing was lost. known is false if no bytes were sent.
func Completeness(seen, lost uint64) (share float64, known bool) {
	if seen+lost == 0 {
		return 0, false
	}
	thousandths := uint64(float64(seen) / float64(seen+lost) * 1000)
	if lost > 0 {
		thousandths = min(thousandths, 999)
	}
	return float64(thousandths) / 1000, true
}

// ValueLen returns how many fields the first value takes: 1 for a single value, or those of an object or array with both of its
// brackets.
func ValueLen(fields []Field) int {
	depth := 0
	for i := range fields {
		switch fields[i].Kind {
		case l7.Object, l7.Array:
			depth++
		case l7.End:
			depth--
		case l7.String, l7.Int, l7.Bool:
		}
		if depth <= 0 {
			return i + 1
		}
	}
	return len(fields)
}
