package report

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"
)

// maxCell is how many characters of a text the narrow table shows.
const maxCell = 48

// Formats are the names of what Print can write.
var Formats = []string{"table", "wide", "json", "csv"}

// Print writes the answer in one of Formats. Notes are part of JSON; of the others they are left to the caller.
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

// printTable writes a table for people: numbers to the right, bytes with units, control characters taken out.
func (a *Answer) printTable(w io.Writer, wide bool) error {
	t := a.Table
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	rows := t.Rows
	if t.Total != nil {
		rows = append(rows[:len(rows):len(rows)], t.Total)
	}
	widths := t.widths(rows)
	line := func(cells []Cell, of func(i int) string) {
		var fields []string
		for i, c := range t.Columns {
			if c.Wide && !wide {
				continue
			}
			shown := of(i)
			if cells == nil && !c.Unit.isText() || c.Unit == Count || c.Unit == Bytes {
				shown = strings.Repeat(" ", max(widths[i]-utf8.RuneCountInString(shown), 0)) + shown
			}
			fields = append(fields, shown)
		}
		fmt.Fprintln(tw, strings.TrimRight(strings.Join(fields, "\t"), " \t"))
	}
	line(nil, func(i int) string { return strings.ToUpper(t.Columns[i].Name) })
	for n, row := range rows {
		line(row, func(i int) string {
			if n == len(t.Rows) && i == 0 {
				return "total"
			}
			if n == len(t.Rows) && t.Columns[i].Unit.isText() {
				return ""
			}
			return show(t.Columns[i].Unit, row[i], wide)
		})
	}
	return tw.Flush()
}

// widths are how many characters the numbers of each column take.
func (t *Table) widths(rows [][]Cell) []int {
	widths := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		widths[i] = len(c.Name)
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(show(c.Unit, row[i], true)))
		}
	}
	return widths
}

// show returns a cell as people read it.
func show(u Unit, c Cell, whole bool) string {
	switch u {
	case Count:
		return strconv.FormatInt(c.Num, 10)
	case Bytes:
		return Approximately(c.Num)
	case Time:
		return timeText(c.Num)
	default:
		s := printable(c.Text)
		if s == "" {
			return "-"
		}
		if n := utf8.RuneCountInString(s); n > maxCell && !whole {
			return string([]rune(s)[:maxCell-1]) + "…"
		}
		return s
	}
}

// printable returns text of a file as a terminal can bear it: control characters would move its cursor or colour it.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if !strconv.IsPrint(c) {
			return '?'
		}
		return c
	}, s)
}

// Approximately returns a number of bytes in the unit that leaves few digits.
func Approximately(bytes int64) string {
	for i, unit := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if size := int64(1) << (40 - 10*i); bytes >= size {
			return fmt.Sprintf("%.1f %s", float64(bytes)/float64(size), unit)
		}
	}
	return fmt.Sprintf("%d B", bytes)
}

func timeText(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }

// plain returns a cell as programs read it.
func plain(u Unit, c Cell) string {
	switch u {
	case Text, Digits:
		return c.Text
	case Time:
		return timeText(c.Num)
	default:
		return strconv.FormatInt(c.Num, 10)
	}
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
			fields[i] = plain(a.Table.Columns[i].Unit, c)
		}
		if err := cw.Write(fields); err != nil {
			return err
		}
	}
	cw.Flush()
	return cw.Error()
}

// printJSON writes one object. Its keys are the columns' names, in their order.
func (a *Answer) printJSON(w io.Writer) error {
	b := fmt.Appendf(nil, `{"report":%q,"records":%d,"counted":%d`, a.Report, a.Records, a.Counted)
	if a.Counted > 0 {
		b = fmt.Appendf(b, `,"first":%q,"last":%q`, timeText(a.First), timeText(a.Last))
	}
	b = append(b, `,"rows":[`...)
	for i, row := range a.Table.Rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, "\n"...)
		b = a.Table.appendObject(b, row, true)
	}
	b = append(b, "\n]"...)
	if a.Table.Total != nil {
		b = a.Table.appendObject(append(b, `,"total":`...), a.Table.Total, false)
	}
	b = fmt.Appendf(b, `,"left_out":%d,"notes":`, a.Table.Left)
	b = appendJSON(b, append([]string{}, a.Table.Notes...))
	_, err := w.Write(append(b, "}\n"...))
	return err
}

func (t *Table) appendObject(b []byte, row []Cell, texts bool) []byte {
	b = append(b, '{')
	first := true
	for i, c := range t.Columns {
		if c.Unit.isText() && !texts {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendJSON(b, c.Name), ':')
		switch c.Unit {
		case Count, Bytes:
			b = strconv.AppendInt(b, row[i].Num, 10)
		case Digits:
			b = append(b, cmp.Or(row[i].Text, "null")...)
		case Text, Time:
			b = appendJSON(b, plain(c.Unit, row[i]))
		}
	}
	return append(b, '}')
}

// appendJSON appends a text or a list of texts.
func appendJSON(b []byte, v any) []byte {
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts have no errors: what is not UTF-8 is replaced
	}
	return append(b, encoded...)
}
