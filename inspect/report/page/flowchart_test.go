package page

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mirrorsink/mirrorsink/inspect/report"
)

// someLinks draws links between up to 20 instances and 20 names.
func someLinks(t *rapid.T) []report.Link {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) report.Link {
		return report.Link{
			From: fmt.Sprintf("i-%d", rapid.IntRange(0, 20).Draw(t, "from")), To: fmt.Sprintf("n%d", rapid.IntRange(0, 20).Draw(t, "to")),
			Bytes: rapid.Int64Range(1, 1<<40).Draw(t, "bytes"),
		}
	}), 1, 40).Draw(t, "links")
}

// TestFlowChart: each side has all bytes in at most maxNodes blocks that do not overlap, the bands have all bytes too, and the
// chart does not change the links that it is given.
func TestFlowChart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		links := someLinks(t)
		given := append([]report.Link(nil), links...)
		c := newFlowChart(links)
		require.Equal(t, given, links)
		var total, bands int64
		for _, l := range links {
			total += l.Bytes
		}
		for _, b := range c.Bands {
			bands += b.Bytes
			require.Less(t, b.Colour, bandColours)
			require.NotContains(t, b.Path, "NaN")
		}
		require.Equal(t, total, bands)
		for _, anchor := range []string{"end", "start"} {
			var bytes int64
			blocks, bottom := 0, 0.0
			for _, b := range c.Blocks {
				if b.Anchor != anchor {
					continue
				}
				require.GreaterOrEqual(t, b.Y, bottom, "blocks overlap")
				require.LessOrEqual(t, b.Y+b.H, float64(c.Height)+blockGap)
				require.Greater(t, b.MiddleY(), b.Y)
				bottom = b.Y + b.H
				bytes += b.Bytes
				blocks++
			}
			require.Equal(t, total, bytes)
			require.LessOrEqual(t, blocks, maxNodes)
		}
	})
	require.Nil(t, newFlowChart(nil))
}

// TestMergeSmallNodes: at most maxNodes nodes are left, the largest keep their names, and the links keep their bytes.
func TestMergeSmallNodes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		links := someLinks(t)
		sums := map[string]int64{}
		for _, l := range links {
			sums[l.From] += l.Bytes
		}
		nodes := mergeSmallNodes(links, func(l *report.Link) *string { return &l.From })
		require.LessOrEqual(t, len(nodes), maxNodes)
		merged := map[string]int64{}
		for _, l := range links {
			merged[l.From] += l.Bytes
		}
		smallest := int64(1 << 62)
		for _, n := range nodes {
			require.Equal(t, merged[n.name], n.bytes)
			if n.name != otherNodes {
				require.Equal(t, sums[n.name], n.bytes)
				smallest = min(smallest, n.bytes)
				delete(sums, n.name)
			}
		}
		for name, bytes := range sums {
			require.LessOrEqual(t, bytes, smallest, name)
		}
	})
}

func TestTruncateLabel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name, anchor := rapid.String().Draw(t, "name"), rapid.SampledFrom([]string{"start", "end"}).Draw(t, "anchor")
		limit := map[string]int{"start": 38, "end": 24}[anchor]
		got := truncateLabel(name, anchor)
		require.LessOrEqual(t, utf8.RuneCountInString(got), limit)
		if prefix, cut := strings.CutSuffix(got, "…"); got != name {
			require.True(t, cut)
			require.Equal(t, string([]rune(name)[:limit-1]), prefix)
		}
	})
}
