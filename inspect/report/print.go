package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// Formats are the names of the formats that Print writes.
var Formats = []string{"table", "wide", "json", "csv"}

// Print writes the answer in one of Formats. It writes notes in JSON only.
func (a *Answer) Print(w io.Writer, format string) error {
	switch format {
	case "json":
		return a.printJSON(w)
	case "csv":
		return a.printCSV(w)
	default:
		return a.printTable(w, format == "wide")
	}
}

// printTable writes a table for people: numbers are aligned to the right, bytes have units, control characters are replaced.
func (a *Answer) printTable(w io.Writer, wide bool) error {
	t := a.Table
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	rows := t.Rows
	if t.Total != nil {
		rows = append(rows[:len(rows):len(rows)], t.Total)
	}
	widths := t.widths(rows)
	line := func(header bool, text func(i int) string) {
		var fields []string
		for i, c := range t.Columns {
			if c.Wide && !wide {
				continue
			}
			s := text(i)
			if header && !c.Unit.isText() || c.Unit == Count || c.Unit == Bytes {
				s = strings.Repeat(" ", max(widths[i]-utf8.RuneCountInString(s), 0)) + s
			}
			fields = append(fields, s)
		}
		fmt.Fprintln(tw, strings.TrimRight(strings.Join(fields, "\t"), " \t"))
	}
	line(true, func(i int) string { return strings.ToUpper(t.Columns[i].Name) })
	for n, row := range rows {
		isTotal := n == len(t.Rows)
		line(false, func(i int) string {
			switch {
			case isTotal && i == 0:
				return "total"
			case isTotal && t.Columns[i].Unit.isText():
				return ""
			}
			return cellText(t.Columns[i].Unit, row[i], wide)
		})
	}
	return tw.Flush()
}

// widths returns the largest number of characters in each column.
func (t *Table) widths(rows [][]Cell) []int {
	widths := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		widths[i] = len(c.Name)
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(cellText(c.Unit, row[i], true)))
		}
	}
	return widths
}

func (a *Answer) printCSV(w io.Writer) error {
	cw := csv.NewWriter(w)
	var header []string
	for _, c := range a.Table.Columns {
		header = append(header, c.Name)
	}
	if err := cw.Write(header); err != nil {
		return err
	}
	for _, row := range a.Table.Rows {
		fields := make([]string, len(row))
		for i, c := range row {
			fields[i] = plainText(a.Table.Columns[i].Unit, c)
		}
		if err := cw.Write(fields); err != nil {
			return err
		}
	}
	cw.Flush()
	return cw.Error()
}
