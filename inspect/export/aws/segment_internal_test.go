package aws

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Batches keep the limits of CloudWatch Logs, are as large as possible, and have all events.
func TestBatchesKeepTheLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "events")
		step := rapid.SampledFrom([]int64{0, 1, maxSpan / 10, maxSpan}).Draw(t, "step")
		length := rapid.SampledFrom([]int{1, maxBatch / 4, maxBatch/4 - eventOverhead, maxEvent}).Draw(t, "length")
		text := string(make([]byte, length))
		events := make([]types.InputLogEvent, n)
		for i := range events {
			at := int64(i) * step
			events[i] = types.InputLogEvent{Timestamp: &at, Message: &text}
		}
		for rest := events; len(rest) > 0; {
			n := batch(rest)
			require.Positive(t, n)
			assert.LessOrEqual(t, n*(length+eventOverhead), maxBatch)
			assert.Less(t, *rest[n-1].Timestamp-*rest[0].Timestamp, int64(maxSpan))
			if n < len(rest) {
				full := (n+1)*(length+eventOverhead) > maxBatch || *rest[n].Timestamp-*rest[0].Timestamp >= maxSpan
				assert.True(t, full, "one more had fitted")
			}
			rest = rest[n:]
		}
	})
}

// An address is read as it was written.
func TestAddressesAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stream := rapid.StringMatching(`[a-z0-9./-]{1,40}`).Draw(t, "stream")
		millis := rapid.Int64Min(0).Draw(t, "millis")
		text := rapid.StringMatching(`[^\n]*`).Draw(t, "text")
		name, at, got, ok := cutAddress(append(appendAddress(nil, stream, millis), text...))
		assert.True(t, ok)
		assert.Equal(t, stream, name)
		assert.Equal(t, millis, at)
		assert.Equal(t, text, string(got))
	})
	for _, line := range []string{"", "x", "x 1", "x y z", " 1 z", "x 1.5 z"} {
		_, _, _, ok := cutAddress([]byte(line))
		assert.False(t, ok, line)
	}
}

// Characters that a stream's name must not have become dashes, and an empty name is unknown.
func TestStreamNames(t *testing.T) {
	for stream, want := range map[string]string{
		"eni:1 *\n": "eni-1---", "": "unknown-all", StreamOf(""): "unknown-all", StreamOf("eni-1"): "eni-1-all", "é": "--",
	} {
		assert.Equal(t, want+" 7 ", string(appendAddress(nil, stream, 7)), "%q", stream)
	}
	long := appendAddress(nil, strings.Repeat("x", 600), 7)
	assert.Len(t, long, maxStream+len(" 7 "))
}
