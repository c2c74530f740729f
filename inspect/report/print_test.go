package report

import (
	"encoding/csv"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// anyAnswer draws an answer of any columns and cells.
func anyAnswer(t *rapid.T) *Answer {
	table := &Table{Left: rapid.Uint64Range(0, 9).Draw(t, "left")}
	for i := range rapid.IntRange(2, 5).Draw(t, "columns") {
		table.Columns = append(table.Columns, Column{
			Name: "column_" + strconv.Itoa(i), Unit: Unit(rapid.IntRange(int(Text), int(Time)).Draw(t, "unit")), Wide: i > 0 && rapid.Bool().Draw(t, "wide"),
		})
	}
	text := rapid.OneOf(rapid.Just(""), rapid.Just("-"), rapid.StringN(0, 60, -1), rapid.Just("a\x1b[31m,\"\n"), rapid.Just("tab\tand|bar"))
	for range rapid.IntRange(0, 5).Draw(t, "rows") {
		var row []Cell
		for _, c := range table.Columns {
			switch c.Unit {
			case Text:
				row = append(row, textCell(text.Draw(t, "text")))
			case Digits:
				row = append(row, textCell(portText(rapid.Uint16().Draw(t, "port"))))
			case Count, Bytes, Time:
				row = append(row, numberCell(rapid.Int64Range(0, 1<<40).Draw(t, "number")))
			}
		}
		table.Rows = append(table.Rows, row)
	}
	if len(table.Rows) > 0 && rapid.Bool().Draw(t, "has total") {
		table.Total = table.Rows[0]
	}
	return &Answer{Report: "top", Table: table, Records: 7, Counted: 5, First: 1764057600, Last: 1764057660}
}

func printed(t require.TestingT, a *Answer, format string) string {
	var b strings.Builder
	require.NoError(t, a.Print(&b, format))
	return b.String()
}

// TestJSONHasEveryCell: JSON parses, and has each row with a key for each column in a type of its unit.
func TestJSONHasEveryCell(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := anyAnswer(t)
		var got struct {
			Report           string
			Records, Counted uint64
			First, Last      time.Time
			Rows             []map[string]any
			Total            map[string]any
			LeftOut          uint64 `json:"left_out"`
			Notes            []string
		}
		require.NoError(t, json.Unmarshal([]byte(printed(t, a, "json")), &got))
		require.Equal(t, []any{"top", uint64(7), uint64(5), a.Table.Left, a.First, a.Last},
			[]any{got.Report, got.Records, got.Counted, got.LeftOut, got.First.Unix(), got.Last.Unix()})
		require.NotNil(t, got.Notes)
		require.Len(t, got.Rows, len(a.Table.Rows))
		for i, row := range got.Rows {
			for j, c := range a.Table.Columns {
				require.Equal(t, jsonValue(c.Unit, a.Table.Rows[i][j]), row[c.Name])
			}
		}
		require.Equal(t, a.Table.Total != nil, got.Total != nil)
		for _, c := range a.Table.Columns {
			require.Equal(t, a.Table.Total != nil && !c.Unit.isText(), got.Total[c.Name] != nil)
		}
	})
}

// jsonValue returns the value that encoding/json decodes for a cell.
func jsonValue(u Unit, c Cell) any {
	switch {
	case u == Text:
		return strings.ToValidUTF8(c.Text, "\ufffd")
	case u == Digits && c.Text == "":
		return nil
	case u == Digits:
		n, _ := strconv.ParseFloat(c.Text, 64)
		return n
	case u == Time:
		return time.Unix(c.Num, 0).UTC().Format(time.RFC3339)
	default:
		return float64(c.Num)
	}
}

// TestCSVHasEveryCell: CSV parses, with the names of all columns and the plain text of each cell.
func TestCSVHasEveryCell(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := anyAnswer(t)
		lines, err := csv.NewReader(strings.NewReader(printed(t, a, "csv"))).ReadAll()
		require.NoError(t, err)
		require.Len(t, lines, 1+len(a.Table.Rows))
		for j, c := range a.Table.Columns {
			require.Equal(t, c.Name, lines[0][j])
			for i, row := range a.Table.Rows {
				want := row[j].Text
				switch c.Unit {
				case Count, Bytes:
					want = strconv.FormatInt(row[j].Num, 10)
				case Time:
					want = time.Unix(row[j].Num, 0).UTC().Format(time.RFC3339)
				case Text, Digits:
				}
				require.Equal(t, strings.ReplaceAll(want, "\r\n", "\n"), lines[i+1][j])
			}
		}
	})
}

// TestTableIsSafeForTerminals: a table has one line for each row without control characters, and the header and each number are
// aligned to the right.
func TestTableIsSafeForTerminals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := anyAnswer(t)
		for _, format := range []string{"table", "wide"} {
			out := printed(t, a, format)
			lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
			want := 1 + len(a.Table.Rows)
			if a.Table.Total != nil {
				want++
			}
			require.Len(t, lines, want)
			for _, c := range strings.ReplaceAll(out, "\n", "") {
				require.True(t, strconv.IsPrint(c), "%q", c)
			}
			for _, c := range a.Table.Columns {
				require.Equal(t, format == "wide" || !c.Wide, strings.Contains(lines[0], strings.ToUpper(c.Name)))
			}
		}
	})
}

// TestLongTextIsCut: the table cuts a text to 48 characters; wide, csv and json do not.
func TestLongTextIsCut(t *testing.T) {
	long := strings.Repeat("ü", 60)
	a := &Answer{Table: &Table{Columns: []Column{{Name: "name"}}, Rows: [][]Cell{{textCell(long)}}}}
	lines := strings.Split(printed(t, a, "table"), "\n")
	assert.Equal(t, strings.Repeat("ü", 47)+"…", lines[1])
	assert.Equal(t, maxCell, utf8.RuneCountInString(lines[1]))
	for _, format := range []string{"wide", "csv", "json"} {
		assert.Contains(t, printed(t, a, format), long)
	}
}

func TestFormatBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1 << 20: "1.0 MiB", 1<<30 - 1: "1024.0 MiB", 1 << 30: "1.0 GiB", 1 << 50: "1024.0 TiB",
	} {
		assert.Equal(t, want, FormatBytes(n))
	}
}

func TestSummarize(t *testing.T) {
	assert.Empty(t, summarize(nil))
	assert.Equal(t, "a, b, c, d, e", summarize([]string{"a", "b", "c", "d", "e"}))
	assert.Equal(t, "a, b, c, d, e and 2 more", summarize([]string{"a", "b", "c", "d", "e", "f", "g"}))
	assert.Equal(t, []string{"0 records", "1 record", "2 records"}, []string{plural(0, "record"), plural(1, "record"), plural(2, "record")})
}
