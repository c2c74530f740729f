package view

import (
	"fmt"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/report"
)

// DrawReading returns a function that draws how far a reading of records is, now and then.
func (p *Progress) DrawReading() func(report.Progress) {
	if p.w == nil {
		return nil
	}
	var drawn time.Time
	return func(r report.Progress) {
		if time.Since(drawn) < ProgressEvery {
			return
		}
		drawn = time.Now()
		fmt.Fprint(p.w, "\r\x1b[K"+readingLine(p.width-1, r, time.Since(p.start)))
	}
}

// readingLine returns the bar and its figures in at most width columns.
func readingLine(width int, r report.Progress, elapsed time.Duration) string {
	rate := float64(r.Records) / max(elapsed.Seconds(), 1e-3)
	return barLine(width, r.Done, r.Total, fmt.Sprintf("%d records, %.0f a second", r.Records, rate))
}
