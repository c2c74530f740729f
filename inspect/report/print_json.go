package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

// printJSON writes one object. The keys of a row are the names of the columns, in their order.
func (a *Answer) printJSON(w io.Writer) error {
	b := fmt.Appendf(nil, `{"report":%q,"records":%d,"counted":%d`, a.Report, a.Records, a.Counted)
	if a.Counted > 0 {
		b = fmt.Appendf(b, `,"first":%q,"last":%q`, FormatTime(a.First), FormatTime(a.Last))
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

// appendObject appends a row, with or without the columns of text.
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
			b = appendJSON(b, plainText(c.Unit, row[i]))
		}
	}
	return append(b, '}')
}

// appendJSON appends a string or a list of strings.
func appendJSON(b []byte, v any) []byte {
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings cannot fail: invalid UTF-8 is replaced
	}
	return append(b, encoded...)
}
