// Package page writes the answer of a report as one HTML page with its table and plots. The page loads nothing and runs no
// scripts.
package page

import (
	_ "embed" // the page's template
	"html/template"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/mirrorsink/mirrorsink/inspect/report"
)

//go:embed page.html
var pageText string

// page is the template. html/template escapes the names that hosts chose, and the page's Content-Security-Policy forbids
// scripts and all loading.
var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"time": report.FormatTime, "size": report.FormatBytes, "count": groupDigits[uint64],
}).Parse(pageText))

// pageData is the data of the template.
type pageData struct {
	*report.Answer
	Header []cell
	Cells  [][]cell
	Total  []cell
	Times  *timeChart
	Names  []barRow
	Flows  *flowChart
}

// cell is a cell of the page's table.
type cell struct {
	Text  string
	Class string
}

// Write writes an answer as one HTML page.
func Write(w io.Writer, a *report.Answer) error {
	d := pageData{Answer: a}
	for _, c := range a.Table.Columns {
		if !c.Wide {
			d.Header = append(d.Header, cell{c.Name, cellClasses[c.Unit]})
		}
	}
	for _, row := range a.Table.Rows {
		d.Cells = append(d.Cells, cells(a.Table.Columns, row))
	}
	if a.Table.Total != nil {
		d.Total = cells(a.Table.Columns, a.Table.Total)
		for i := range d.Total {
			if strings.HasPrefix(d.Total[i].Class, cellClasses[report.Text]) {
				d.Total[i].Text = ""
			}
		}
		d.Total[0].Text = "total"
	}
	if p := a.Plots; p != nil && a.Counted > 0 {
		d.Times, d.Names, d.Flows = newTimeChart(&p.Times), newBars(p.Names), newFlowChart(p.Links)
	}
	return page.Execute(w, &d)
}

// longText is the number of characters from which a cell's text may wrap.
const longText = 44

// cellClasses are the style classes of cells by unit.
var cellClasses = [...]string{report.Text: "text", report.Digits: "text", report.Count: "number", report.Bytes: "number", report.Time: "time"}

func cells(columns []report.Column, row []report.Cell) (cells []cell) {
	for i, c := range row {
		if columns[i].Wide {
			continue
		}
		shown := cell{Class: cellClasses[columns[i].Unit]}
		switch columns[i].Unit {
		case report.Count:
			shown.Text = groupDigits(c.Num)
		case report.Bytes:
			shown.Text = report.FormatBytes(c.Num)
		case report.Time:
			shown.Text = time.Unix(c.Num, 0).UTC().Format("2006-01-02 15:04:05")
		case report.Text, report.Digits:
			if shown.Text = displayName(c.Text); len(shown.Text) > longText {
				shown.Class += " long"
			}
		}
		cells = append(cells, shown)
	}
	return cells
}

// groupDigits formats a number with narrow spaces between groups of three digits.
func groupDigits[N int64 | uint64](n N) string {
	s := strconv.FormatUint(uint64(max(n, 0)), 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// displayName returns a name as the page shows it; a dash for none.
func displayName(name string) string {
	if name == "" {
		return "–"
	}
	return report.Printable(name)
}
