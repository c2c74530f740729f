package aws

import (
	"bytes"
	"strconv"

	"github.com/mirrorsink/mirrorsink/inspect/event"
	"github.com/mirrorsink/mirrorsink/inspect/export/eve"
	"github.com/mirrorsink/mirrorsink/inspect/export/records"
)

// Streams, as VPC Flow Logs name them: one for each interface, with all of its traffic.
const (
	allTraffic = "-all"
	unknown    = "unknown" + allTraffic // of packets of which nobody knows whose they are
	statistics = "stats"                // of the program's counters, which belong to no interface
)

// StreamOf is the stream of an interface's lines. The ID may be empty.
func StreamOf(eni string) string {
	if eni == "" {
		return unknown
	}
	return eni + allTraffic
}

// EVE puts the stream and the time of each event before its line, for the output of a Logs: the stream of the interface whose
// packets they are, and the event's time.
type EVE struct{ Writer eve.Writer }

// Append implements export.Encoder.
func (l EVE) Append(dst []byte, b *event.Batch, e *event.Event) []byte {
	stream := unknown
	switch {
	case e.Kind == event.Stats:
		stream = statistics
	case e.Owner != nil:
		stream = StreamOf(e.Owner.ENI)
	}
	return l.Writer.Append(appendAddress(dst, stream, e.Nanos/1e6), b, e)
}

// FlowLog does the same for the lines of flow log records: the stream of the record's interface, and its start.
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

// Lost says that events were lost before the next one.
func (l FlowLog) Lost(n uint64) { l.Builder.Lost(n) }

// appendAddress writes what stands before a line in a segment: stream, a space, milliseconds since 1970, a space. What may not be
// in a stream's name, or would end it here, becomes a dash. The limits are those of
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

// cutAddress takes a line of a segment apart. The line has no newline.
func cutAddress(line []byte) (stream string, millis int64, text []byte, ok bool) {
	name, rest, _ := bytes.Cut(line, []byte{' '})
	number, text, ok := bytes.Cut(rest, []byte{' '})
	millis, err := strconv.ParseInt(string(number), 10, 64)
	return string(name), millis, text, ok && err == nil && len(name) > 0
}
