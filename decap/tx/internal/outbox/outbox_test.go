package outbox

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/decap/tx"
)

// TestEveryFrameCountsOnce: whole or in segments, whichever of its messages were sent, for the first reason.
func TestEveryFrameCountsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var got, want tx.Counts
		var fate Fate
		for range rapid.IntRange(0, 6).Draw(t, "frames") {
			segments, lost := rapid.IntRange(1, 4).Draw(t, "segments"), tx.Losses
			moved := rapid.Bool().Draw(t, "moved")
			for i := range segments {
				m := Message{Bytes: 100, Segment: segments > 1, More: i < segments-1, Moved: moved}
				why := rapid.SampledFrom([]tx.Loss{tx.QueueFull, tx.Down, tx.Oversize, tx.Losses}).Draw(t, "why")
				if why == tx.Losses {
					fate.Sent(&got, &m)
					if m.Segment {
						want.Segments++
					}
					continue
				}
				fate.Dropped(&got, &m, why)
				if lost == tx.Losses {
					lost = why
				}
			}
			if lost != tx.Losses {
				want.Dropped[lost]++
				continue
			}
			want.Frames++
			want.Bytes += 100
			if moved {
				want.Moved++
			}
		}
		require.Equal(t, want, got)
	})
}

func TestClassify(t *testing.T) {
	for err, want := range map[error]Verdict{
		syscall.EINTR: Again, syscall.EAGAIN: Full, syscall.ENOBUFS: FullAhead, syscall.ENOMEM: FullAhead, syscall.EMSGSIZE: TooLong,
		syscall.ECONNREFUSED: Answered, syscall.ENETUNREACH: Failed, syscall.EPERM: Failed,
	} {
		assert.Equal(t, want, Classify(fmt.Errorf("send: %w", err)), "%v", err)
	}
}
