// Package bytesize has the units of amounts of bytes, as people write and read them.
package bytesize

import (
	"fmt"
	"strings"
)

// Unit is a unit and its bytes.
type Unit struct {
	Name  string
	Bytes int64
}

// Units are all units, the last without a name. They are tried in this order: the longer names end in the shorter ones, and the larger
// units print shorter.
var Units = []Unit{
	{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}, {"", 1},
}

// Split splits an amount such as 512MiB into its number, as written, and the bytes of its unit.
func Split(text string) (number string, unit int64) {
	for _, u := range Units {
		if digits, ok := strings.CutSuffix(text, u.Name); ok {
			return strings.TrimSpace(digits), u.Bytes
		}
	}
	return text, 1 // not reached: every text ends in the empty unit
}

// Decimal formats an amount with one decimal in the largest decimal unit that leaves few digits, such as 7.5 kB.
func Decimal(n uint64) string {
	for _, u := range Units[3:6] {
		if n >= uint64(u.Bytes) {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.Bytes), u.Name)
		}
	}
	return fmt.Sprintf("%d B", n)
}
