package view

import (
	"fmt"
	"io"
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

// manyRecords is from where on a rate says something without a terminal too.
const manyRecords = 100_000

// WriteRate writes how many records were read, and how fast, on a terminal or if they were many.
func (p *Progress) WriteRate(stderr io.Writer, records uint64) {
	if p.w == nil && records < manyRecords {
		return
	}
	elapsed := time.Since(p.start)
	fmt.Fprintf(stderr, "%d records in %v, %.0f a second\n", records, elapsed.Round(time.Millisecond), float64(records)/max(elapsed.Seconds(), 1e-3))
}

// readingLine returns the bar and its figures in at most width columns.
func readingLine(width int, r report.Progress, elapsed time.Duration) string {
	rate := float64(r.Records) / max(elapsed.Seconds(), 1e-3)
	return barLine(width, r.Done, r.Total, fmt.Sprintf("%d records, %.0f a second", r.Records, rate))
}
