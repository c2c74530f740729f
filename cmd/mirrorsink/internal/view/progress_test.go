package view

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/flags"
	"github.com/mirrorsink/mirrorsink/inspect/event"
)

func TestProgressLine(t *testing.T) {
	c := event.Counters{Datagrams: 1000, FlowsNew: 20}
	assert.Equal(t, "[========================                         ]  50% of 4.0 MiB, 500 packets/s, 20 flows",
		progressLine(92, 2*flags.MiB, 4*flags.MiB, &c, 2*time.Second))
	assert.Equal(t, " 50% of 4.0 MiB, 500 packets/s, 20 flows", progressLine(50, 2*flags.MiB, 4*flags.MiB, &c, 2*time.Second))
	assert.Equal(t, "1.5 GiB, 500 packets/s, 20 flows", progressLine(80, 3*flags.GiB/2, 0, &c, 2*time.Second))
}

func TestProgressLineFitsTheTerminal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(-1, 300).Draw(t, "width")
		size := rapid.Int64Range(0, 1<<40).Draw(t, "size")
		offset := rapid.Int64Range(0, 1<<41).Draw(t, "offset")
		c := event.Counters{Datagrams: rapid.Uint64().Draw(t, "packets"), FlowsNew: rapid.Uint64().Draw(t, "flows")}
		line := progressLine(width, offset, size, &c, time.Duration(rapid.Int64Range(0, 1<<50).Draw(t, "elapsed")))
		assert.LessOrEqual(t, len(line), max(width, 0))
	})
}

// TestRate: without a terminal the rate is told only of many records.
func TestRate(t *testing.T) {
	for records, want := range map[uint64]string{99_999: "", 100_000: `^100000 records in .*, \d+ a second\n$`} {
		var b strings.Builder
		NewProgress(&b, false).WriteRate(&b, records)
		if want == "" {
			assert.Empty(t, b.String())
			continue
		}
		assert.Regexp(t, want, b.String())
	}
}
