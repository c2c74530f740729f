package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxCell is the number of characters to which the table without wide cuts a text.
const maxCell = 48

// cellText formats a cell for people.
func cellText(u Unit, c Cell, whole bool) string {
	switch u {
	case Count:
		return strconv.FormatInt(c.Num, 10)
	case Bytes:
		return FormatBytes(c.Num)
	case Time:
		return FormatTime(c.Num)
	default:
		s := Printable(c.Text)
		if s == "" {
			return "-"
		}
		if n := utf8.RuneCountInString(s); n > maxCell && !whole {
			return string([]rune(s)[:maxCell-1]) + "…"
		}
		return s
	}
}

// plainText formats a cell for programs.
func plainText(u Unit, c Cell) string {
	switch u {
	case Text, Digits:
		return c.Text
	case Time:
		return FormatTime(c.Num)
	default:
		return strconv.FormatInt(c.Num, 10)
	}
}

// Printable replaces the control characters of a recorded text, which could move a terminal's cursor or change its colours.
func Printable(s string) string {
	return strings.Map(func(c rune) rune {
		if !strconv.IsPrint(c) {
			return '?'
		}
		return c
	}, s)
}

// FormatBytes formats a number of bytes with one decimal and the largest unit that fits.
func FormatBytes(bytes int64) string {
	for i, unit := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if size := int64(1) << (40 - 10*i); bytes >= size {
			return fmt.Sprintf("%.1f %s", float64(bytes)/float64(size), unit)
		}
	}
	return fmt.Sprintf("%d B", bytes)
}

// FormatTime formats Unix seconds as RFC 3339 in UTC.
func FormatTime(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }
