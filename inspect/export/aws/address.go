package aws

import (
	"bytes"
	"strconv"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export/eve"
	"github.com/mirrorsink/mirrorsink/inspect/export/records"
)

// Names of streams, as in VPC Flow Logs: one for each interface, with all of its traffic.
const (
	allTraffic = "-all"
	unknown    = "unknown" + allTraffic // of packets of unknown interfaces
	statistics = "stats"                // of the program's counters
)

// StreamOf returns the name of the stream of an interface, whose ID may be empty.
func StreamOf(eni string) string {
	if eni == "" {
		return unknown
	}
	return eni + allTraffic
}

// EVE encodes events for the output of a Logs. It puts the stream and the time before each line: the stream of the event's interface,
// and the event's time.
type EVE struct{ Writer eve.Writer }

// Append implements export.Encoder.
func (l *EVE) Append(dst []byte, b *event.Batch, e *event.Event) []byte {
	stream := unknown
	switch {
	case e.Kind == event.Stats:
		stream = statistics
	case e.Owner != nil:
		stream = StreamOf(e.Owner.ENI)
	}
	return l.Writer.Append(appendAddress(dst, stream, e.Nanos/1e6), b, e)
}

// FlowLog encodes flow log records for the output of a Logs, with the stream of the record's interface and the record's start.
type FlowLog records.Encoder

// Append implements export.Encoder.
func (l FlowLog) Append(dst []byte, b *event.Batch, e *event.Event) []byte {
	all := l.Builder.Records(b, e)
	for i := range all {
		r := &all[i]
		dst = l.Format.AppendText(appendAddress(dst, StreamOf(r.InterfaceID), r.Start*1000), r)
	}
	return dst
}

// Lost reports that n events were lost before the next one.
func (l FlowLog) Lost(n uint64) { l.Builder.Lost(n) }

// appendAddress appends the address that is before each line of a segment: stream, space, milliseconds since 1970, space. Characters
// that are not allowed in a stream's name, and spaces, become dashes. The limits are those of
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogStream.html
func appendAddress(dst []byte, stream string, millis int64) []byte {
	if stream == "" {
		stream = unknown
	}
	for _, c := range []byte(stream[:min(len(stream), maxStream)]) {
		if c <= ' ' || c >= 0x7f || c == ':' || c == '*' {
			c = '-'
		}
		dst = append(dst, c)
	}
	dst = append(dst, ' ')
	return append(strconv.AppendInt(dst, millis, 10), ' ')
}

const maxStream = 512

// cutAddress splits a line of a segment into its address and its text. The line has no newline.
func cutAddress(line []byte) (stream string, millis int64, text []byte, ok bool) {
	name, rest, _ := bytes.Cut(line, []byte{' '})
	number, text, ok := bytes.Cut(rest, []byte{' '})
	millis, err := strconv.ParseInt(string(number), 10, 64)
	return string(name), millis, text, ok && err == nil && len(name) > 0
}
