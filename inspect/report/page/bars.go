package page

import "github.com/mirrorsink/mirrorsink/inspect/report"

// barRow is one of the top names.
type barRow struct {
	Name  string
	Bytes int64
	Share float64 // of the longest bar, percent
}

func newBars(bars []report.Bar) (rows []barRow) {
	for _, b := range bars {
		if b.Bytes > 0 {
			rows = append(rows, barRow{displayName(b.Name), b.Bytes, 100 * float64(b.Bytes) / float64(bars[0].Bytes)})
		}
	}
	return rows
}
