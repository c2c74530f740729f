package aws

import (
	"bytes"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// Limits of PutLogEvents, from
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
const (
	maxBatch      = 1 << 20 // bytes of the messages, and eventOverhead for each
	eventOverhead = 26
	maxEvents     = 10_000
	maxEvent      = maxBatch - eventOverhead // an event may have 1 MB, and must fit into a batch
	maxSpan       = 24 * 60 * 60 * 1000      // milliseconds between a batch's first and last event
)

// streamLines has the lines of one stream in a segment.
type streamLines struct {
	name   string
	events []types.InputLogEvent
}

// read splits a segment into streams, in the order of their first lines. It sorts the events of each stream by time; the sort is
// stable. It also returns the number of lines that are too long, empty or damaged.
func read(segment []byte) (streams []*streamLines, refused uint64) {
	byName := map[string]*streamLines{}
	for line := range bytes.Lines(segment) {
		name, millis, text, ok := cutAddress(bytes.TrimSuffix(line, []byte{'\n'}))
		message := strings.ToValidUTF8(string(text), "\uFFFD") // as the SDK's JSON does; the limit is on the sent message
		if !ok || message == "" || len(message) > maxEvent || millis < 0 {
			refused++
			continue
		}
		s := byName[name]
		if s == nil {
			s = &streamLines{name: name}
			byName[name] = s
			streams = append(streams, s)
		}
		s.events = append(s.events, types.InputLogEvent{Timestamp: &millis, Message: &message})
	}
	for _, s := range streams {
		slices.SortStableFunc(s.events, func(a, b types.InputLogEvent) int { return int(*a.Timestamp - *b.Timestamp) })
	}
	return streams, refused
}

// batch returns how many events form the first batch. The events are in chronological order.
func batch(events []types.InputLogEvent) int {
	size := 0
	for i, e := range events {
		size += len(*e.Message) + eventOverhead
		if i == maxEvents || size > maxBatch || *e.Timestamp-*events[0].Timestamp >= maxSpan {
			return i
		}
	}
	return len(events)
}

// rejected returns how many of n events an answer reports as not stored: the first ones are too old, the last ones too new.
func rejected(info *types.RejectedLogEventsInfo, n int) int {
	if info == nil {
		return 0
	}
	old := max(sdk.ToInt32(info.TooOldLogEventEndIndex), sdk.ToInt32(info.ExpiredLogEventEndIndex))
	late := 0
	if at := info.TooNewLogEventStartIndex; at != nil {
		late = n - int(*at)
	}
	return min(max(0, int(old))+max(0, late), n)
}
