package report

import (
	_ "embed" // the page's template
	"html/template"
	"io"
	"strconv"
	"strings"
	"time"
)

//go:embed page.html
var pageText string

// page is the template. Whatever names hosts give, html/template escapes; and the page's own policy forbids scripts and
// everything that would be loaded.
var page = template.Must(template.New("page").Funcs(template.FuncMap{"time": timeText, "size": Approximately, "count": grouped[uint64]}).Parse(pageText))

// pageData is what the template is given.
type pageData struct {
	*Answer
	Header []pageCell
	Cells  [][]pageCell
	Total  []pageCell
	Times  *timesPlot
	Names  []barRow
	Chart  *chart
}

// pageCell is a cell as the page shows it.
type pageCell struct {
	Text  string
	Class string
}

// WriteHTML writes the answer as one page that needs nothing else: style and pictures are in it, scripts are not.
func (a *Answer) WriteHTML(w io.Writer) error {
	d := pageData{Answer: a}
	for _, c := range a.Table.Columns {
		if !c.Wide {
			d.Header = append(d.Header, pageCell{c.Name, cellClasses[c.Unit]})
		}
	}
	for _, row := range a.Table.Rows {
		d.Cells = append(d.Cells, pageCells(a.Table.Columns, row))
	}
	if a.Table.Total != nil {
		d.Total = pageCells(a.Table.Columns, a.Table.Total)
		for i := range d.Total {
			if strings.HasPrefix(d.Total[i].Class, cellClasses[Text]) {
				d.Total[i].Text = ""
			}
		}
		d.Total[0].Text = "total"
	}
	if p := a.Plots; p != nil && a.Counted > 0 {
		d.Times, d.Names, d.Chart = drawTimes(&p.Times), drawBars(p.Names), drawChart(p.Chart)
	}
	return page.Execute(w, &d)
}

// longText is how many characters stand on one line of the page's table.
const longText = 44

// cellClasses are how the page lines the cells up, by their unit.
var cellClasses = [...]string{Text: "text", Digits: "text", Count: "number", Bytes: "number", Time: "time"}

func pageCells(columns []Column, row []Cell) (cells []pageCell) {
	for i, c := range row {
		if columns[i].Wide {
			continue
		}
		cell := pageCell{Class: cellClasses[columns[i].Unit]}
		switch columns[i].Unit {
		case Count:
			cell.Text = grouped(c.Num)
		case Bytes:
			cell.Text = Approximately(c.Num)
		case Time:
			cell.Text = time.Unix(c.Num, 0).UTC().Format("2006-01-02 15:04:05")
		case Text, Digits:
			if cell.Text = shown(c.Text); len(cell.Text) > longText {
				cell.Class += " long"
			}
		}
		cells = append(cells, cell)
	}
	return cells
}

// grouped writes a number with narrow spaces between its thousands.
func grouped[N int64 | uint64](n N) string {
	s := strconv.FormatUint(uint64(max(n, 0)), 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}
