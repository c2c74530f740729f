package report_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/flowlog"
	"github.com/mirrorsink/mirrorsink/inspect/report"
	"github.com/mirrorsink/mirrorsink/inspect/report/inputtest"
)

func TestParseTimeBound(t *testing.T) {
	for _, text := range []string{"2026-11-25T08:00:00Z", "2026-11-25T08:00:00.5+01:00", "-1h30m", "-0s", "-90m"} {
		_, err := report.ParseTimeBound(text)
		assert.NoError(t, err, text)
	}
	for text, want := range map[string]string{
		"":           "want a time such as 2026-11-25T08:00:00Z, or a duration before the last record such as -1h",
		"yesterday":  "want a time such as 2026-11-25T08:00:00Z, or a duration before the last record such as -1h",
		"1h":         "want a time such as 2026-11-25T08:00:00Z, or a duration before the last record such as -1h",
		"2026-11-25": "want a time such as 2026-11-25T08:00:00Z, or a duration before the last record such as -1h",
		"-":          "want a duration before the last record, such as -1h, -90m or -14d",
		"--1h":       "want a duration before the last record, such as -1h, -90m or -14d",
		"-1x":        "want a duration before the last record, such as -1h, -90m or -14d",
	} {
		_, err := report.ParseTimeBound(text)
		assert.EqualError(t, err, want, text)
	}
}

func bound(t require.TestingT, text string) report.TimeBound {
	if text == "" {
		return report.TimeBound{}
	}
	b, err := report.ParseTimeBound(text)
	require.NoError(t, err)
	return b
}

// TestTimeRange: a record counts if it ends at or after from and starts before to. A duration is the time that lies so long
// before the end of the last record.
func TestTimeRange(t *testing.T) {
	dir := t.TempDir()
	const base = 1764057600
	rapid.Check(t, func(t *rapid.T) {
		var all []flowlog.Record
		var last int64
		for range rapid.IntRange(1, 20).Draw(t, "records") {
			start := base + rapid.Int64Range(0, 100).Draw(t, "start")
			end := start + rapid.Int64Range(0, 20).Draw(t, "length")
			all = append(all, flowlog.Record{Packets: 1, Bytes: 1, Start: start, End: end, LogStatus: flowlog.OK, Completeness: math.NaN()})
			last = max(last, end)
		}
		name := inputtest.File(t, dir, inputtest.Lines(all))
		texts := map[string]string{}
		times := map[string]int64{}
		for _, end := range []string{"from", "to"} {
			n := rapid.Int64Range(0, 130).Draw(t, end)
			switch rapid.IntRange(0, 2).Draw(t, "kind of "+end) {
			case 1:
				times[end] = base + n
				texts[end] = time.Unix(times[end], 0).UTC().Format(time.RFC3339)
			case 2:
				times[end] = last - n
				texts[end] = fmt.Sprintf("-%ds", n)
			}
		}
		var counted uint64
		first, end := int64(math.MaxInt64), int64(0)
		for _, r := range all {
			if (texts["from"] == "" || r.End >= times["from"]) && (texts["to"] == "" || r.Start < times["to"]) {
				counted++
				first, end = min(first, r.Start), max(end, r.End)
			}
		}
		a, err := report.Run(t.Context(), report.Config{Files: []string{name}, From: bound(t, texts["from"]), To: bound(t, texts["to"]), Memory: 1 << 20}, top(t, "bytes", 0, "name"))
		require.NoError(t, err)
		require.Equal(t, counted, a.Counted)
		require.Equal(t, uint64(len(all)), a.Records)
		if counted == 0 {
			require.Equal(t, [2]int64{}, [2]int64{a.First, a.Last})
			require.Contains(t, a.Table.Notes[0], "matches the time range and the expression")
		} else {
			require.Equal(t, [2]int64{first, end}, [2]int64{a.First, a.Last})
			require.Equal(t, int64(counted), a.Table.Total[1].Num)
		}
	})
}
