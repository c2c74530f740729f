package scale

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSummaryCount(t *testing.T) {
	summary := `packets        8000000 in 21.327s, 375111 a second
  ok           8000000
flows          1000000, 1000000 of them with a name
evicted flows  12 before their time: --memory was used up
`
	require.Equal(t, 1e6, summaryCount(summary, "flows"))
	require.Equal(t, 12.0, summaryCount(summary, "evicted flows"))
	require.Zero(t, summaryCount(summary, "evicted streams"))
}

// TestWorkers: the table has the rates relative to one worker, and the plot has a series for each kind of rate.
func TestWorkers(t *testing.T) {
	rates := []workerRates{{1, []float64{1.25, 1, 0.5}, []float64{1, 1, 1}}, {2, []float64{2, 2, 2}, []float64{0.9, 0.9, 0.9}}, {4, []float64{2, 2, 2}, []float64{0.9, 0.9, 0.9}}}
	rows := workerTable(rates)
	require.Len(t, rows, 8)
	require.Equal(t, []float64{1.6, 2, 4}, rows[3].Values)
	p := plotWorkers(rates)
	require.Len(t, p.Series, 2)
	require.Equal(t, "per second", p.Series[0].Name)
	require.Len(t, p.Series[0].Points, 3)
	require.Len(t, p.Series[1].Points, 3)
}
